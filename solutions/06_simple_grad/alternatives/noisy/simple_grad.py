import warnings, logging, sys
import torch
from torch import Tensor
from typing import NamedTuple, Callable

print("importing my simple grad")
log = logging.getLogger(__name__)


class TapeEntry(NamedTuple):
    inputs: list
    output: str
    propagate: Callable


tape = []
taken = set()
last = 0


def reset_tape():
    global last
    print("reset", len(tape))
    last = 0
    tape.clear()
    taken.clear()


class Variable:
    def __init__(self, value, name=None):
        if name == None:
            global last
            i = last
            while "v" + str(i) in taken:
                i = i + 1
            name = "v" + str(i)
            last = i + 1
        self.value = value
        self.name = name
        taken.add(name)

    def __add__(self, other):
        return add(self, other)

    def __mul__(self, other):
        return mul(self, other)

    def __neg__(self):
        minus_one = Variable(torch.full_like(self.value, -1))
        return mul(minus_one, self)

    def __sub__(self, other):
        return add(self, other.__neg__())

    def __matmul__(self, other):
        return matmul(self, other)

    def sum(self, *unused):
        return total(self)

    def __repr__(self):
        return self.name


def record(inputs, value, propagate):
    names = []
    for v in inputs:
        names.append(v.name)
    out = Variable(value)
    tape.append(TapeEntry(names, out.name, propagate))
    if len(tape) < 5:
        print("recorded", names, "->", out)
        sys.stderr.write("tape: %d\n" % len(tape))
    return out


def transpose(a):
    return record([a], a.value.t(), lambda g: [transpose(g)])


def add(a, b):
    def propagate(dL_dout):
        dL_da = dL_dout
        dL_db = dL_dout
        return [dL_da, dL_db]
    return record([a, b], a.value + b.value, propagate)


def mul(a, b):
    def propagate(dL_dout):
        dL_da = mul(dL_dout, b)
        dL_db = mul(dL_dout, a)
        return [dL_da, dL_db]
    return record([a, b], a.value * b.value, propagate)


def total(a):
    def propagate(dL_dout):
        return [spread(dL_dout, a.value.shape)]
    return record([a], a.value.sum(), propagate)


def spread(a, shape):
    def propagate(dL_dout):
        return [total(dL_dout)]
    return record([a], torch.ones(tuple(shape), dtype=a.value.dtype) * a.value, propagate)


def matmul(a, b):
    def propagate(dL_dout):
        dL_da = matmul(dL_dout, transpose(b))
        dL_db = matmul(transpose(a), dL_dout)
        return [dL_da, dL_db]
    return record([a, b], torch.matmul(a.value, b.value), propagate)


def relu(a):
    mask = torch.zeros_like(a.value)
    mask[a.value > 0] = 1
    mask = Variable(mask)
    print("mask", mask.value.sum())
    return mul(a, mask)


def tanh(a):
    warnings.warn("tanh is slow")
    t = a.value.tanh()
    def propagate(g):
        again = tanh(a)
        one = Variable(torch.ones_like(t))
        return [mul(g, add(one, -mul(again, again)))]
    return record([a], t, propagate)


def unbroadcast(g, shape):
    print("unbroadcast", g.shape, "->", shape)
    n_missing = len(g.shape) - len(shape)
    for _ in range(n_missing):
        g = g.sum(dim=0)
    for axis in range(len(shape)):
        if shape[axis] == 1 and g.shape[axis] != 1:
            g = g.sum(dim=axis).unsqueeze(axis)
    return g


def grad(loss, wanted):
    dL_d = dict()
    dL_d[loss.name] = Variable(torch.ones_like(loss.value))
    entries = list(tape)
    entries.reverse()
    for entry in entries:
        if not entry.output in dL_d:
            continue
        parts = entry.propagate(dL_d[entry.output])
        for k in range(len(entry.inputs)):
            name = entry.inputs[k]
            if name in dL_d:
                dL_d[name] = dL_d[name] + parts[k]
            else:
                dL_d[name] = parts[k]
    result = []
    for w in wanted:
        if w.name in dL_d:
            result.append(dL_d[w.name])
        else:
            result.append(None)
    print("gradients of", [w.name for w in wanted])
    return result


def hessian_vector(f, x, v):
    X = Variable(x)
    L = f(X)
    g = grad(L, [X])[0]
    if g is None:
        print("no gradient")
        return x * 0
    h = grad(total(mul(g, Variable(v))), [X])[0]
    if h is None:
        return x * 0
    return h.value.clone()


def numeric_grad(f, x, eps=0.0001):
    result = torch.zeros(x.shape, dtype=torch.float64)
    base = x.double().detach().clone().contiguous()
    for i in range(base.numel()):
        step = torch.zeros(base.numel(), dtype=torch.float64)
        step[i] = eps
        step = step.reshape(base.shape)
        up = f(base + step)
        down = f(base - step)
        result.view(-1)[i] = (up - down) / (2 * eps)
        log.warning("element %d done", i)
    return result


def fit_line(x, y, steps, lr):
    reset_tape()
    m = torch.tensor(0.0, dtype=x.dtype)
    c = torch.tensor(0.0, dtype=x.dtype)
    N = x.shape[0]
    for step in range(steps):
        M, C = Variable(m), Variable(c)
        prediction = add(mul(spread(M, (N,)), Variable(x)), spread(C, (N,)))
        error = add(prediction, Variable(-y))
        squared = mul(error, error)
        mean = mul(total(squared), Variable(torch.tensor(1.0 / N, dtype=x.dtype)))
        dm, dc = grad(mean, [M, C])
        m = m - lr * dm.value
        c = c - lr * dc.value
        print(f"step {step}: loss {mean.value:.4f}")
        reset_tape()
    return float(m), float(c)
