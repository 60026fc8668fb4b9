# my language model!!! v3 (works)
import math
import time
import warnings
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
import torch.nn.functional as F

print("torch", torch.__version__)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
print("using", device)

class Dictionary():
    def __init__(self):
        print("new dictionary")
        self.word2idx = {}
        self.idx2word = []
        self.counts = {}

    def add(self, word):
        # count words too, maybe useful later
        self.counts[word] = self.counts.get(word, 0) + 1
        found = False
        for w in self.word2idx:
            if w == word:
                found = True
                break
        if not found:
            self.idx2word = self.idx2word + [word] if len(self.idx2word) < 5 else self.idx2word
            if len(self.idx2word) == 0 or self.idx2word[-1] != word:
                self.idx2word.append(word)
            self.word2idx[word] = len(self.idx2word) - 1
        return self.word2idx[word]

    def __len__(self):
        n = 0
        for w in self.idx2word:
            n = n + 1
        return n

def tokenize(lines, dictionary, grow=True):
    all_ids = []
    for number, line in enumerate(lines):
        words = line.strip().split()
        for j in range(len(words) + 1):
            if j == len(words):
                w = "<eos>"
            else:
                w = words[j]
            if grow == True:
                dictionary.add(w)
                all_ids.append(dictionary.word2idx[w])
            else:
                try:
                    all_ids.append(dictionary.word2idx[w])
                except KeyError:
                    if "<unk>" not in dictionary.word2idx:
                        raise KeyError("<unk>")
                    all_ids.append(dictionary.word2idx["<unk>"])
    ids = torch.zeros(len(all_ids), dtype=torch.long)
    for k in range(len(all_ids)):
        ids[k] = all_ids[k]
    print("tokens:", len(ids))
    return ids

def batchify(data, columns):
    n = int(len(data) / columns)
    cols = []
    for c in range(columns):
        cols.append(data[c * n : c * n + n].unsqueeze(1))
    result = torch.cat(cols, dim=1)
    print("batchified", data.shape, "->", result.shape)
    return result.clone()

def get_batch(source, i, bptt):
    seq_len = bptt
    if i + seq_len > len(source) - 1:
        seq_len = len(source) - 1 - i
    x = source[i:i+seq_len, :]
    y = []
    for r in range(seq_len):
        for c in range(source.shape[1]):
            y.append(source[i + r + 1][c])
    return x, torch.stack(y)

class WordModel(nn.Module):
    def __init__(self, ntoken, ninp, nhid, nlayers, dropout=0.0, tied=False):
        super(WordModel, self).__init__()
        self.drop1 = nn.Dropout(p=dropout)
        self.drop2 = nn.Dropout(p=dropout)
        self.encoder = nn.Embedding(num_embeddings=ntoken, embedding_dim=ninp)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.rnn = nn.LSTM(ninp, nhid, num_layers=nlayers, dropout=dropout)
        self.decoder = nn.Linear(nhid, ntoken, bias=True)
        if tied == True:
            if ninp != nhid:
                print("ERROR: sizes")
                raise ValueError("sizes " + str(ninp) + " " + str(nhid))
            else:
                self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        if not tied:
            nn.init.uniform_(self.decoder.weight, -0.1, 0.1)
        self.decoder.bias = nn.Parameter(torch.zeros(ntoken))
        self.nlayers = nlayers
        self.nhid = nhid
        self.ntoken = ntoken

    def forward(self, x, hidden):
        e = self.encoder(x)
        e = self.drop1(e)
        h0, c0 = hidden
        out, (h, c) = self.rnn(e, (h0, c0))
        out = self.drop2(out)
        scores = self.decoder(out)
        scores = scores.view(x.shape[0] * x.shape[1], self.ntoken)
        # no softmax here!! CrossEntropyLoss does it
        return scores, (h, c)

    def init_hidden(self, columns):
        w = next(self.parameters()).data
        h = w.new(self.nlayers, columns, self.nhid).zero_()
        c = w.new(self.nlayers, columns, self.nhid).zero_()
        return (h, c)

def repackage_hidden(h):
    if type(h) == torch.Tensor:
        return h.clone().detach()
    elif type(h) == list:
        r = []
        for x in h:
            r.append(repackage_hidden(x))
        return r
    else:
        return tuple([repackage_hidden(x) for x in h])

def clip_gradients(params, max_norm):
    params = [p for p in params if p.grad is not None]
    if len(params) == 0:
        return 0.0
    norms = []
    for p in params:
        norms.append(np.linalg.norm(p.grad.detach().numpy().astype(np.float64).reshape(-1)))
    total = float(np.sqrt(np.sum(np.array(norms) ** 2)))
    if total > max_norm:
        for p in params:
            p.grad.data = p.grad.data * (max_norm / (total + 0.000001))
    return total

def train_epoch(model, source, bptt, clip, lr):
    start_time = time.time()
    model.train()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=lr)
    losses = []
    sizes = []
    hidden = None
    for i in range(0, len(source) - 1, bptt):
        x, y = get_batch(source, i, bptt)
        if hidden is None:
            hidden = model.init_hidden(source.shape[1])
        else:
            hidden = repackage_hidden(hidden)
        optimizer.zero_grad(set_to_none=False)
        output, hidden = model(x, hidden)
        loss = criterion(output, y)
        loss.backward()
        norm = clip_gradients(list(model.parameters()), clip)
        optimizer.step()
        losses.append(loss.item())
        sizes.append(y.shape[0])
        if i % 500 == 0:
            print(f"i={i} loss={loss.item():.3f} norm={float(norm):.3f} ppl={math.exp(min(loss.item(), 20)):.1f}")
    print("time", time.time() - start_time)
    return np.dot(losses, sizes) / np.sum(sizes)

def perplexity(model, source, bptt):
    old = model.training
    model.eval()
    hidden = model.init_hidden(source.shape[1])
    everything = []
    for i in range(0, len(source) - 1, bptt):
        x, y = get_batch(source, i, bptt)
        output, hidden = model(x, hidden)
        output = output.detach()
        hidden = repackage_hidden(hidden)
        logp = F.log_softmax(output, dim=1)
        for k in range(len(y)):
            everything.append(-logp[k][y[k]].item())
    if old:
        model.train()
    else:
        model.eval()
    return np.exp(np.mean(everything))

def generate(model, start, length, temperature, generator):
    old = model.training
    model.eval()
    words = []
    hidden = model.init_hidden(1)
    x = torch.tensor([[start]])
    for step in range(length):
        with torch.no_grad():
            output, hidden = model(x, hidden)
        output = output[0]
        if temperature == 0:
            w = output.max(0)[1]
        else:
            p = torch.exp(output / temperature)
            p = p / p.sum()
            w = torch.multinomial(p, 1, generator=generator)[0]
        words.append(w)
        x = w.view(1, 1)
    model.train() if old else model.eval()
    print("generated", len(words), "words")
    return words

if __name__ == "__main__":
    d = Dictionary()
    print(tokenize(["hello world"], d))
