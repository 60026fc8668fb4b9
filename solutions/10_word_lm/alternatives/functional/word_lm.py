"""With torch.func, functools and iterators wherever that is possible."""
import functools
import itertools
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, grad_and_value


class Dictionary:
    def __init__(self):
        self.word2idx, self.idx2word = {}, {}

    def add(self, word):
        self.idx2word.setdefault(self.word2idx.setdefault(word, len(self.word2idx)), word)
        return self.word2idx[word]

    __len__ = lambda self: len(self.idx2word)


def tokenize(lines, dictionary, grow=True):
    words = itertools.chain.from_iterable(line.split() + ["<eos>"] for line in lines)
    known = dictionary.word2idx
    lookup = dictionary.add if grow else (lambda word: known[word] if word in known else known["<unk>"])
    return torch.from_numpy(np.fromiter(map(lookup, words), dtype=np.int64))


def batchify(data, columns):
    rows = data.shape[0] // columns
    index = torch.arange(rows)[:, None] + rows * torch.arange(columns)[None, :]
    return data[index]


def get_batch(source, i, bptt):
    rows = torch.arange(i, min(i + bptt, source.shape[0] - 1))
    return source[rows], source[rows + 1].ravel()


class WordModel(nn.Module):
    def __init__(self, ntoken, ninp, nhid, nlayers, dropout=0.0, tied=False):
        super().__init__()
        self.encoder, self.rnn, self.decoder = nn.Embedding(ntoken, ninp), nn.LSTM(ninp, nhid, nlayers), nn.Linear(nhid, ntoken)
        self.rnn.dropout = dropout
        self.drop = functools.partial(lambda t: F.dropout(t, dropout, training=self.training))
        if tied and self.encoder.weight.shape != self.decoder.weight.shape:
            raise ValueError("tied weights have one shape")
        if tied:
            self.decoder.register_parameter("weight", self.encoder.weight)
        with torch.no_grad():
            self.encoder.weight.copy_(torch.rand_like(self.encoder.weight) * 0.2 - 0.1)
            if not tied:
                self.decoder.weight.copy_(torch.rand_like(self.decoder.weight) * 0.2 - 0.1)
            self.decoder.bias.fill_(0.0)

    def forward(self, x, hidden):
        out, hidden = self.rnn(self.drop(F.embedding(x, self.encoder.weight)), hidden)
        return F.linear(self.drop(out), self.decoder.weight, self.decoder.bias).view(x.numel(), -1), hidden

    def init_hidden(self, columns):
        zeros = self.rnn.weight_hh_l0.detach().new_zeros((2, self.rnn.num_layers, columns, self.rnn.hidden_size))
        return tuple(zeros)


def repackage_hidden(h):
    match h:
        case torch.Tensor():
            return h.detach()
        case list():
            return [*map(repackage_hidden, h)]
        case _:
            return (*map(repackage_hidden, h),)


def clip_gradients(params, max_norm):
    gradients = [p.grad for p in params if p.grad is not None]
    norm = functools.reduce(math.hypot, (g.norm().item() for g in gradients), 0.0)
    scale = 1.0 if norm <= max_norm else max_norm / (norm + 1e-6)
    for g in gradients:
        g.copy_(g * scale)
    return norm


def train_epoch(model, source, bptt, clip, lr):
    model.train()
    params = dict(model.named_parameters())

    def loss_of(params, hidden, x, y):
        scores, hidden = functional_call(model, params, (x, hidden))
        return F.cross_entropy(scores, y), hidden

    slope = grad_and_value(loss_of, has_aux=True)
    losses, hidden = [], model.init_hidden(source.shape[1])
    for x, y in (get_batch(source, i, bptt) for i in range(0, source.shape[0] - 1, bptt)):
        grads, (loss, hidden) = slope({k: p.detach() for k, p in params.items()}, repackage_hidden(hidden), x, y)
        norm = math.sqrt(sum((g.square().sum().item() for g in grads.values())))
        factor = min(1.0, clip / (norm + 1e-6))
        with torch.no_grad():
            for k, p in params.items():
                p.copy_(p - lr * factor * grads[k])
        losses.append((loss.item(), y.numel()))
    values, counts = zip(*losses)
    return float(np.average(values, weights=counts))


def evaluating(f):
    @functools.wraps(f)
    def wrapped(model, *args):
        mode = model.training
        model.eval()
        with torch.no_grad():
            found = f(model, *args)
        model.train(mode)
        return found

    return wrapped


@evaluating
def perplexity(model, source, bptt):
    hidden, losses = model.init_hidden(source.shape[1]), []
    for i in range(0, source.shape[0] - 1, bptt):
        x, y = get_batch(source, i, bptt)
        scores, hidden = model(x, hidden)
        losses.append(-scores.log_softmax(1).gather(1, y[:, None]).flatten())
    return torch.cat(losses).mean().exp()


@evaluating
def generate(model, start, length, temperature, generator):
    def steps(word, hidden):
        while True:
            scores, hidden = model(torch.tensor([[word]]), hidden)
            if temperature == 0:
                word = scores[0].argmax().item()
            else:
                limits = F.softmax(scores[0].double() / temperature, 0).cumsum(0)
                word = min(int((torch.rand((), generator=generator, dtype=torch.float64) > limits).sum()), len(limits) - 1)
            yield word

    return list(itertools.islice(steps(start, model.init_hidden(1)), length))
