"""Assertions that speak to a learner: what was expected, what came, the next step.

A message never holds expected values, so that a hidden check may show it; `detail` does, for self-checks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch

from autograder.checks.own import marked, shown
from autograder.checks.picture import of_shapes, of_values
from autograder.checks.wording import (
    Names,
    capitalised,
    count_of,
    first_difference,
    name_of_item,
    name_of_key,
    own_kind_of,
    pair,
    shape_of,
    sort_of,
)
from autograder.results import Picture
from autograder.text import clean


class Mismatch(AssertionError):
    """A value is not as it should be. `actual` and `expected` are kept for the diagnosis, never shown to a student.

    In `marked`, what the learner's code chose stands between marks; see `checks.own`. `picture` shows what the message says.
    `diagnosis` is the sentence of the slip that the value comes from, or "".
    """

    def __init__(
        self, message: str, detail: str = "", actual: Any = None, expected: Any = None, picture: Picture | None = None
    ) -> None:
        self.picture, self.diagnosis = picture, ""
        self.marked, self.message = message, shown(message, str)
        super().__init__(self.message)
        self.detail, self.actual, self.expected = detail, actual, expected


def expect(condition: object, message: str) -> None:
    """Fail with a sentence of the suite's own unless `condition` holds.

        expect(losses[-1] < losses[0], "The loss should fall over an epoch.")

    Args:
        condition: anything with a truth value.
        message: a full sentence for the learner: what was expected, what came, the next step, and no hidden value.

    Raises:
        Mismatch: if the condition does not hold.
    """
    if not condition:
        raise Mismatch(message)


def expect_close(
    actual: Any,
    expected: Any,
    name: Names = "the result",
    *,
    rtol: float = 1e-4,
    atol: float = 1e-5,
    dtype: torch.dtype | None = None,
    slips: Mapping[str, Any] | None = None,
) -> None:
    """Fail unless `actual` has the kind, the shape and, within the tolerance, the values of `expected`.

        expect_close(student.call("normalize", x), oracle(x.double()), "the normalised batch")
        expect_close(student.call("gradients", a, b), (grad_a, grad_b), ("the gradient of a", "the gradient of b"))

    Args:
        actual: what the submission gave. A 0-dim tensor or array may stand for a number, and a number for a 0-dim tensor.
        expected: a tensor, array or number of any shape, best in float64; or a nested tuple, list or dict of these, for
            which a list may stand for a tuple, and a dict may have more keys.
        name: what it is called in the message, as in "the loss"; a sequence names the items of a tuple or list.
        rtol: the relative tolerance: values agree if `|actual - expected| <= atol + rtol·|expected|`.
        atol: the absolute tolerance. NaN agrees with NaN alone, and inf with the same inf.
        dtype: what a tensor's dtype must be; None takes any.
        slips: by sentence, the wrong result of a typical mistake, of the form of `expected`: who gets exactly that is told
            the sentence. It should fit every way to this result.

    Raises:
        Mismatch: at the first item that is of another kind, shape or dtype, or not finite, or has other values.
    """
    try:
        _expect_close(actual, expected, name, rtol, atol, dtype)
    except Mismatch as mismatch:
        mismatch.diagnosis = next((said for said, wrong in (slips or {}).items() if _agrees(actual, wrong, rtol, atol)), "")
        raise


def _agrees(actual: Any, wrong: Any, rtol: float, atol: float) -> bool:
    try:
        _expect_close(actual, wrong, "it", rtol, atol, None)
    except Mismatch:
        return False
    return True


def _expect_close(actual: Any, expected: Any, name: Names, rtol: float, atol: float, dtype: torch.dtype | None) -> None:
    if isinstance(expected, Mapping):
        _expect_mapping(actual, expected, name)
        for key, value in expected.items():
            _expect_given(actual[key], value, name_of_key(name, key))
            _expect_close(actual[key], value, name_of_key(name, key), rtol, atol, dtype)
    elif isinstance(expected, tuple | list):
        _expect_sequence(actual, expected, name)
        for i, value in enumerate(expected):
            _expect_given(actual[i], value, name_of_item(name, i, len(expected)))
            _expect_close(actual[i], value, name_of_item(name, i, len(expected)), rtol, atol, dtype)
    else:
        _expect_numbers(actual, expected, str(name), rtol, atol, dtype)


def expect_equal(actual: Any, expected: Any, name: Names = "the result") -> None:
    """Fail unless `actual` equals `expected` exactly.

        expect_equal(student.call("shapes", net), {"conv1.weight": (6, 1, 5, 5)}, "the shapes")

    Args:
        actual: what the submission gave. A list may stand for a tuple, and a 0-dim tensor or array for a number.
        expected: text, a number, None, or a tensor or array of any shape and of the same dtype; or a nested tuple, list or
            dict of these, where a dict may have more keys.
        name: what it is called in the message; a sequence names the items of a tuple or list.

    Raises:
        Mismatch: at the first item that is of another kind or differs.
    """
    if isinstance(expected, Mapping):
        _expect_mapping(actual, expected, name)
        for key, value in expected.items():
            _expect_given(actual[key], value, name_of_key(name, key))
            expect_equal(actual[key], value, name_of_key(name, key))
    elif isinstance(expected, tuple | list):
        _expect_sequence(actual, expected, name)
        for i, value in enumerate(expected):
            _expect_given(actual[i], value, name_of_item(name, i, len(expected)))
            expect_equal(actual[i], value, name_of_item(name, i, len(expected)))
    elif isinstance(expected, torch.Tensor | np.ndarray):
        _expect_numbers(actual, expected, str(name), 0.0, 0.0, torch.as_tensor(expected).dtype)
    else:
        if isinstance(actual, torch.Tensor | np.ndarray) and actual.ndim == 0 and isinstance(expected, bool | int | float):
            actual = actual.item()
        same = type(actual) is type(expected) or {type(actual), type(expected)} == {int, float}
        if not same:
            raise _wrong_kind(name, sort_of(expected), actual)
        if actual != expected:
            raise _wrong_value(name, actual, expected)


def expect_shape(actual: Any, shape: Sequence[int], name: str = "the result") -> None:
    """Fail unless `actual` is a tensor of that shape.

        expect_shape(student.call("one_hot", labels), (7, 10), "the one-hot labels")

    Args:
        actual: what the submission gave.
        shape: a size for each axis; () for a tensor with no axes.
        name: what it is called in the message.

    Raises:
        Mismatch: if it is no tensor or has another shape.
    """
    if not isinstance(actual, torch.Tensor):
        raise _wrong_kind(name, f"a tensor of shape {shape_of(shape)}", actual)
    if tuple(actual.shape) != tuple(shape):
        text = f"{capitalised(name)} should have shape {shape_of(shape)}, but it has shape {shape_of(actual.shape)}."
        raise Mismatch(text, picture=of_shapes(actual.shape, shape))


def expect_dtype(actual: Any, dtype: torch.dtype, name: str = "the result") -> None:
    """Fail unless `actual` is a tensor of that dtype.

        expect_dtype(student.call("mask", x), torch.bool, "the mask")

    Args:
        actual: what the submission gave.
        dtype: as in `torch.float32`.
        name: what it is called in the message.

    Raises:
        Mismatch: if it is no tensor or has another dtype.
    """
    if not isinstance(actual, torch.Tensor):
        raise _wrong_kind(name, "a tensor", actual)
    if actual.dtype != dtype:
        raise Mismatch(f"{capitalised(name)} should have dtype {dtype}, but it has {actual.dtype}.")


def expect_unchanged(after: Any, before: Any, name: str = "the input") -> None:
    """Fail unless an argument still has the value, `requires_grad` and `.grad` that it had before the call.

        result, (after,) = student.observe("normalize", x)
        expect_unchanged(after, x, "the input x")

    Args:
        after: the argument as the call left it, from `Student.observe`.
        before: the argument as the suite holds it: a tensor or array of any shape, or a value that `==` compares.
        name: what it is called in the message.

    Raises:
        Mismatch: if anything of it is not as it was.
    """
    if not isinstance(before, torch.Tensor):
        same = type(after) is type(before) and (
            np.array_equal(after, before, equal_nan=before.dtype.kind == "f")
            if isinstance(before, np.ndarray)
            else after == before
        )
        expect(same, f"{capitalised(name)} was changed by the call. Work on a copy.")
        return
    same = isinstance(after, torch.Tensor) and after.shape == before.shape and after.dtype == before.dtype
    if not same or not torch.equal(torch.nan_to_num(after.detach()), torch.nan_to_num(before.detach())):
        raise Mismatch(
            f"{capitalised(name)} was changed by the call. Work on a copy: an in-place operation changes the original."
        )
    if after.requires_grad != before.requires_grad:
        raise Mismatch(f"{capitalised(name)} has requires_grad={after.requires_grad} after the call, but it had "
                       f"{before.requires_grad} before. Work on a detached copy.")  # fmt: skip
    if (after.grad is None) != (before.grad is None) or (before.grad is not None and not torch.equal(after.grad, before.grad)):
        raise Mismatch(f"The .grad of {name} is not what it was before the call. Work on a detached copy.")


def _expect_mapping(actual: Any, expected: Mapping[Any, Any], name: Names) -> None:
    if not isinstance(actual, Mapping):
        raise _wrong_kind(name, "a dict", actual)
    missing = [str(key) for key in expected if key not in actual]
    if missing:
        raise Mismatch(f"{capitalised(name)} has no key {', '.join(missing)}; its keys are "
                       f"{marked(clean(', '.join(map(str, islice(actual, 100))), 200)) if actual else 'none'}.")  # fmt: skip


def _expect_given(actual: Any, expected: Any, name: Names) -> None:
    """An item that is None is no function without a return."""
    if actual is None and expected is not None:
        raise Mismatch(f"{capitalised(name)} should be {sort_of(expected)}, but it is None.")


def _expect_sequence(actual: Any, expected: Sequence[Any], name: Names) -> None:
    whole = name if isinstance(name, str) else "the result"
    if not isinstance(actual, tuple | list):
        raise _wrong_kind(whole, f"a tuple or list of {len(expected)}", actual)
    if len(actual) != len(expected):
        items = "1 item" if len(expected) == 1 else f"{len(expected)} items"
        text = f"{capitalised(whole)} should have {items}, but it has {len(actual)}."
        raise Mismatch(text, first_difference(actual, expected))


def _expect_numbers(actual: Any, expected: Any, name: str, rtol: float, atol: float, dtype: torch.dtype | None) -> None:
    wanted = torch.as_tensor(expected, dtype=torch.float64 if isinstance(expected, float) else None)
    is_array = isinstance(expected, np.ndarray)
    if is_array:
        if not isinstance(actual, np.ndarray):
            raise _wrong_kind(name, f"a NumPy array of shape {shape_of(wanted.shape)}", actual)
        actual = torch.from_numpy(actual)
    if isinstance(actual, np.ndarray) and actual.ndim == wanted.dim() == 0:  # as loss.detach().numpy() gives it
        actual = torch.from_numpy(actual)
    if isinstance(actual, bool | int | float) and wanted.dim() == 0:
        actual, dtype = torch.tensor(actual, dtype=torch.float64 if isinstance(actual, float) else None), None
    if not isinstance(actual, torch.Tensor):
        raise _wrong_kind(name, sort_of(wanted), actual)
    if actual.shape != wanted.shape:
        text = f"{capitalised(name)} should have shape {shape_of(wanted.shape)}, but it has shape {shape_of(actual.shape)}."
        raise Mismatch(text, "", actual, wanted, of_shapes(actual.shape, wanted.shape))
    if dtype is not None and actual.dtype != dtype and (wanted.dim() or actual.dtype.is_floating_point):
        raise Mismatch(f"{capitalised(name)} should have dtype {dtype}, but it has {actual.dtype}.", "", actual, wanted)
    _expect_values(actual.detach(), wanted.detach(), name, rtol, atol)


def _expect_values(actual: torch.Tensor, wanted: torch.Tensor, name: str, rtol: float, atol: float) -> None:
    exact = not (actual.dtype.is_floating_point or wanted.dtype.is_floating_point or actual.is_complex())
    wide = torch.complex64 if actual.is_complex() or wanted.is_complex() else torch.int64 if exact else torch.float64
    a, w = actual.to(wide), wanted.to(wide)
    # isfinite before the comparison: NaN must never slip through a "difference > tolerance".
    bad = ~torch.isfinite(a) & torch.isfinite(w)
    if bool(bad.any()):
        what = "nan" if bool(torch.isnan(a[bad]).any()) else "inf"
        raise Mismatch(f"{capitalised(name)} contains {what} in {count_of(bad)}.", "", actual, wanted, of_values(bad))
    agree = torch.isclose(a, w, rtol=rtol, atol=atol, equal_nan=True) if not exact else a == w
    if bool(agree.all()):
        return
    if not agree.dim():
        raise _wrong_value(name, a.item(), w.item(), actual, wanted)
    where = tuple(int(i) for i in (~agree).nonzero()[0])
    got, right = pair(a[where].item(), w[where].item())
    detail = f"Expected {right} at {list(where)}, got {got}."
    text = f"{capitalised(name)} has the right shape but wrong values in {count_of(~agree)}."
    raise Mismatch(text, detail, actual, wanted, of_values(~agree))


def _wrong_value(name: Names, got: Any, wanted: Any, *kept: Any) -> Mismatch:
    """One value that is wrong: the message says what came, the detail what was expected, so that neither repeats the other."""
    given, right = pair(got, wanted)
    return Mismatch(
        f"{capitalised(name)} is {marked(given)}, which is not right.", f"Expected {right}.", *(kept or (got, wanted))
    )


def _wrong_kind(name: Names, wanted: str, actual: Any) -> Mismatch:
    forgotten = actual is None and "grad" not in str(name)  # a .grad is None where nothing was accumulated
    hint = " None is also what a function without `return` gives." if forgotten else ""
    return Mismatch(f"{capitalised(name)} should be {wanted}, but it is {own_kind_of(actual)}.{hint}")
