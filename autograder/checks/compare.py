"""Assertions that speak to a learner: what was expected, what came, the next step.

A message never holds expected values, so that a hidden check may show it; `detail` does, for self-checks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from autograder.text import clean
from autograder.wire.values import Opaque

Names = str | Sequence[str]


class Mismatch(AssertionError):
    """A value is not as it should be. `actual` and `expected` are kept for the diagnosis, never shown to a student."""

    def __init__(self, message: str, detail: str = "", actual: Any = None, expected: Any = None) -> None:
        super().__init__(message)
        self.message, self.detail, self.actual, self.expected = message, detail, actual, expected


def expect(condition: object, message: str) -> None:
    """Fail with `message`, a full sentence for the learner, unless `condition` holds."""
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
) -> None:
    """Fail unless `actual` has the kind, shape, dtype (if given) and finite values of `expected`.

    `expected` is a tensor, array or number, or a nested tuple, list or dict of these; `name` may then name each item.
    A scalar may come as a Python number or a 0-dim tensor. Values agree if |actual - expected| <= atol + rtol·|expected|.
    """
    if isinstance(expected, Mapping):
        _expect_mapping(actual, expected, name)
        for key, value in expected.items():
            expect_close(actual[key], value, _name(name, key), rtol=rtol, atol=atol, dtype=dtype)
    elif isinstance(expected, tuple | list):
        _expect_sequence(actual, expected, name)
        for i, value in enumerate(expected):
            expect_close(actual[i], value, _item(name, i, len(expected)), rtol=rtol, atol=atol, dtype=dtype)
    else:
        _expect_numbers(actual, expected, str(name), rtol, atol, dtype)


def expect_equal(actual: Any, expected: Any, name: Names = "the result") -> None:
    """Fail unless `actual` equals `expected` exactly; a list may stand for a tuple, and 1-element tensors for numbers."""
    if isinstance(expected, Mapping):
        _expect_mapping(actual, expected, name)
        for key, value in expected.items():
            expect_equal(actual[key], value, _name(name, key))
    elif isinstance(expected, tuple | list):
        _expect_sequence(actual, expected, name)
        for i, value in enumerate(expected):
            expect_equal(actual[i], value, _item(name, i, len(expected)))
    elif isinstance(expected, torch.Tensor | np.ndarray):
        _expect_numbers(actual, expected, str(name), 0.0, 0.0, torch.as_tensor(expected).dtype)
    else:
        if isinstance(actual, torch.Tensor | np.ndarray) and actual.ndim == 0 and isinstance(expected, bool | int | float):
            actual = actual.item()
        same = type(actual) is type(expected) or {type(actual), type(expected)} == {int, float}
        if not same:
            sort = {bool: "a bool", int: "a whole number", float: "a number", str: "text"}.get(type(expected))
            raise _wrong_kind(name, sort or _kind(expected), actual)
        if actual != expected:
            shown = f" It is {_short(actual)}." if isinstance(expected, int | float | str) else ""
            detail = f"Expected {_short(expected)}, got {_short(actual)}."
            raise Mismatch(f"{_cap(name)} is not the expected one.{shown}", detail, actual, expected)


def expect_shape(actual: Any, shape: Sequence[int], name: str = "the result") -> None:
    """Fail unless `actual` is a tensor of that shape."""
    if not isinstance(actual, torch.Tensor):
        raise _wrong_kind(name, f"a tensor of shape {_shape(shape)}", actual)
    if tuple(actual.shape) != tuple(shape):
        raise Mismatch(f"{_cap(name)} should have shape {_shape(shape)}, but it has shape {_shape(actual.shape)}.")


def expect_dtype(actual: Any, dtype: torch.dtype, name: str = "the result") -> None:
    """Fail unless `actual` is a tensor of that dtype."""
    if not isinstance(actual, torch.Tensor):
        raise _wrong_kind(name, "a tensor", actual)
    if actual.dtype != dtype:
        raise Mismatch(f"{_cap(name)} should have dtype {dtype}, but it has {actual.dtype}.")


def expect_unchanged(after: Any, before: Any, name: str = "the input") -> None:
    """Fail unless an argument still has the value, `requires_grad` and `.grad` that it had before the call."""
    if not isinstance(before, torch.Tensor):
        same = type(after) is type(before) and (
            np.array_equal(after, before, equal_nan=before.dtype.kind == "f")
            if isinstance(before, np.ndarray)
            else after == before
        )
        expect(same, f"{_cap(name)} was changed by the call. Work on a copy.")
        return
    same = isinstance(after, torch.Tensor) and after.shape == before.shape and after.dtype == before.dtype
    if not same or not torch.equal(torch.nan_to_num(after.detach()), torch.nan_to_num(before.detach())):
        raise Mismatch(f"{_cap(name)} was changed by the call. Work on a copy: an in-place operation changes the original.")
    if after.requires_grad != before.requires_grad:
        raise Mismatch(f"{_cap(name)} has requires_grad={after.requires_grad} after the call, but it had "
                       f"{before.requires_grad} before. Work on a detached copy.")  # fmt: skip
    if (after.grad is None) != (before.grad is None) or (before.grad is not None and not torch.equal(after.grad, before.grad)):
        raise Mismatch(f"The .grad of {name} is not what it was before the call. Work on a detached copy.")


def _expect_mapping(actual: Any, expected: Mapping[Any, Any], name: Names) -> None:
    if not isinstance(actual, Mapping):
        raise _wrong_kind(name, "a dict", actual)
    missing = [str(key) for key in expected if key not in actual]
    if missing:
        raise Mismatch(f"{_cap(name)} has no key {', '.join(missing)}; its keys are "
                       f"{clean(', '.join(map(str, actual)), 200) or 'none'}.")  # fmt: skip


def _expect_sequence(actual: Any, expected: Sequence[Any], name: Names) -> None:
    whole = name if isinstance(name, str) else "the result"
    if not isinstance(actual, tuple | list):
        raise _wrong_kind(whole, f"a tuple or list of {len(expected)}", actual)
    if len(actual) != len(expected):
        detail = f"Expected {_short(expected)}, got {_short(actual)}."
        items = "1 item" if len(expected) == 1 else f"{len(expected)} items"
        raise Mismatch(f"{_cap(whole)} should have {items}, but it has {len(actual)}.", detail)


def _expect_numbers(actual: Any, expected: Any, name: str, rtol: float, atol: float, dtype: torch.dtype | None) -> None:
    wanted = torch.as_tensor(expected)
    is_array = isinstance(expected, np.ndarray)
    if is_array:
        if not isinstance(actual, np.ndarray):
            raise _wrong_kind(name, f"a NumPy array of shape {_shape(wanted.shape)}", actual)
        actual = torch.from_numpy(actual)
    if isinstance(actual, np.ndarray) and actual.ndim == wanted.dim() == 0:  # as loss.detach().numpy() gives it
        actual = torch.from_numpy(actual)
    if isinstance(actual, bool | int | float) and wanted.dim() == 0:
        actual = torch.tensor(actual, dtype=dtype if isinstance(actual, float) else None)
    if not isinstance(actual, torch.Tensor):
        raise _wrong_kind(name, f"a tensor of shape {_shape(wanted.shape)}" if wanted.dim() else "a number", actual)
    if actual.shape != wanted.shape:
        text = f"{_cap(name)} should have shape {_shape(wanted.shape)}, but it has shape {_shape(actual.shape)}."
        raise Mismatch(text, "", actual, wanted)
    if dtype is not None and actual.dtype != dtype and (wanted.dim() or actual.dtype.is_floating_point):
        raise Mismatch(f"{_cap(name)} should have dtype {dtype}, but it has {actual.dtype}.", "", actual, wanted)
    _expect_values(actual.detach(), wanted.detach(), name, rtol, atol)


def _expect_values(actual: torch.Tensor, wanted: torch.Tensor, name: str, rtol: float, atol: float) -> None:
    exact = not (actual.dtype.is_floating_point or wanted.dtype.is_floating_point or actual.is_complex())
    wide = torch.complex64 if actual.is_complex() or wanted.is_complex() else torch.int64 if exact else torch.float64
    a, w = actual.to(wide), wanted.to(wide)
    # isfinite before the comparison: NaN must never slip through a "difference > tolerance".
    bad = ~torch.isfinite(a) & torch.isfinite(w)
    if bool(bad.any()):
        what = "nan" if bool(torch.isnan(a[bad]).any()) else "inf"
        raise Mismatch(f"{_cap(name)} contains {what} in {_count(bad)}.", "", actual, wanted)
    agree = torch.isclose(a, w, rtol=rtol, atol=atol, equal_nan=True) if not exact else a == w
    if not bool(agree.all()):
        wrong = ~agree
        where = tuple(int(i) for i in wrong.nonzero()[0]) if wrong.dim() else ()
        place = f" at {list(where)}" if where else ""
        detail = f"Expected {_short(w[where].item())}{place}, got {_short(a[where].item())}."
        which = f" in {_count(wrong)}" if wrong.dim() else ""
        raise Mismatch(f"{_cap(name)} has the right shape but wrong values{which}." if wrong.dim() else
                       f"{_cap(name)} is wrong: {_short(a.item())}.", detail, actual, wanted)  # fmt: skip


def _wrong_kind(name: Names, wanted: str, actual: Any) -> Mismatch:
    hint = " None is also what a function without `return` gives." if actual is None else ""
    return Mismatch(f"{_cap(name)} should be {wanted}, but it is {_kind(actual)}.{hint}")


def _count(mask: torch.Tensor) -> str:
    wrong, total = int(mask.sum()), mask.numel()
    if wrong == total:
        return "its only element" if total == 1 else f"all {total} elements"
    return f"{wrong} of {total} elements"


def _kind(value: Any) -> str:
    """What a value is, in a learner's words."""
    if value is None:
        return "None"
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {_shape(value.shape)}"
    if isinstance(value, np.ndarray):
        return f"a NumPy array of shape {_shape(value.shape)}"
    if isinstance(value, Opaque):
        article = "an" if value.type_name[:1].lower() in "aeiou" else "a"
        return f"{article} {value.type_name}"
    if isinstance(value, str):
        return f"the text {_short(value)}"
    if isinstance(value, bool | int | float):
        return f"the {'number' if not isinstance(value, bool) else 'bool'} {_short(value)}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}" if not isinstance(value, torch.dtype | torch.device) else str(value)


def _short(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}"
    return clean(repr(value), 80)


def _shape(shape: Sequence[int]) -> str:
    return str(tuple(shape))


def _name(name: Names, key: object) -> str:
    return f"{name} of {key}" if isinstance(name, str) and name != "the result" else str(key)


def _item(name: Names, i: int, count: int) -> Names:
    if not isinstance(name, str):
        return name[i]
    return f"item {i} of {name}" if count > 1 else name


def _cap(name: Names) -> str:
    text = name if isinstance(name, str) else "the result"
    return text if len(text.split()[0]) == 1 else text[:1].upper() + text[1:]  # a variable keeps its name
