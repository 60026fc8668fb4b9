"""Reverse-mode differentiation on a tape. Every propagate computes with recorded operations, so gradients have gradients."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class TapeEntry(NamedTuple):
    """One operation, as the tape keeps it."""

    inputs: list[str]
    output: str
    propagate: Callable[[Variable], list[Variable]]


tape: list[TapeEntry] = []
taken: set[str] = set()


def reset_tape() -> None:
    """Begin anew: no entries, no names in use."""
    tape.clear()
    taken.clear()


def transpose(a: Variable) -> Variable:
    """aᵀ, recorded."""
    return record([a], a.value.t(), lambda g: [transpose(g)])


class Variable:
    """A tensor with a name."""

    def __init__(self, value: Tensor, name: str | None = None) -> None:
        if not taken:  # the first since a reset; a search from v0 for each name would make long tapes slow
            Variable.numbers = itertools.count()
        if name is None:
            name = next(free for number in Variable.numbers if (free := f"v{number}") not in taken)
        taken.add(name)
        self.value = value
        self.name = name

    def __add__(self, other: Variable) -> Variable:
        return add(self, other)

    def __mul__(self, other: Variable) -> Variable:
        return mul(self, other)

    def __neg__(self) -> Variable:
        return mul(self, Variable(-torch.ones_like(self.value)))

    def __sub__(self, other: Variable) -> Variable:
        return add(self, -other)

    def __matmul__(self, other: Variable) -> Variable:
        return matmul(self, other)

    def sum(self) -> Variable:
        """The sum of all elements."""
        return total(self)


def record(inputs: list[Variable], value: Tensor, propagate: Callable[[Variable], list[Variable]]) -> Variable:
    """A new Variable with this value, and one entry at the end of the tape."""
    output = Variable(value)
    tape.append(TapeEntry([each.name for each in inputs], output.name, propagate))
    return output


def add(a: Variable, b: Variable) -> Variable:
    """a + b for equal shapes."""
    return record([a, b], a.value + b.value, lambda g: [g, g])


def mul(a: Variable, b: Variable) -> Variable:
    """a · b, element-wise, for equal shapes."""
    return record([a, b], a.value * b.value, lambda g: [mul(g, b), mul(g, a)])


def total(a: Variable) -> Variable:
    """The sum of all elements, of shape ()."""
    return record([a], a.value.sum(), lambda g: [spread(g, tuple(a.value.shape))])


def spread(a: Variable, shape: tuple[int, ...]) -> Variable:
    """The number a, of shape (), repeated over `shape`."""
    return record([a], a.value.expand(shape), lambda g: [total(g)])


def matmul(a: Variable, b: Variable) -> Variable:
    """(M, D) @ (D, P) → (M, P)."""
    return record([a, b], a.value @ b.value, lambda g: [matmul(g, transpose(b)), matmul(transpose(a), g)])


def relu(a: Variable) -> Variable:
    """max(a, 0); the mask is a constant."""
    mask = Variable((a.value > 0).to(a.value.dtype))
    return record([a], a.value.clamp(min=0), lambda g: [mul(g, mask)])


def tanh(a: Variable) -> Variable:
    """The hyperbolic tangent t; its slope 1 - t² depends on a by way of the result, which is a Variable of the tape."""
    result = record([a], a.value.tanh(), lambda g: [g - g * result * result])
    return result


def unbroadcast(g: Tensor, shape: tuple[int, ...]) -> Tensor:
    """g, summed over the axes along which a tensor of `shape` was repeated."""
    missing = g.dim() - len(shape)
    grown = [missing + i for i, size in enumerate(shape) if size == 1 and g.shape[missing + i] > 1]
    axes = [*range(missing), *grown]
    return g.sum(axes).reshape(shape) if axes else g


def grad(loss: Variable, wanted: list[Variable]) -> list[Variable | None]:
    """dL/dX for each wanted X, None where loss does not depend on it, by one walk from the end of the tape."""
    found = {loss.name: Variable(torch.ones_like(loss.value))}
    for entry in reversed(tape.copy()):  # what propagate records comes on top, and is not walked
        if entry.output in found:
            for name, part in zip(entry.inputs, entry.propagate(found[entry.output]), strict=True):
                found[name] = add(found[name], part) if name in found else part
    return [found.get(each.name) for each in wanted]


def hessian_vector(f: Callable[[Variable], Variable], x: Tensor, v: Tensor) -> Tensor:
    """H·v: the gradient of (gradient · v)."""
    point = Variable(x)
    (slope,) = grad(f(point), [point])
    if slope is None:
        return torch.zeros_like(x)
    (product,) = grad(total(mul(slope, Variable(v))), [point])
    return torch.zeros_like(x) if product is None else product.value


def numeric_grad(f: Callable[[Tensor], float], x: Tensor, eps: float = 1e-4) -> Tensor:
    """Central differences for each element, in float64."""
    point = x.detach().to(torch.float64).clone(memory_format=torch.contiguous_format)
    slopes = torch.zeros_like(point)
    for i, middle in enumerate(point.flatten().tolist()):
        point.view(-1)[i] = middle + eps
        above = float(f(point))
        point.view(-1)[i] = middle - eps
        below = float(f(point))
        point.view(-1)[i] = middle
        slopes.view(-1)[i] = (above - below) / (2 * eps)
    return slopes


def fit_line(x: Tensor, y: Tensor, steps: int, lr: float) -> tuple[float, float]:
    """Slope and offset after `steps` steps of gradient descent from (0, 0) on the mean squared error."""
    slope, offset = x.new_zeros(()), x.new_zeros(())
    reset_tape()
    for _ in range(steps):
        a, b = Variable(slope), Variable(offset)
        error = spread(a, tuple(x.shape)) * Variable(x) + spread(b, tuple(x.shape)) - Variable(y)
        loss = total(error * error) * Variable(x.new_tensor(1 / len(x)))
        grad_a, grad_b = grad(loss, [a, b])
        slope, offset = slope - lr * grad_a.value, offset - lr * grad_b.value
        reset_tape()
    return slope.item(), offset.item()
