from __future__ import annotations

from functools import partial, reduce
from itertools import count, filterfalse
from operator import add as plus, matmul as at, mul as by
from typing import Any, Callable, NamedTuple

import torch
from torch import Tensor


class TapeEntry(NamedTuple):
    inputs: list[str]
    output: str
    propagate: Callable[[Any], list[Any]]


tape: list[TapeEntry] = []
taken: set[str] = set()
free: list[Any] = []


def reset_tape() -> None:
    tape.clear()
    taken.clear()
    free[:] = [filterfalse(taken.__contains__, map("v{}".format, count()))]


reset_tape()


class Variable(NamedTuple("Named", [("value", Tensor), ("name", str)])):
    def __new__(cls, value: Tensor, name: str | None = None):
        name = next(free[0]) if name is None else name
        taken.add(name)
        return super().__new__(cls, value, name)

    def __add__(self, other):
        return add(self, other)

    def __mul__(self, other):
        return mul(self, other)

    def __neg__(self):
        return mul(self, Variable(-torch.ones_like(self.value)))

    def __sub__(self, other):
        return add(self, -other)

    def __matmul__(self, other):
        return matmul(self, other)

    def sum(self):
        return total(self)


def record(inputs, value, propagate):
    output = Variable(value)
    tape.append(TapeEntry(list(v.name for v in inputs), output.name, propagate))
    return output


def both(function, back):
    return lambda a, b: record([a, b], function(a.value, b.value), partial(back, a, b))


transpose = lambda a: record([a], a.value.t(), lambda g: [transpose(g)])
add = both(plus, lambda a, b, g: [g] * 2)
mul = both(by, lambda a, b, g: [mul(g, b), mul(g, a)])
matmul = both(at, lambda a, b, g: [matmul(g, transpose(b)), matmul(transpose(a), g)])


def total(a):
    return record([a], torch.sum(a.value), lambda g: [spread(g, a.value.shape)])


def spread(a, shape):
    return record([a], a.value.broadcast_to(shape), lambda g: [total(g)])


def relu(a):
    return record([a], a.value.clamp_min(0), partial(lambda mask, g: [mul(g, mask)], Variable(a.value.gt(0).type(a.value.dtype))))


def tanh(a):
    ones = Variable(torch.ones_like(a.value))
    return record([a], a.value.tanh(), lambda g: (lambda t: [g * (ones - t * t)])(tanh(a)))


def unbroadcast(g, shape):
    gone = tuple(range(g.dim() - len(shape)))
    inner = reduce(lambda t, _: t.sum(0), gone, g)
    return reduce(lambda t, i: t.sum(i, True) if shape[i] == 1 else t, range(len(shape)), inner)


def grad(loss, wanted):
    def hand_on(found, entry):
        if entry.output not in found:
            return found
        for name, part in zip(entry.inputs, entry.propagate(found[entry.output])):
            found = found | {name: found[name] + part if name in found else part} if len(found) < 8 else put(found, name, part)
        return found

    def put(found, name, part):
        found[name] = found[name] + part if name in found else part
        return found

    found = reduce(hand_on, reversed(tape[:]), {loss.name: Variable(torch.ones_like(loss.value))})
    return list(map(found.get, (w.name for w in wanted)))


def hessian_vector(f, x, v):
    point = Variable(x)
    slope = grad(f(point), [point])[0]
    if slope is None:
        return torch.zeros_like(x)
    product = grad(total(mul(slope, Variable(v))), [point])[0]
    return torch.zeros_like(x) if product is None else product.value


def numeric_grad(f, x, eps=1e-4):
    point = x.detach().double()
    basis = torch.eye(point.numel(), dtype=point.dtype).unflatten(1, point.shape or (1,)).reshape(-1, *point.shape)
    slope = lambda e: (float(f(point + eps * e)) - float(f(point - eps * e))) / (2 * eps)
    return torch.tensor(list(map(slope, basis)), dtype=torch.float64).reshape(point.shape)


def fit_line(x, y, steps, lr):
    def step(line, _):
        reset_tape()
        a, b = map(Variable, line)
        error = spread(a, x.shape) * Variable(x) + spread(b, x.shape) - Variable(y)
        slopes = grad(total(error * error), [a, b])
        return [p - lr / len(x) * g.value for p, g in zip(line, slopes)]

    line = reduce(step, range(steps), [torch.zeros_like(x).sum()] * 2)
    reset_tape()
    return tuple(map(float, line))
