"""A word-level language model: the reference solution."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Hidden = tuple[Tensor, Tensor]


class Dictionary:
    """Numbers words in the order in which they appear first."""

    def __init__(self) -> None:
        self.word2idx: dict[str, int] = {}
        self.idx2word: list[str] = []

    def add(self, word: str) -> int:
        """The word's number, a new one for a new word."""
        if word not in self.word2idx:
            self.word2idx[word] = len(self.idx2word)
            self.idx2word.append(word)
        return self.word2idx[word]

    def __len__(self) -> int:
        return len(self.idx2word)


def tokenize(lines: list[str], dictionary: Dictionary, grow: bool = True) -> Tensor:  # noqa: FBT001, FBT002  the contract's
    """The numbers of all words, with "<eos>" after each line: (M,) int64."""
    numbers = []
    for line in lines:
        for word in [*line.split(), "<eos>"]:
            if grow:
                numbers.append(dictionary.add(word))
            else:
                known = word if word in dictionary.word2idx else "<unk>"
                numbers.append(dictionary.word2idx[known])
    return torch.tensor(numbers, dtype=torch.int64)


def batchify(data: Tensor, columns: int) -> Tensor:
    """(M,) -> (M // columns, columns): column j is the j-th stretch of the text."""
    rows = len(data) // columns
    return data[: rows * columns].view(columns, rows).t().contiguous()


def get_batch(source: Tensor, i: int, bptt: int) -> tuple[Tensor, Tensor]:
    """Rows from i on, (T, B), and the words that follow them, (T·B,)."""
    length = min(bptt, len(source) - 1 - i)
    return source[i : i + length], source[i + 1 : i + 1 + length].reshape(-1)


class WordModel(nn.Module):
    """Embedding, LSTM, and scores for the next word."""

    def __init__(
        self, ntoken: int, ninp: int, nhid: int, nlayers: int, dropout: float = 0.0, tied: bool = False  # noqa: FBT001, FBT002
    ) -> None:  # fmt: skip
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid, nlayers, dropout=dropout if nlayers > 1 else 0.0)
        self.decoder = nn.Linear(nhid, ntoken)
        if tied:
            if ninp != nhid:
                raise ValueError("tied weights need ninp == nhid")
            self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.uniform_(self.decoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, x: Tensor, hidden: Hidden) -> tuple[Tensor, Hidden]:
        """Scores (T·B, ntoken) for the words after x (T, B), and the hidden state after the last row."""
        embedded = self.drop(self.encoder(x))
        output, hidden = self.rnn(embedded, hidden)
        scores = self.decoder(self.drop(output))
        return scores.flatten(0, 1), hidden

    def init_hidden(self, columns: int) -> Hidden:
        """Two zeros (nlayers, columns, nhid), of the weights' dtype and device."""
        weight = self.decoder.weight
        shape = (self.rnn.num_layers, columns, self.rnn.hidden_size)
        return weight.new_zeros(shape), weight.new_zeros(shape)


def repackage_hidden(h: Any) -> Any:
    """The same values without their past."""
    if isinstance(h, Tensor):
        return h.detach()
    return tuple(repackage_hidden(each) for each in h)


def clip_gradients(params: list[Tensor], max_norm: float) -> float:
    """Scale all gradients so that their norm together is at most max_norm; the norm from before."""
    grads = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(float((g.double() ** 2).sum()) for g in grads))
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / (norm + 1e-6))
    return norm


def train_epoch(model: nn.Module, source: Tensor, bptt: int, clip: float, lr: float) -> float:
    """One pass over source in windows; the mean loss per word, each window's from before its step."""
    model.train()
    hidden = model.init_hidden(source.shape[1])
    total, words = 0.0, 0
    for i in range(0, len(source) - 1, bptt):
        x, targets = get_batch(source, i, bptt)
        hidden = repackage_hidden(hidden)
        model.zero_grad()
        scores, hidden = model(x, hidden)
        loss = F.cross_entropy(scores, targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        with torch.no_grad():
            for p in model.parameters():
                if p.grad is not None:
                    p.sub_(lr * p.grad)
        total += loss.item() * len(targets)
        words += len(targets)
    return total / words


def perplexity(model: nn.Module, source: Tensor, bptt: int) -> float:
    """e to the mean cross entropy per predicted word of source, in eval mode."""
    was_training = model.training
    model.eval()
    hidden = model.init_hidden(source.shape[1])
    total, words = 0.0, 0
    with torch.no_grad():
        for i in range(0, len(source) - 1, bptt):
            x, targets = get_batch(source, i, bptt)
            scores, hidden = model(x, hidden)
            total += F.cross_entropy(scores, targets, reduction="sum").item()
            words += len(targets)
    model.train(was_training)
    return math.exp(total / words)


def generate(model: nn.Module, start: int, length: int, temperature: float, generator: torch.Generator) -> list[int]:
    """`length` word numbers that follow `start`, each drawn from softmax(scores / temperature) and fed back."""
    was_training = model.training
    model.eval()
    hidden, word, words = model.init_hidden(1), start, []
    with torch.no_grad():
        for _ in range(length):
            scores, hidden = model(torch.tensor([[word]]), hidden)
            if temperature == 0:
                word = scores[-1].argmax().item()
            else:
                word = torch.multinomial(F.softmax(scores[-1] / temperature, 0), 1, generator=generator).item()
            words.append(word)
    model.train(was_training)
    return words
