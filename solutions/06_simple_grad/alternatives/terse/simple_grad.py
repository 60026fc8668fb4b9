import torch
from collections import namedtuple
from itertools import count

TapeEntry = namedtuple("TapeEntry", "inputs output propagate")
tape, taken = [], set()


def reset_tape():
    tape.clear(); taken.clear()


def transpose(a):
    return record([a], a.value.t(), lambda g: [transpose(g)])


class Variable:
    def __init__(self, value, name=None):
        self.value, self.name = value, name or next(n for n in map("v{}".format, count()) if n not in taken)
        taken.add(self.name)

    def __add__(s, o): return add(s, o)
    def __mul__(s, o): return mul(s, o)
    def __neg__(s): return const(-1., s) * s
    def __sub__(s, o): return s + -o
    def __matmul__(s, o): return matmul(s, o)
    def sum(s): return total(s)


const = lambda c, like: Variable(torch.full_like(like.value, c))


def record(inputs, value, propagate):
    out = Variable(value)
    tape.append(TapeEntry([v.name for v in inputs], out.name, propagate))
    return out


add = lambda a, b: record([a, b], a.value + b.value, lambda g: (g, g))
mul = lambda a, b: record([a, b], a.value * b.value, lambda g: (g * b, g * a))
total = lambda a: record([a], a.value.sum(), lambda g: (spread(g, a.value.shape),))
spread = lambda a, shape: record([a], a.value.expand(shape), lambda g: (total(g),))
matmul = lambda a, b: record([a, b], a.value @ b.value, lambda g: (g @ transpose(b), transpose(a) @ g))


def relu(a):
    m = Variable((a.value > 0) * torch.ones_like(a.value))
    return record([a], a.value.relu(), lambda g: (g * m,))


def tanh(a):
    def back(g):
        t = tanh(a)
        return g * (const(1., a) - t * t),
    return record([a], a.value.tanh(), back)


def unbroadcast(g, shape):
    while g.dim() > len(shape):
        g = g.sum(0)
    for i, n in enumerate(shape):
        if n == 1:
            g = g.sum(i, keepdim=True)
    return g


def grad(loss, wanted):
    d = {loss.name: const(1., loss)}
    for i, o, p in tape[::-1]:
        if o in d:
            for n, q in zip(i, p(d[o])):
                d[n] = d[n] + q if n in d else q
    return [d.get(w.name) for w in wanted]


def hessian_vector(f, x, v):
    p = Variable(x)
    g, = grad(f(p), [p])
    h = g and grad(g * Variable(v), [p])[0]
    return h.value if h else torch.zeros_like(x)


def numeric_grad(f, x, eps=1e-4):
    x = x.detach().double()
    e = torch.eye(x.numel(), dtype=x.dtype).view(-1, *x.shape) * eps
    return torch.tensor([(float(f(x + d)) - float(f(x - d))) / 2 / eps for d in e], dtype=x.dtype).view(x.shape)


def fit_line(x, y, steps, lr):
    w = b = torch.zeros((), dtype=x.dtype)
    for _ in range(steps):
        reset_tape()
        W, B = Variable(w), Variable(b)
        e = spread(W, x.shape) * Variable(x) + spread(B, x.shape) - Variable(y)
        gw, gb = grad(e * e, [W, B])
        w, b = w - lr * gw.value / len(x), b - lr * gb.value / len(x)
    reset_tape()
    return w.item(), b.item()
