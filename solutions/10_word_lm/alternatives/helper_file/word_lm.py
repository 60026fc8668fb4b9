import math

import torch
import torch.nn as nn

from text_tools import UNK, window, windows, words_with_ends
from training_tools import descend, quietly, zero


class Dictionary:
    def __init__(self, words=()):
        self.word2idx = {}
        self.idx2word = []
        for word in words:
            self.add(word)

    def add(self, word):
        try:
            return self.word2idx[word]
        except KeyError:
            self.word2idx[word] = len(self.word2idx)
            self.idx2word.append(word)
            return self.word2idx[word]

    def __len__(self):
        return len(self.idx2word)

    def __contains__(self, word):
        return word in self.word2idx


def tokenize(lines, dictionary, grow=True):
    ids = []
    for word in words_with_ends(lines):
        if not grow and word not in dictionary.word2idx:
            word = UNK
        ids.append(dictionary.add(word) if grow else dictionary.word2idx[word])
    return torch.as_tensor(ids, dtype=torch.long)


def batchify(data, columns):
    rows, rest = divmod(len(data), columns)
    if rest:
        data = data[:-rest]
    return torch.vstack(torch.split(data, rows)).mT.contiguous()


def get_batch(source, i, bptt):
    return window(source, i, min(i + bptt, source.shape[0] - 1))


class WordModel(nn.Module):
    def __init__(self, ntoken, ninp, nhid, nlayers, dropout=0.0, tied=False):
        super().__init__()
        self.encoder = nn.Embedding(ntoken, ninp, _weight=torch.empty(ntoken, ninp).uniform_(-0.1, 0.1))
        self.rnn = nn.LSTM(ninp, nhid, nlayers, dropout=dropout * (nlayers > 1))
        self.decoder = nn.Linear(nhid, ntoken)
        if not tied:
            nn.init.uniform_(self.decoder.weight, -0.1, 0.1)
        elif ninp == nhid:
            self.decoder.weight = self.encoder.weight
        else:
            raise ValueError("tied: ninp and nhid differ")
        nn.init.zeros_(self.decoder.bias)
        self.dropout = dropout

    def drop(self, t):
        if not self.training or self.dropout == 0:
            return t
        keep = torch.rand_like(t) >= self.dropout
        return t * keep / (1 - self.dropout)

    def forward(self, x, hidden):
        found, hidden = self.rnn(self.drop(self.encoder(x)), hidden)
        return self.decoder(self.drop(found)).flatten(end_dim=1), hidden

    def init_hidden(self, columns):
        zeros = torch.zeros_like(self.decoder.bias.detach()[:1]).expand(self.rnn.num_layers, columns, self.rnn.hidden_size)
        return zeros.contiguous(), zeros.contiguous()


def repackage_hidden(h):
    return [repackage_hidden(part) for part in h] if isinstance(h, (list, tuple)) else h.detach()


def clip_gradients(params, max_norm):
    squares = [float(p.grad.flatten() @ p.grad.flatten()) for p in params if p.grad is not None]
    norm = sum(squares) ** 0.5
    if norm <= max_norm:
        return norm
    for p in params:
        if p.grad is not None:
            p.grad.div_((norm + 1e-6) / max_norm)
    return norm


def train_epoch(model, source, bptt, clip, lr):
    model.train()
    hidden, losses = model.init_hidden(source.shape[1]), []
    for x, targets in windows(source, bptt):
        zero(model)
        scores, hidden = model(x, tuple(h.detach() for h in hidden))
        each = nn.functional.cross_entropy(scores, targets, reduction="none")
        each.mean().backward()
        losses.append(each.detach())
        clip_gradients(list(model.parameters()), clip)
        descend(model, lr)
    return torch.cat(losses).mean().item()


def perplexity(model, source, bptt):
    hidden, losses = None, []
    with quietly(model):
        for x, targets in windows(source, bptt):
            hidden = model.init_hidden(source.shape[1]) if hidden is None else hidden
            scores, hidden = model(x, hidden)
            losses += nn.functional.cross_entropy(scores, targets, reduction="none").tolist()
    return math.exp(math.fsum(losses) / len(losses))


def generate(model, start, length, temperature, generator):
    words = []
    with quietly(model):
        hidden = model.init_hidden(1)
        for _ in range(length):
            scores, hidden = model(torch.tensor([[words[-1] if words else start]]), hidden)
            words.append(choose(scores.squeeze(0), temperature, generator))
    return words


def choose(scores, temperature, generator):
    if temperature == 0:
        return scores.topk(1).indices.item()
    scores = scores - scores.max()
    return torch.multinomial(torch.exp(scores / temperature), 1, generator=generator).item()
