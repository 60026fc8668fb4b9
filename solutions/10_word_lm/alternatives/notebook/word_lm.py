#!/usr/bin/env python
# coding: utf-8

# # Word-level language model

# In[1]:

import math
from collections import defaultdict

import torch
import torch.nn as nn

CLIP_EPS = 1e-6
loss_fn = nn.CrossEntropyLoss()


# ## Data

# In[2]:

class Dictionary:
    def __init__(self):
        self.word2idx = defaultdict(lambda: len(self.word2idx))

    @property
    def idx2word(self):
        return {i: w for w, i in self.word2idx.items()}

    def add(self, word):
        return self.word2idx[word]

    def __len__(self):
        return len(self.word2idx)


d = Dictionary()
[d.add(w) for w in "the cat saw the dog".split()]


# In[3]:

def tokenize(lines, dictionary, grow=True):
    text = " <eos> ".join(lines) + " <eos>"
    words = text.split()
    if grow:
        ids = [dictionary.add(w) for w in words]
    else:
        vocab = dictionary.word2idx
        ids = [vocab[w] if w in vocab else vocab["<unk>"] for w in words]
    return torch.tensor(ids)


# In[4]:

def batchify(data, columns):
    n = data.shape[0] // columns
    return data.unfold(0, n, n)[:columns].T.contiguous()


batchify(torch.arange(26), 4)


# In[5]:

def get_batch(source, i, bptt):
    chunk = source[i:i + bptt + 1]
    return chunk[:-1], chunk[1:].reshape(-1)


# ## Model

# In[6]:

class WordModel(nn.Module):
    def __init__(self, ntoken, ninp, nhid, nlayers, dropout=0.0, tied=False):
        super().__init__()
        assert 0 <= dropout < 1
        if tied and ninp != nhid:
            raise ValueError("ninp must equal nhid")
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid, nlayers, dropout=dropout if nlayers > 1 else 0)
        self.decoder = nn.Linear(nhid, ntoken)
        self.dropout = nn.Dropout(dropout)
        if tied:
            self.decoder.weight = self.encoder.weight
        for name, p in self.named_parameters():
            if not name.startswith("rnn"):
                if p.dim() == 2:
                    p.data.uniform_(-0.1, 0.1)
                else:
                    p.data.fill_(0)

    def forward(self, x, hidden):
        x = self.dropout(self.encoder(x))
        out, hidden = self.rnn(x, hidden)
        out = self.decoder(self.dropout(out))
        return torch.cat(list(out)), hidden

    def init_hidden(self, columns):
        p = next(iter(self.parameters()))
        size = (self.rnn.num_layers, columns, self.rnn.hidden_size)
        return tuple(torch.zeros(size).to(p) for _ in range(2))


# In[7]:

def repackage_hidden(h):
    return h.detach() if torch.is_tensor(h) else tuple(repackage_hidden(x) for x in h)


# In[8]:

def clip_gradients(params, max_norm):
    grads = [p.grad.view(-1) if p.grad.is_contiguous() else p.grad.reshape(-1) for p in params if p.grad is not None]
    if not grads:
        return 0.0
    total = torch.linalg.vector_norm(torch.cat(grads)).item()
    if total > max_norm:
        for p in params:
            if p.grad is not None:
                p.grad.mul_(max_norm / (total + CLIP_EPS))
    return total


# ## Training

# In[9]:

def train_epoch(model, source, bptt, clip, lr):
    opt = torch.optim.SGD(model.parameters(), lr=lr)
    model.train()
    running, seen = 0.0, 0
    h = model.init_hidden(source.shape[1])
    i = 0
    while i < source.shape[0] - 1:
        x, y = get_batch(source, i, bptt)
        h = repackage_hidden(h)
        out, h = model(x, h)
        loss = loss_fn(out, y)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=clip)
        opt.step()
        running += loss.detach() * y.numel()
        seen += y.numel()
        i += bptt
    return running / seen


# In[10]:

@torch.inference_mode()
def perplexity(model, source, bptt):
    before = model.training
    model.eval()
    nll, n = torch.zeros((), dtype=torch.float64), 0
    h = model.init_hidden(source.shape[1])
    for i in range(0, source.shape[0] - 1, bptt):
        x, y = get_batch(source, i, bptt)
        out, h = model(x, h)
        nll += nn.functional.cross_entropy(out.double(), y, reduction="sum")
        n += y.numel()
    model.train(before)
    return torch.exp(nll / n).item()


# In[11]:

@torch.inference_mode()
def generate(model, start, length, temperature, generator):
    before = model.training
    model.eval()
    history = [start]
    h = model.init_hidden(1)
    for _ in range(length):
        # the whole history from the beginning: slow, but there is nothing to carry
        out, _ = model(torch.tensor(history).unsqueeze(1), h)
        logits = out[-1]
        if temperature == 0:
            nxt = int(logits.argmax())
        else:
            # the Gumbel trick, with an exponential variable
            noise = torch.empty_like(logits).exponential_(generator=generator)
            nxt = int((logits / temperature - noise.log()).argmax())
        history.append(nxt)
    model.train(before)
    return history[1:]
