import numpy as np
import torch
from dataclasses import dataclass, field
from typing import NamedTuple, Callable


class TapeEntry(NamedTuple):
    inputs: list
    output: str
    propagate: Callable


tape, taken = [], set()
made = np.zeros(1, dtype=np.int64)


def reset_tape():
    tape.clear()
    taken.clear()
    made[0] = 0


def next_name():
    while f"v{made[0]}" in taken:
        made[0] += 1
    return f"v{made[0]}"


@dataclass(eq=False)
class Variable:
    value: torch.Tensor
    name: str = None

    def __post_init__(self):
        if self.name is None:
            self.name = next_name()
        taken.add(self.name)

    def __add__(self, other): return add(self, other)
    def __mul__(self, other): return mul(self, other)
    def __neg__(self): return minus(self)
    def __sub__(self, other): return add(self, minus(other))
    def __matmul__(self, other): return matmul(self, other)
    def sum(self): return total(self)


def record(inputs, value, propagate):
    out = Variable(value)
    tape.append(TapeEntry([v.name for v in inputs], out.name, propagate))
    return out


def minus(a): return record([a], -a.value, lambda g: [minus(g)])
def transpose(a): return record([a], a.value.t(), lambda g: [transpose(g)])
def add(a, b): return record([a, b], a.value + b.value, lambda g: [g, g])
def mul(a, b): return record([a, b], a.value * b.value, lambda g: [mul(g, b), mul(g, a)])
def total(a): return record([a], a.value.sum(), lambda g: [spread(g, a.value.shape)])


def spread(a, shape):
    return record([a], torch.from_numpy(np.full(tuple(shape), a.value.numpy())), lambda g: [total(g)])


def matmul(a, b):
    return record([a, b], torch.from_numpy(np.dot(a.value.numpy(), b.value.numpy())),
                  lambda g: [matmul(g, transpose(b)), matmul(transpose(a), g)])


def relu(a):
    v = a.value.numpy()
    mask = Variable(torch.from_numpy(np.asarray(np.where(v > 0, 1, 0), dtype=v.dtype)))
    return record([a], torch.from_numpy(np.asarray(np.maximum(v, 0))), lambda g: [mul(g, mask)])


def tanh(a):
    out = record([a], torch.from_numpy(np.asarray(np.tanh(a.value.numpy()))),
                 lambda g: [mul(g, add(Variable(torch.ones_like(a.value)), minus(mul(out, out))))])
    return out


def unbroadcast(g, shape):
    a = g.detach().numpy()
    a = a.sum(axis=tuple(range(a.ndim - len(shape))))
    for axis, size in enumerate(shape):
        if size == 1:
            a = a.sum(axis=axis, keepdims=True)
    return torch.from_numpy(np.array(a))


def grad(loss, wanted):
    d = {loss.name: Variable(torch.ones_like(loss.value))}
    for entry in tape[::-1]:
        if entry.output in d:
            for k, part in enumerate(entry.propagate(d[entry.output])):
                n = entry.inputs[k]
                d[n] = add(d[n], part) if n in d else part
    return [d.get(w.name) for w in wanted]


def hessian_vector(f, x, v):
    p = Variable(x)
    first = grad(f(p), [p])[0]
    second = grad(total(mul(first, Variable(v))), [p])[0] if first is not None else None
    return second.value if second is not None else torch.from_numpy(np.zeros_like(x.numpy()))


def numeric_grad(f, x, eps=1e-4):
    a = np.array(x.detach().numpy(), dtype=np.float64)
    out = np.zeros_like(a)
    for index in np.ndindex(a.shape):
        up, down = a.copy(), a.copy()
        up[index] += eps
        down[index] -= eps
        out[index] = (f(torch.from_numpy(up)) - f(torch.from_numpy(down))) / (2 * eps)
    return torch.from_numpy(out)


def fit_line(x, y, steps, lr):
    line = np.zeros(2)
    reset_tape()
    for _ in range(steps):
        a, b = (Variable(torch.tensor(p, dtype=x.dtype)) for p in line)
        error = spread(a, x.shape) * Variable(x) + spread(b, x.shape) - Variable(y)
        da, db = grad(total(error * error), [a, b])
        line -= lr * np.array([da.value, db.value], dtype=np.float64) / len(x)
        reset_tape()
    return line[0], line[1]
