"""fit_line as a product of matrices; a subtraction, a scaling and the square recorded by themselves."""

from __future__ import annotations

import torch
from typing import Callable, NamedTuple


class TapeEntry(NamedTuple):
    inputs: list[str]
    output: str
    propagate: Callable[[Variable], list[Variable]]


tape: list[TapeEntry] = []
taken: set[str] = set()
_given: dict[str, int] = {"next": 0}


def reset_tape():
    del tape[:]
    taken.clear()
    _given["next"] = 0


class Variable:
    def __init__(self, value, name=None):
        self.value = value
        self.name = name
        while self.name is None:
            candidate = f"v{_given['next']}"
            _given["next"] += 1
            if candidate not in taken:
                self.name = candidate
        taken.add(self.name)

    __add__ = lambda self, other: add(self, other)
    __mul__ = lambda self, other: mul(self, other)
    __neg__ = lambda self: scale(self, -1)
    __sub__ = lambda self, other: add(self, scale(other, -1))
    __matmul__ = lambda self, other: matmul(self, other)
    sum = lambda self: total(self)


def record(inputs, value, propagate):
    new = Variable(value)
    tape.extend([TapeEntry([*map(lambda v: v.name, inputs)], new.name, propagate)])
    return new


def transpose(a):
    return record([a], a.value.mT, lambda g: [transpose(g)])


def scale(a, factor):
    """A constant number times a."""
    return record([a], a.value * factor, lambda g: [scale(g, factor)])


def add(a, b):
    return record([a, b], torch.add(a.value, b.value), lambda g: [g, g])


def mul(a, b):
    return record([a, b], torch.mul(a.value, b.value), lambda g: [mul(g, b), mul(g, a)])


def reshape(a, shape):
    return record([a], a.value.reshape(shape), lambda g: [reshape(g, a.value.shape)])


def total(a):
    """By a product with a column of ones: more than one entry."""
    n = a.value.numel()
    row, ones = reshape(a, (1, n)), Variable(torch.ones(n, 1, dtype=a.value.dtype))
    return reshape(matmul(row, ones), ())


def spread(a, shape):
    n = torch.Size(shape).numel()
    ones = Variable(torch.ones(n, 1, dtype=a.value.dtype))
    return reshape(matmul(ones, reshape(a, (1, 1))), tuple(shape))


def matmul(a, b):
    return record([a, b], torch.einsum("md,dp->mp", a.value, b.value),
                  lambda g: [matmul(g, transpose(b)), transpose(matmul(transpose(g), a))])


def step(a):
    return torch.heaviside(a, torch.zeros((), dtype=a.dtype))


def relu(a):
    return mul(a, Variable(step(a.value)))


def tanh(a):
    """Through the logistic function: tanh(a) = 2σ(2a) - 1, whose slope is σ(1 - σ)."""
    doubled = scale(sigmoid(scale(a, 2.0)), 2.0)
    return add(doubled, Variable(torch.full_like(a.value, -1.0)))


def sigmoid(a):
    s = record([a], torch.sigmoid(a.value), lambda g: [mul(g, add(s, scale(mul(s, s), -1.0)))])
    return s


def unbroadcast(g, shape):
    small = torch.Size((1,) * (g.ndim - len(shape)) + tuple(shape))
    axes = tuple(i for i, (big, little) in enumerate(zip(g.shape, small)) if big != little)
    return (g.sum(axes, keepdim=True) if axes else g).reshape(shape)


def grad(loss, wanted):
    found = {loss.name: Variable(torch.ones_like(loss.value))}
    for number in reversed(range(len(tape))):
        inputs, output, propagate = tape[number]
        if output in found:
            for name, part in zip(inputs, propagate(found[output])):
                found[name] = part if name not in found else add(found[name], part)
    return [found.get(v.name, None) for v in wanted]


def hessian_vector(f, x, v):
    at = Variable(x)
    slopes, = grad(f(at), [at])
    if slopes is None:
        return torch.zeros(x.shape, dtype=x.dtype)
    products, = grad(mul(Variable(v), slopes), [at])
    return torch.zeros(x.shape, dtype=x.dtype) if products is None else products.value


def numeric_grad(f, x, eps=1e-4):
    x = x.detach().to(torch.double)
    found = []
    for e in eps * torch.eye(x.numel(), dtype=torch.double):
        e = e.reshape(x.shape)
        found.append((f(x + e) - f(x - e)) / (2 * eps))
    return torch.stack([torch.as_tensor(each, dtype=torch.double) for each in found]).reshape(x.shape)


def fit_line(x, y, steps, lr):
    data = torch.stack([x, torch.ones_like(x)], 1)
    w = torch.zeros(2, 1, dtype=x.dtype)
    reset_tape()
    for _ in range(steps):
        W = Variable(w)
        error = matmul(Variable(data), W) - Variable(y.reshape(-1, 1))
        loss = scale(total(error * error), 1 / len(x))
        w = w - lr * grad(loss, [W])[0].value
        reset_tape()
    return tuple(w.flatten().tolist())
