"""The tape is here; what needs no tape is in numbers_only.py, the derivatives' rules are in rules.py."""

import itertools
from typing import NamedTuple, Callable

import torch

from numbers_only import numeric_grad, unbroadcast
import rules


class TapeEntry(NamedTuple):
    inputs: list
    output: str
    propagate: Callable


tape = []
taken = set()
counter = itertools.count()


def reset_tape():
    global counter
    tape.clear()
    taken.clear()
    counter = itertools.count()


class Variable:
    def __init__(self, value, name=None):
        if name is None:
            name = f"v{next(counter)}"
            while name in taken:
                name = f"v{next(counter)}"
        taken.add(name)
        self.value, self.name = value, name

    def __add__(self, other):
        return add(self, other)

    def __mul__(self, other):
        return mul(self, other)

    def __neg__(self):
        return self * Variable(torch.full(self.value.shape, -1.0, dtype=self.value.dtype))

    def __sub__(self, other):
        return self + -other

    def __matmul__(self, other):
        return matmul(self, other)

    def sum(self):
        return total(self)


def record(inputs, value, propagate):
    output = Variable(value)
    tape.append(TapeEntry([variable.name for variable in inputs], output.name, propagate))
    return output


def operation(forward, backward):
    """A recorded function from how its values and its gradients are made."""
    def apply(*inputs):
        output = record(list(inputs), forward(*(each.value for each in inputs)), lambda g: backward(g, output, *inputs))
        return output
    return apply


def constant(like, value):
    return Variable(torch.full_like(like.value, value))


transpose = operation(rules.transposed, lambda g, r, a: [transpose(g)])
add = operation(rules.plus, lambda g, r, a, b: [g, g])
mul = operation(rules.times, lambda g, r, a, b: [g * b, g * a])
total = operation(torch.sum, lambda g, r, a: [spread(g, tuple(a.value.shape))])
matmul = operation(rules.product, lambda g, r, a, b: [g @ transpose(b), transpose(a) @ g])
relu = operation(torch.relu, lambda g, r, a: [g * Variable(rules.positive(a.value))])
tanh = operation(torch.tanh, lambda g, r, a: [g * (constant(r, 1.0) - r * r)])


def spread(a, shape):
    return operation(lambda value: value.expand(shape), lambda g, r, a: [total(g)])(a)


def grad(loss, wanted):
    gradients = {loss.name: constant(loss, 1.0)}
    for entry in tape[::-1]:
        g = gradients.get(entry.output)
        parts = [] if g is None else entry.propagate(g)
        for name, part in zip(entry.inputs, parts):
            gradients[name] = gradients[name] + part if name in gradients else part
    return [gradients.get(each.name) for each in wanted]


def hessian_vector(f, x, v):
    point = Variable(x)
    product = grad(f(point), [point])[0]
    if product is not None:
        product = grad(total(product * Variable(v)), [point])[0]
    return torch.zeros_like(x) if product is None else product.value


def fit_line(x, y, steps, lr):
    reset_tape()
    parameters = [torch.zeros((), dtype=x.dtype)] * 2
    for _ in range(steps):
        a, b = map(Variable, parameters)
        error = spread(a, x.shape) * Variable(x) + spread(b, x.shape) - Variable(y)
        mean = total(error * error) * Variable(x.new_full((), 1 / x.numel()))
        parameters = [p - lr * g.value for p, g in zip(parameters, grad(mean, [a, b]))]
        reset_tape()
    return [p.item() for p in parameters]
