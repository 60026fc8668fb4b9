"""Language model, written with small classes that each know one thing."""
import contextlib
import math
from dataclasses import dataclass, field
from typing import Dict, List

import torch
from torch import nn


@dataclass
class Dictionary:
    word2idx: Dict[str, int] = field(default_factory=dict)
    idx2word: Dict[int, str] = field(default_factory=dict)

    def add(self, word: str) -> int:
        number = self.word2idx.get(word)
        if number is None:
            number = len(self)
            self.word2idx[word] = number
            self.idx2word[number] = word
        return number

    def __len__(self) -> int:
        return len(self.word2idx)


class Tokenizer:
    EOS, UNK = "<eos>", "<unk>"

    def __init__(self, dictionary, grow):
        self.dictionary = dictionary
        self.lookup = dictionary.add if grow else self.known

    def known(self, word):
        try:
            return self.dictionary.word2idx[word]
        except KeyError:
            return self.dictionary.word2idx[self.UNK]

    def line(self, line):
        yield from map(self.lookup, line.split())
        yield self.lookup(self.EOS)

    def __call__(self, lines):
        return torch.LongTensor([number for line in lines for number in self.line(line)])


def tokenize(lines, dictionary, grow=True):
    return Tokenizer(dictionary, grow)(lines)


def batchify(data, columns):
    rows = data.numel() // columns
    out = torch.empty(rows, columns, dtype=data.dtype)
    for column in range(columns):
        out[:, column] = data[column * rows:(column + 1) * rows]
    return out


class Windows:
    def __init__(self, source, bptt):
        self.source, self.bptt = source, bptt

    def at(self, i):
        end = min(i + self.bptt, self.source.size(0) - 1)
        return self.source[i:end], self.source[i + 1:end + 1].reshape(-1)

    def __iter__(self):
        return map(self.at, range(0, self.source.size(0) - 1, self.bptt))


def get_batch(source, i, bptt):
    return Windows(source, bptt).at(i)


class WordModel(nn.Module):
    def __init__(self, ntoken, ninp, nhid, nlayers, dropout=0.0, tied=False):
        super().__init__()
        self.encoder = nn.Embedding(ntoken, ninp)
        self.input_dropout = nn.Dropout(dropout)
        self.rnn = nn.LSTM(input_size=ninp, hidden_size=nhid, num_layers=nlayers, dropout=dropout)
        self.output_dropout = nn.Dropout(dropout)
        self.decoder = nn.Linear(nhid, ntoken)
        self.reset()
        if tied:
            self.tie(ninp, nhid)

    def tie(self, ninp, nhid):
        if ninp != nhid:
            raise ValueError(f"cannot tie: ninp={ninp}, nhid={nhid}")
        self.encoder.weight = self.decoder.weight

    def reset(self, width=0.1):
        for layer in (self.encoder, self.decoder):
            nn.init.uniform_(layer.weight, a=-width, b=width)
        nn.init.constant_(self.decoder.bias, 0)

    def forward(self, x, hidden):
        states, hidden = self.rnn(self.input_dropout(self.encoder(x)), hidden)
        states = self.output_dropout(states)
        return self.decoder(states.reshape(-1, states.size(-1))), hidden

    def init_hidden(self, columns):
        like = next(self.rnn.parameters())
        make = lambda: torch.zeros(self.rnn.num_layers, columns, self.rnn.hidden_size, dtype=like.dtype, device=like.device)
        return make(), make()


def repackage_hidden(h):
    if isinstance(h, (tuple, list)):
        return type(h)(repackage_hidden(part) for part in h)
    return h.clone().detach()


class Clipper:
    def __init__(self, params):
        self.params = [p for p in params if p.grad is not None]

    @property
    def norm(self):
        return math.sqrt(math.fsum(p.grad.pow(2).sum().item() for p in self.params))

    def clip(self, max_norm):
        norm = self.norm
        if norm > max_norm:
            for p in self.params:
                p.grad = p.grad * (max_norm / (norm + 1e-6))
        return norm


def clip_gradients(params, max_norm):
    return Clipper(params).clip(max_norm)


class Mean:
    def __init__(self):
        self.sum, self.count = 0.0, 0

    def add(self, value, count):
        self.sum += value * count
        self.count += count

    @property
    def value(self):
        return self.sum / self.count


class Trainer:
    def __init__(self, model, clip, lr):
        self.model, self.clip = model, clip
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        self.loss = nn.CrossEntropyLoss()

    def epoch(self, source, bptt):
        self.model.train()
        mean, hidden = Mean(), self.model.init_hidden(source.size(1))
        for x, y in Windows(source, bptt):
            value, hidden = self.step(x, y, repackage_hidden(hidden))
            mean.add(value, y.numel())
        return mean.value

    def step(self, x, y, hidden):
        scores, hidden = self.model(x, hidden)
        loss = self.loss(scores, y)
        self.optimizer.zero_grad()
        loss.backward()
        Clipper(self.model.parameters()).clip(self.clip)
        self.optimizer.step()
        return loss.item(), hidden


def train_epoch(model, source, bptt, clip, lr):
    return Trainer(model, clip, lr).epoch(source, bptt)


@contextlib.contextmanager
def evaluating(model):
    mode = model.training
    try:
        with torch.inference_mode():
            yield model.eval()
    finally:
        model.train(mode)


def perplexity(model, source, bptt):
    mean, loss = Mean(), nn.CrossEntropyLoss()
    with evaluating(model):
        hidden = model.init_hidden(source.size(1))
        for x, y in Windows(source, bptt):
            scores, hidden = model(x, hidden)
            mean.add(loss(scores, y).item(), y.numel())
    return math.exp(mean.value)


class Writer:
    def __init__(self, model, temperature, generator):
        self.model, self.temperature, self.generator = model, temperature, generator
        self.hidden = model.init_hidden(1)

    def next(self, word):
        scores, self.hidden = self.model(torch.tensor([word]).unsqueeze(1), self.hidden)
        if not self.temperature:
            return int(torch.argmax(scores, dim=1))
        probabilities = torch.distributions.Categorical(logits=scores[0] / self.temperature).probs
        return int(torch.multinomial(probabilities, 1, generator=self.generator))


def generate(model, start, length, temperature, generator):
    with evaluating(model):
        writer, words = Writer(model, temperature, generator), [start]
        while len(words) <= length:
            words.append(writer.next(words[-1]))
    return words[1:]
