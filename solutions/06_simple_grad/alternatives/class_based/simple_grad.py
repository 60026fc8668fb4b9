"""Operations as classes with forward and backward, a Tape that hands out names, a Walker that goes back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Callable, Dict, List, NamedTuple, Optional, Set, Tuple

import torch
from torch import Tensor


class TapeEntry(NamedTuple):
    inputs: List[str]
    output: str
    propagate: Callable


tape: List[TapeEntry] = []
taken: Set[str] = set()


class Names:
    """Hands out v0, v1, ..."""

    def __init__(self) -> None:
        self.number = 0

    def forget(self) -> None:
        self.number = 0

    def fresh(self) -> str:
        name = f"v{self.number}"
        self.number += 1
        return name if name not in taken else self.fresh()


names = Names()


def reset_tape() -> None:
    tape.clear()
    taken.clear()
    names.forget()


class Variable:
    __slots__ = ("_value", "_name")

    def __init__(self, value: Tensor, name: Optional[str] = None) -> None:
        self._value = value
        self._name = names.fresh() if name is None else name
        taken.add(self._name)

    @property
    def value(self) -> Tensor:
        return self._value

    @property
    def name(self) -> str:
        return self._name

    def __repr__(self) -> str:
        return f"Variable({self._value}, {self._name!r})"

    def __add__(self, other): return Add()(self, other)
    def __mul__(self, other): return Mul()(self, other)
    def __neg__(self): return Negate()(self)
    def __sub__(self, other): return self + (-other)
    def __matmul__(self, other): return MatMul()(self, other)
    def sum(self): return Total()(self)


def record(inputs, value, propagate):
    output = Variable(value)
    tape.append(TapeEntry(inputs=[each.name for each in inputs], output=output.name, propagate=propagate))
    return output


class Operation(ABC):
    def __call__(self, *inputs: Variable) -> Variable:
        self.inputs = inputs
        self.output = record(list(inputs), self.forward(*(each.value for each in inputs)), self.backward)
        return self.output

    @abstractmethod
    def forward(self, *values: Tensor) -> Tensor: ...

    @abstractmethod
    def backward(self, g: Variable) -> List[Variable]: ...


class Add(Operation):
    def forward(self, a, b): return a + b
    def backward(self, g): return [g, g]


class Negate(Operation):
    def forward(self, a): return -a
    def backward(self, g): return [Negate()(g)]


class Mul(Operation):
    def forward(self, a, b): return a * b

    def backward(self, g):
        a, b = self.inputs
        return [Mul()(g, b), Mul()(g, a)]


class Total(Operation):
    def forward(self, a): return a.sum()
    def backward(self, g): return [Spread(tuple(self.inputs[0].value.shape))(g)]


class Spread(Operation):
    def __init__(self, shape): self.shape = shape
    def forward(self, a): return torch.full(self.shape, 1.0, dtype=a.dtype) * a
    def backward(self, g): return [Total()(g)]


class Transpose(Operation):
    def forward(self, a): return a.transpose(0, 1)
    def backward(self, g): return [Transpose()(g)]


class MatMul(Operation):
    def forward(self, a, b): return a.matmul(b)

    def backward(self, g):
        a, b = self.inputs
        return [g @ Transpose()(b), Transpose()(a) @ g]


class ReLU(Operation):
    def forward(self, a):
        self.mask = (a > 0).type_as(a)
        return a * self.mask

    def backward(self, g): return [g * Variable(self.mask)]


class Tanh(Operation):
    def forward(self, a): return a.tanh()
    def backward(self, g): return [g * (Variable(torch.ones_like(self.output.value)) - self.output * self.output)]


def transpose(a): return Transpose()(a)
def add(a, b): return Add()(a, b)
def mul(a, b): return Mul()(a, b)
def total(a): return Total()(a)
def spread(a, shape): return Spread(shape)(a)
def matmul(a, b): return MatMul()(a, b)
def relu(a): return ReLU()(a)
def tanh(a): return Tanh()(a)


def unbroadcast(g: Tensor, shape: Tuple[int, ...]) -> Tensor:
    return g.sum_to_size(shape) if shape else g.sum()


class Walker:
    def __init__(self, loss: Variable) -> None:
        self.gradients: Dict[str, Variable] = {}
        self.receive(loss.name, Variable(loss.value.new_ones(loss.value.shape)))

    def receive(self, name: str, part: Variable) -> None:
        before = self.gradients.get(name)
        self.gradients[name] = part if before is None else before + part

    def walk(self) -> "Walker":
        for entry in list(tape)[::-1]:
            arrived = self.gradients.get(entry.output)
            if arrived is not None:
                for name, part in zip(entry.inputs, entry.propagate(arrived)):
                    self.receive(name, part)
        return self


def grad(loss, wanted):
    walker = Walker(loss).walk()
    return [walker.gradients.get(each.name) for each in wanted]


def hessian_vector(f, x, v):
    point = Variable(x)
    slope = grad(f(point), [point])[0]
    product = None if slope is None else grad((slope * Variable(v)).sum(), [point])[0]
    return torch.zeros_like(x) if product is None else product.value


class CentralDifference:
    def __init__(self, f, eps): self.f, self.eps = f, eps

    def slope(self, point: Tensor, index) -> float:
        moved = point.clone()
        moved[index] = point[index] + self.eps
        above = float(self.f(moved))
        moved[index] = point[index] - self.eps
        return (above - float(self.f(moved))) / (2 * self.eps)


def numeric_grad(f, x, eps=1e-4):
    from itertools import product
    point = x.detach().double()
    result = torch.empty(point.shape, dtype=torch.float64)
    difference = CentralDifference(f, eps)
    for index in product(*map(range, point.shape)):
        result[index] = difference.slope(point, index)
    return result


class Line:
    def __init__(self, dtype):
        self.slope, self.offset = torch.zeros((), dtype=dtype), torch.zeros((), dtype=dtype)

    def step(self, x, y, lr):
        shape = tuple(x.shape)
        a, b = Variable(self.slope, "slope"), Variable(self.offset, "offset")
        error = spread(a, shape) * Variable(x) + spread(b, shape) - Variable(y)
        loss = (error * error).sum() * Variable(torch.ones((), dtype=x.dtype) / len(x))
        da, db = grad(loss, [a, b])
        self.slope, self.offset = self.slope - lr * da.value, self.offset - lr * db.value


def fit_line(x, y, steps, lr):
    line = Line(x.dtype)
    reset_tape()
    for _ in range(steps):
        try:
            line.step(x, y, lr)
        finally:
            reset_tape()
    return line.slope, line.offset
