import torch, torch.nn as nn, torch.nn.functional as F
from itertools import chain


class Dictionary:
    def __init__(s): s.word2idx = {}
    idx2word = property(lambda s: list(s.word2idx))
    def add(s, w): return s.word2idx.setdefault(w, len(s))
    def __len__(s): return len(s.word2idx)


def tokenize(lines, d, grow=True):
    num = d.add if grow else lambda w: d.word2idx[w if w in d.word2idx else "<unk>"]
    return torch.tensor([num(w) for l in lines for w in chain(l.split(), ["<eos>"])])


def batchify(data, columns):
    return torch.stack(data[: len(data) // columns * columns].split(len(data) // columns), 1)


get_batch = lambda s, i, bptt: (s[:-1][i:i + bptt], s[1:][i:i + bptt].flatten())


class WordModel(nn.Module):
    def __init__(s, ntoken, ninp, nhid, nlayers, dropout=0., tied=False):
        super().__init__()
        if tied and ninp != nhid: raise ValueError((ninp, nhid))
        s.encoder, s.rnn, s.decoder, s.p = nn.Embedding(ntoken, ninp), nn.LSTM(ninp, nhid, nlayers, dropout=dropout), nn.Linear(nhid, ntoken), dropout
        for w in (s.encoder.weight, s.decoder.weight): w.data.uniform_(-.1, .1)
        s.decoder.bias.data *= 0
        if tied: s.decoder.weight = s.encoder.weight

    def forward(s, x, h):
        d = lambda t: F.dropout(t, s.p, s.training)
        o, h = s.rnn(d(s.encoder(x)), h)
        return s.decoder(d(o)).flatten(0, 1), h

    def init_hidden(s, b):
        z = s.decoder.bias.detach().new_zeros(s.rnn.num_layers, b, s.rnn.hidden_size)
        return z, z


repackage_hidden = lambda h: h.data if torch.is_tensor(h) else [*map(repackage_hidden, h)]


def clip_gradients(params, max_norm):
    g = [p.grad for p in params if p.grad is not None]
    n = torch.cat([x.flatten() for x in g]).norm().item() if g else 0.
    for x in g: x *= min(1., max_norm / (n + 1e-6))
    return n


def train_epoch(model, source, bptt, clip, lr):
    model.train(); opt = torch.optim.SGD(model.parameters(), lr); h, losses = None, []
    for i in range(0, len(source) - 1, bptt):
        x, y = get_batch(source, i, bptt); opt.zero_grad()
        out, h = model(x, h and tuple(repackage_hidden(h)))
        loss = F.cross_entropy(out, y, reduction="none"); loss.mean().backward(); clip_gradients([*model.parameters()], clip); opt.step()
        losses += loss.tolist()
    return sum(losses) / len(losses)


@torch.no_grad()
def perplexity(model, source, bptt):
    t = model.training
    out = model.eval()(source[:-1], model.init_hidden(source.shape[1]))[0]
    model.train(t)
    return F.cross_entropy(out, source[1:].flatten()).exp().item()


@torch.no_grad()
def generate(model, start, length, temperature, generator):
    t, h, w = model.training, None, [start]; model.eval()
    for _ in range(length):
        s, h = model(torch.tensor([w[-1:]]), h)
        w.append(int(torch.multinomial((s[0] / temperature).softmax(0), 1, generator=generator) if temperature else s.argmax()))
    model.train(t)
    return w[1:]
