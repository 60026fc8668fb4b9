"""Which misconception explains this wrong value? Generic suspects first to last; at most one sentence, never values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch

from autograder.results import Fault


def same_replies(mine: list[Any], theirs: list[Any]) -> bool:
    """Whether two runs of one check saw the same answers."""
    return len(mine) == len(theirs) and all(_same(a, b) for a, b in zip(mine, theirs, strict=True))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Fault) and isinstance(b, Fault):
        return (a.status, a.kind, a.message.split(" (line")[0]) == (b.status, b.kind, b.message.split(" (line")[0])
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        return torch.allclose(_wide(a), _wide(b), rtol=1e-4, atol=1e-6, equal_nan=True)
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-6) or (math.isnan(a) and math.isnan(b))
    if hasattr(a, "__array__") and hasattr(b, "__array__") and not isinstance(a, torch.Tensor):
        return type(a) is type(b) and bool(a.shape == b.shape and a.dtype == b.dtype and (a == b).all())
    return type(a) is type(b) and bool(a == b)


def suspect(actual: Any, expected: Any, arguments: tuple[Any, ...]) -> str:
    """A sentence that names the likely mistake behind a wrong tensor or number, or "" if nothing fits."""
    try:
        a, e = _wide(torch.as_tensor(actual).detach()), _wide(torch.as_tensor(expected).detach())
        inputs = [t for t in _tensors(arguments) if t.numel()]
        sentences = _by_shape(a, e) if a.shape != e.shape else _by_value(a, e, inputs)
        return next(sentences, "")
    except (TypeError, ValueError, RuntimeError, IndexError):
        return ""  # a complex, empty or otherwise odd result: no sentence, but the verdict stands


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach() if tensor.is_complex() else tensor.detach().to(torch.float64)


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _close(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-3, atol=1e-6)


def _by_shape(a: torch.Tensor, e: torch.Tensor) -> Iterator[str]:
    for axis in (axis for axis, size in enumerate(a.shape) if size > 1):
        if _close(a.sum(axis), e):
            yield f"Its sum over axis {axis} would be right: is a sum over that axis missing?"
        if _close(a.mean(axis), e):
            yield f"Its mean over axis {axis} would be right: is a mean over that axis missing?"
    if a.dim() == 2 and _close(a.t(), e):
        yield "It is the transpose of what it should be."
    if a.numel() == e.numel():
        if _close(a.flatten(), e.flatten()):
            yield "The values are right, in another shape: a reshape or an axis too many or too few."
        elif _close(a.flatten().sort().values, e.flatten().sort().values):
            yield "The values are right, but in another order: are axes exchanged?"


def _by_value(a: torch.Tensor, e: torch.Tensor, inputs: list[torch.Tensor]) -> Iterator[str]:
    if not bool(torch.isfinite(a).all()) or a.numel() == 0 or _close(a, e):  # close: only dtype or precision is off
        return
    scale = float(e.abs().max())
    if scale == 0:
        return
    if bool((a == 0).all()):
        yield "It is zero everywhere."
    elif _close(a, -e):
        yield "The sign is wrong: it is exactly the negative of what it should be."
    yield from _by_factor(a, e, inputs)
    if a.dim() >= 2 and a.shape[-1] == a.shape[-2] and _close(a.transpose(-1, -2), e):
        yield "It is the transpose of what it should be."
    difference = a - e
    if a.numel() > 1 and _close(difference, difference.flatten()[0].expand_as(difference)):
        yield "It is off by the same amount everywhere: is a term missing, or one too many?"
    if a.numel() > 1 and _close(a.flatten().sort().values, e.flatten().sort().values):
        yield "The values are right, but in another order: are axes exchanged?"
    if bool((e != e.trunc()).any()) and _close(a, e.trunc()):
        yield "The values are cut to whole numbers: was an integer dtype used on the way?"
    if any(_close(a, _wide(t)) for t in inputs):
        yield "It equals one of the inputs, unchanged."


def _by_factor(  # noqa: C901  one suspect after the other
    a: torch.Tensor, e: torch.Tensor, inputs: list[torch.Tensor]
) -> Iterator[str]:
    at = e.abs().argmax()
    factor = float(a.flatten()[at] / e.flatten()[at])
    if not math.isfinite(factor) or abs(factor) < 1e-6 or abs(factor - 1) < 1e-3 or not _close(a / factor, e):
        return
    batch = next((t.shape[0] for t in inputs if t.dim()), 0)
    sizes = {size for t in inputs for size in t.shape} | {t.numel() for t in inputs}
    if batch > 2 and math.isclose(factor, batch, rel_tol=1e-3):
        yield "Exactly the batch size too large: is the mean missing?"
    if batch > 2 and math.isclose(factor, 1 / batch, rel_tol=1e-3):
        yield "Exactly the batch size too small: is there a mean where a sum belongs?"
    for size in sorted(sizes - {0, 1, 2}):
        if math.isclose(factor, size, rel_tol=1e-3):
            yield f"Exactly {size} times too large, and {size} is a size of the inputs: is a mean missing?"
        if math.isclose(factor, 1 / size, rel_tol=1e-3):
            yield f"Exactly {size} times too small, and {size} is a size of the inputs: one mean too many?"
    if math.isclose(factor, 2, rel_tol=1e-3):
        yield "Exactly twice what it should be: a factor 2 too many, a sum where a mean belongs, or something counted twice?"
    if math.isclose(factor, 0.5, rel_tol=1e-3):
        yield "Exactly half of what it should be: is a factor 2 missing, or is there a mean over two too many?"
    if a.numel() == 1:  # every wrong number is a multiple of the right one
        return
    if factor > 0:
        yield "It is a constant multiple of what it should be: check the constant factors."
    else:
        yield "It is a negative multiple of what it should be: check the sign and the constant factors."
