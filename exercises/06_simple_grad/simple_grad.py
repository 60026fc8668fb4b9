"""Your own autograd: reverse-mode differentiation on a tape. Read README.md first.

A Variable is a tensor with a name. Each operation computes its result with PyTorch and writes one more entry onto `tape`:
the names that went in, the name that came out, and a function that takes the gradient of the result back to the inputs.
`grad` walks the tape from its end. PyTorch does the arithmetic only: no backward(), nothing that differentiates in
torch.autograd, and no torch.func. Values are float32 or float64; results keep the dtype, and no tensor is changed in place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

# Given: the tape, and what belongs to it ------------------------------------------------------------------------------


class TapeEntry(NamedTuple):
    """One operation, as the tape keeps it."""

    inputs: list[str]  # the names of the operation's inputs, in order, one twice if it is used twice
    output: str  # the name of its result
    propagate: Callable[[Variable], list[Variable]]  # from dL/d output to dL/d inputs, one for each of `inputs`


tape: list[TapeEntry] = []  # one list for ever: entries are appended
taken: set[str] = set()  # the names in use since the last reset


def reset_tape() -> None:
    """Begin anew: no entries, no names in use."""
    tape.clear()
    taken.clear()


def transpose(a: Variable) -> Variable:
    """aᵀ, recorded: (M, D) → (D, M). Its gradient goes back transposed."""
    return record([a], a.value.t(), lambda g: [transpose(g)])


# Yours ----------------------------------------------------------------------------------------------------------------


class Variable:
    """A tensor with a name.

    `value` is the tensor that was given, not a copy, and `name` the name that was given. Without one it is the next of v0,
    v1, v2, … since the last reset_tape() that is not in use; a Variable that is given a name uses up no number. Every
    name goes into `taken`. Making a Variable records nothing.
    Example: Variable(x), Variable(y, "slope"), Variable(z) after a reset are called v0, slope and v1.
    """

    def __init__(self, value: Tensor, name: str | None = None) -> None:
        # TODO: keep the value; keep the name, or find the next one. (A search from v0 each time makes long tapes slow.)
        raise NotImplementedError

    # Given: operators, which call the functions below.

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
    """Note an operation: a new Variable with `value` itself, and one entry at the end of the tape.

    The entry has the names of `inputs` in order, the new Variable's name, and `propagate` itself, which is not called.
    Example: after a reset, record([a, b], t, f) with a and b called v0 and v1 gives v2, and appends (["v0", "v1"], "v2", f).
    """
    # TODO
    raise NotImplementedError


def add(a: Variable, b: Variable) -> Variable:
    """a + b for values of one shape, recorded as one entry with the inputs a and b.

    Example: [1., 2.] and [10., 20.] give [11., 22.]; its propagate makes of g the list [g, g].
    """
    # TODO: record(…) does the work; propagate can be a lambda.
    raise NotImplementedError


def mul(a: Variable, b: Variable) -> Variable:
    """a · b, element by element, for values of one shape, recorded as one entry with the inputs a and b.

    Its propagate computes with recorded operations, here and in all that follows: then a gradient can be differentiated too.
    Example: [2., 3.] and [5., 7.] give [10., 21.]; propagate makes of g = [1., 10.] the gradients [5., 70.] and [2., 30.].
    """
    # TODO
    raise NotImplementedError


def total(a: Variable) -> Variable:
    """The sum of all elements of a, of shape ().

    Example: [1., 2., 4.] gives 7.; propagate makes of a g of shape () the gradient g, g, g.
    """
    # TODO: each of `total` and `spread` is the other's derivative.
    raise NotImplementedError


def spread(a: Variable, shape: tuple[int, ...]) -> Variable:
    """The one number of a, whose shape is (), repeated over `shape`, which may be () or contain 1 or 0.

    Example: 5. and (2, 3) give [[5., 5., 5.], [5., 5., 5.]]; propagate makes of g (2, 3) the sum of its elements.
    """
    # TODO
    raise NotImplementedError


def matmul(a: Variable, b: Variable) -> Variable:
    """The product of the matrices (M, D) and (D, P): (M, P).

    Example: [[1., 2.]] and [[3.], [4.]] give [[11.]]; propagate makes of g = [[10.]] the gradients [[30., 40.]] and
    [[10.], [20.]].
    """
    # TODO: as in topic 02, with recorded operations; `transpose` is given.
    raise NotImplementedError


def relu(a: Variable) -> Variable:
    """max(a, 0), element by element; its slope at 0 is 0, and so is its second derivative everywhere.

    Example: [-1., 0., 2.] gives [0., 0., 2.]; propagate makes of g = [5., 5., 5.] the gradient [0., 0., 5.].
    """
    # TODO: a mask of ones and zeros is a constant: wrap it in a Variable of its own.
    raise NotImplementedError


def tanh(a: Variable) -> Variable:
    """The hyperbolic tangent t of a, element by element; its slope 1 - t² can be differentiated again and again.

    Example: [0.] gives [0.]; propagate makes of g = [5.] the gradient [5.].
    """
    # TODO: the slope depends on a, so it has to be recorded as well.
    raise NotImplementedError


def unbroadcast(g: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Sum g, a plain tensor, over the axes along which a tensor of `shape` was repeated to g's shape.

    These are leading axes that `shape` does not have, and axes of size 1 that have grown. The result has exactly `shape`.
    `shape` may be (), no size is 0.
    Example: a g of ones of shape (4, 3) gives [4., 4., 4.] for (3,), [[3.], [3.], [3.], [3.]] for (4, 1), and 12. for ().
    """
    # TODO
    raise NotImplementedError


def grad(loss: Variable, wanted: list[Variable]) -> list[Variable | None]:
    """dL/dX for each X of `wanted`, in order; None for an X that loss does not depend on.

    Walk the tape once, from its end. Begin with ones of loss's shape (so what is no scalar counts as its sum). An entry
    whose output has a gradient hands parts on to its inputs, once; a Variable that is used several times gets the sum of
    its parts, and that addition is recorded too. Entries that loss does not depend on are left alone.
    The entries on the tape stay as they are, and new ones are appended. loss itself gets the ones; `wanted` may be empty.
    Example: with x = 3. and y = x·x, grad(y, [x, y]) gives Variables with the values 6. and 1.
    """
    # TODO: a dict from names to gradients. No recursion: a tape may be thousands of entries long.
    raise NotImplementedError


def hessian_vector(f: Callable[[Variable], Variable], x: Tensor, v: Tensor) -> Tensor:
    """H·v, where H holds the second derivatives of f at x; f makes of a Variable a Variable of shape (), and is called once.

    x and v have one shape, which the result has too. Zeros where f, or its gradient, does not depend on x. The entries
    that were on the tape stay there: f may use Variables that were made before.
    Example: f(x) = Σ x³ at x = [1., 2.] with v = [1., 10.] gives [6., 120.].
    """
    # TODO: the gradient of f; its product with v; and the gradient of that.
    raise NotImplementedError


def numeric_grad(f: Callable[[Tensor], float], x: Tensor, eps: float = 1e-4) -> Tensor:
    """Central differences, (f(x + eps·e) - f(x - eps·e)) / (2·eps), for each element of x: a test for derivatives.

    f gets a float64 tensor of x's shape and gives a number or a tensor of shape (). The result is float64 and has x's shape,
    which may be (). x stays as it is, also while f runs, and need not be contiguous.
    Example: f = lambda x: (x**2).sum() at [1., 2.] gives [2., 4.].
    """
    # TODO: move one element of a copy in float64 at a time.
    raise NotImplementedError


def fit_line(x: Tensor, y: Tensor, steps: int, lr: float) -> tuple[float, float]:
    """Slope and offset of y ≈ slope·x + offset after `steps` steps of gradient descent, from 0 and 0; x and y are (N,).

    The loss is the mean of the squared errors, and the gradients come from `grad`. The tape is empty afterwards, also for
    steps = 0, and while it runs it never holds more than the entries of one step.
    Example: x = [1., 2.], y = [2., 4.] with one step of lr = 0.1 gives (1.0, 0.6).
    """
    # TODO: in each step: the loss, grad, the two new numbers, reset_tape().
    raise NotImplementedError
