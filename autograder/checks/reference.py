"""The checks that every task has, made in a line each from a reference and a generator of inputs.

    def pair(rng, *shape, dtype=torch.float32):
        return torch.randn(shape, generator=rng, dtype=dtype), torch.randn(shape, generator=rng, dtype=dtype)

    Q = Reference("q_forward", lambda a, b: 3 * a**3 - b**2, pair, "Q", ("a", "b"))
    test_q_forward__values = Q.values((7,), (2, 3), says="computes 3a³ - b² for each pair of elements")
    test_q_forward__sizes = Q.sizes((1,), (1, 1))
    test_q_forward__dtypes = Q.dtypes((5,))

Each is an ordinary check of pytest. It judges what comes back and nothing else, so that any correct code passes, however written.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from autograder.checks.compare import Mismatch, expect_close, expect_unchanged
from autograder.checks.student import Student
from autograder.checks.wording import Names
from autograder.errors import KitError

Size = tuple[int, ...]
Check = Callable[[Student, torch.Generator], None]
Inputs = tuple[Any, ...]

_FLOAT32 = ("The result for float64 inputs is right to 7 digits only: something on the way is float32. "
            "Make tensors of your own with the inputs' dtype.")  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Inputs that a task needs beside random ones of a size, such as numbers of very unlike sizes.

    Attributes:
        draw: gives the arguments of a call from a generator.
        where: what the message says of them after the result's name, as in "beside numbers of very unlike sizes".
        rtol, atol: the tolerance, as `expect_close` has it.
    """

    draw: Callable[[torch.Generator], Inputs]
    where: str = ""
    rtol: float = 1e-4
    atol: float = 1e-5


@dataclass(frozen=True)
class Reference:
    """A function of the task, what it should give, and what it is tried with.

    Attributes:
        function: its name in the learner's module.
        expected: gives the right result for the arguments; it gets every floating tensor in float64, contiguous, without grad.
        draw: `draw(rng, *size, dtype=…)` gives the arguments of a call, different ones each time.
        names: what the result is called in messages, as `expect_close` has it.
        inputs: what the arguments are called.
    """

    function: str
    expected: Callable[..., Any]
    draw: Callable[..., Inputs]
    names: Names
    inputs: Sequence[str]

    def values(self, *sizes: Size | Case, says: str) -> Check:
        """A check of the values for random inputs of each size; best the first, which decides, with a public example's size."""
        self._refuse_equal_inputs(sizes)

        def check(student: Student, rng: torch.Generator) -> None:
            for size in sizes:
                case = size if isinstance(size, Case) else Case(functools.partial(self._draw, size))
                args = case.draw(rng)
                result = student.call(self.function, *args)
                expect_close(
                    result,
                    self._right(args),
                    self._called(_beside, case.where) if case.where else self.names,
                    rtol=case.rtol,
                    atol=case.atol,
                )

        return _titled(check, says)

    def sizes(self, *sizes: Size | Case, says: str = "works for other sizes, a single one among them") -> Check:
        """A check of the values where an axis has length 1, or as many axes as learners forget."""
        return self.values(*sizes, says=says)

    def dtypes(
        self,
        size: Size,
        *dtypes: torch.dtype,
        says: str = "keeps the inputs' dtype, and float64's precision",
    ) -> Check:
        """A check that the result has the inputs' dtype and, for float64, all its digits; by default float32 and float64."""

        def check(student: Student, rng: torch.Generator) -> None:
            for dtype in dtypes or (torch.float32, torch.float64):
                args = self.draw(rng, *size, dtype=dtype)
                result, right = student.call(self.function, *args), self._right(args)
                if dtype == torch.float64:
                    expect_digits(result, right, self.names)
                else:
                    expect_close(result, right, self._called(_of_dtype, dtype), dtype=dtype)

        return _titled(check, says)

    def layouts(self, size: Size, *, says: str = "works for inputs that are not contiguous or require grad") -> Check:
        """A check of the values with each input in turn in scattered memory, and in turn requiring grad.

        One at a time: whoever changes one of them in place is told of that one.
        """

        def check(student: Student, rng: torch.Generator) -> None:
            args = self.draw(rng, *size)
            right = self._right(args)
            for i, value in enumerate(args):
                if not isinstance(value, torch.Tensor):
                    continue
                result = student.call(self.function, *args[:i], strided(value), *args[i + 1 :])
                expect_close(result, right, self._called(_of_scattered, self.inputs[i]))
                if value.is_floating_point():
                    leaf = value.detach().clone().requires_grad_()
                    result = student.call(self.function, *args[:i], leaf, *args[i + 1 :])
                    expect_close(result, right, self._called(_of_leaf, self.inputs[i]))

        return _titled(check, says)

    def unchanged(self, size: Size, *, says: str = "leaves its inputs unchanged") -> Check:
        """A check that a call changes no argument: values, `requires_grad` or `.grad`."""

        def check(student: Student, rng: torch.Generator) -> None:
            args = self.draw(rng, *size)
            for after, before, name in zip(student.observe(self.function, *args)[1], args, self.inputs, strict=True):
                expect_unchanged(after, before, f"the input {name}")

        return _titled(check, says)

    def twice(self, size: Size, *, says: str = "answers each of two calls from its own inputs") -> Check:
        """A check that a second call in the same process is answered anew, and that it leaves the first one's result alone."""
        self._refuse_equal_inputs([size])

        def check(student: Student, rng: torch.Generator) -> None:
            first, second = self.draw(rng, *size), self.draw(rng, *size)
            earlier, later = student.run(_call_twice, self.function, list(first), list(second))
            expect_close(later, self._right(second), self._called(_of_second_call))
            expect_close(earlier, self._right(first), self._called(_of_first_call))

        return _titled(check, says)

    def _draw(self, size: Size, rng: torch.Generator) -> Inputs:
        return self.draw(rng, *size)

    def _right(self, args: Inputs) -> Any:
        return self.expected(*(_wide(value) for value in args))

    def _called(self, form: Callable[..., str], *what: object) -> Names:
        return form(self.names, *what) if isinstance(self.names, str) else [form(name, *what) for name in self.names]

    def _refuse_equal_inputs(self, sizes: Sequence[Size | Case]) -> None:
        """KitError if rng does not decide the inputs, but for those without an element: a submission could know them."""
        for size in sizes:
            draw = size.draw if isinstance(size, Case) else functools.partial(self._draw, size)
            rng, same = (torch.Generator().manual_seed(0) for _ in range(2))
            one, other, again = draw(rng), draw(rng), draw(same)
            if not all(isinstance(each, tuple) and len(each) == len(one) for each in (one, other, again)):
                raise KitError(f"{self.function}: the generator of its inputs gives no tuple of arguments, as in `(x,)`")
            given, named = len(one), len(self.inputs)
            if not isinstance(size, Case) and given != named:
                raise KitError(f"{self.function}: the generator gives {given} inputs, and its Reference names {named}")
            empty = any(isinstance(value, torch.Tensor) and not value.numel() for value in one)
            if not empty and _equal(one, other, unknown=False):
                raise KitError(f"{self.function}: the generator of its inputs gives the same ones twice; draw them from rng")
            if not _equal(one, again, unknown=True):
                raise KitError(f"{self.function}: the generator of its inputs gives others for the same seed; draw all from rng")


def expect_digits(actual: Any, expected: Any, name: Names = "the result") -> None:
    """Fail unless `actual` has float64's dtype, the values of `expected`, and of these ten digits.

        expect_digits(student.call("slope", x), 2 * x, "the slope")

    Args:
        actual: what the submission gave for float64 inputs.
        expected: as `expect_close` has it, in float64.
        name: what it is called in the message; a sequence names the items of a tuple or list.

    Raises:
        Mismatch: as `expect_close`; where only the later digits are wrong, it says that something is float32.
    """
    expect_close(actual, expected, name, dtype=torch.float64)
    try:
        expect_close(actual, expected, name, rtol=1e-10, atol=1e-10)
    except Mismatch as difference:
        raise Mismatch(_FLOAT32, difference.detail) from None


def strided(tensor: torch.Tensor) -> torch.Tensor:
    """The same values in memory that is not contiguous: transposed, or, without two axes to swap, every second element.

        expect_close(student.call("slope", strided(x)), 2 * x.double(), "the slope of an x that is not contiguous")

    Args:
        tensor: of any shape and dtype.
    """
    if tensor.dim() > 1 and min(tensor.shape[-2:]) > 1:
        return tensor.mT.contiguous().mT
    return torch.stack((tensor, tensor), -1)[..., 0]


def _beside(name: str, where: str) -> str:
    return f"{name} {where}"


def _of_dtype(name: str, dtype: torch.dtype) -> str:
    return f"{name} for inputs of {dtype}"


def _of_scattered(name: str, label: str) -> str:
    return f"{name} where the input {label} is not contiguous"


def _of_leaf(name: str, label: str) -> str:
    return f"{name} where the input {label} requires grad"


def _of_first_call(name: str) -> str:
    return f"{name} of the first of two calls, looked at after the second,"


def _of_second_call(name: str) -> str:
    return f"{name} of a second call, whose inputs are others,"


def _call_twice(module: Any, name: str, first: list[Any], second: list[Any]) -> list[Any]:
    """Two calls, one after the other, and then both results."""
    function = getattr(module, name)
    return [function(*first), function(*second)]


def _titled(check: Check, says: str) -> Check:
    check.__doc__ = says
    return check


def _wide(value: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        return value
    plain = value.detach().contiguous()
    return plain.double() if plain.is_floating_point() else plain


def _equal(a: Any, b: Any, *, unknown: bool) -> bool:
    """Whether the values are equal, also where they hold others; `unknown` is the answer for objects of other kinds."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a.shape == b.shape and bool(((a == b) | (a.isnan() & b.isnan())).all())
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(_equal(x, y, unknown=unknown) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key], unknown=unknown) for key in a)
    if isinstance(a, str | bytes | float | int | complex) and isinstance(b, str | bytes | float | int | complex):
        return bool(a == b or (a != a and b != b))  # a NaN is one again
    return a is b or unknown
