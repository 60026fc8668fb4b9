"""Which misconception explains a wrong value?

One wrong value has many readings: 4 instead of 2 is a factor 2, a sum over two items, a square. So a suspect is a `Claim`:
a reading, and the sizes that it was seen at. The claims of several comparisons are laid side by side, and `sentence` speaks
where one claim holds for every one of them, at two different sizes. "The batch size too large" survives where the factor
changes with the batch size, "twice" where the sizes change and the factor does not.

One comparison alone is heard only where chance is out of question: a claim without a free choice (a sign, a transpose, a
missing sum) that holds on several distinct values. A factor never is, and neither is any single number.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from autograder.results import Claim

LARGEST = 1 << 20  # elements of a value that is looked at: the look is to cost little
DISTINCT = 4  # magnitudes, at least, for one comparison to be heard alone


def claims(actual: Any, expected: Any, arguments: Sequence[Any] = ()) -> tuple[Claim, ...]:
    """Every reading of one wrong value.

    Args:
        actual: the wrong tensor, array or number of a failed comparison (`Mismatch.actual`).
        expected: the right one (`Mismatch.expected`), of any shape.
        arguments: what the submission was given (`Student.arguments`); tensors in lists and dicts count.

    Returns:
        The claims, or () if nothing fits or the values are not numbers.
    """
    try:
        a, e = _wide(torch.as_tensor(actual)), _wide(torch.as_tensor(expected))
        inputs = [t.detach() for t in _tensors(arguments) if t.numel()]
        counts = {count for argument in arguments for count in _counts(argument)}
        if not 0 < a.numel() <= LARGEST or not bool((e != 0).any()) or not bool(torch.isfinite(a).all()):
            return ()
        return tuple(_by_shape(a, e) if a.shape != e.shape else _by_value(a, e, inputs, counts))
    except (TypeError, ValueError, RuntimeError, IndexError):
        return ()  # text, a complex or otherwise odd result: no claim, but the verdict stands


def sentence(failures: Sequence[Sequence[Claim]]) -> str:
    """The one sentence that explains all failed comparisons of a task, or "".

    Args:
        failures: the claims of each failed comparison; () for one that has none.
    """
    shared = []
    for claim in failures[0] if failures else ():
        same = [next((c for c in other if c.key == claim.key), None) for other in failures]
        found = [c for c in same if c is not None]
        if len(found) == len(failures):
            shared.append(found)
    heard = [found for found in shared if any(c.alone for c in found) or len({c.sizes for c in found} - {()}) > 1]
    best = max(heard, key=lambda found: sum(c.alone for c in found), default=None)
    return best[0].sentence if best else ""


def suspect(actual: Any, expected: Any, arguments: Sequence[Any] = ()) -> str:
    """The sentence about one wrong value where it is proof enough alone, or ""."""
    return sentence([claims(actual, expected, arguments)])


def _by_shape(a: torch.Tensor, e: torch.Tensor) -> Iterator[Claim]:
    sizes, distinct = (a.shape, e.shape), _distinct(e)
    for axis, size in enumerate(a.shape):
        for how, reduced in (("sum", a.sum(axis)), ("mean", a.mean(axis))):
            if _close(reduced, e):
                text = f"Its {how} over axis {axis} would be right: is a {how} over that axis missing?"
                certain = size > 1 and distinct > 1 and _distinct(a) >= DISTINCT
                yield Claim(f"{how} {axis}", text, sizes if size > 1 else (), certain)
    transposed = a.dim() == 2 and _close(a.t(), e)
    if transposed:
        yield Claim("transpose", "It is the transpose of what it should be.", sizes, distinct > 1 and min(a.shape) > 1)
    if a.numel() == e.numel():
        if _close(a.flatten(), e.flatten()):
            text = "The values are right, in another shape: a reshape, or an axis too many or too few."
            yield Claim("shape", text, sizes if distinct > 1 else (), distinct > 1 and not transposed)
        elif _permuted(a, e):
            yield Claim("axes", _AXES, sizes, distinct >= DISTINCT)


def _by_value(a: torch.Tensor, e: torch.Tensor, inputs: list[torch.Tensor], counts: set[int]) -> Iterator[Claim]:
    if _close(a, e):  # only dtype or precision is off
        return
    sizes, distinct = (a.shape, *(t.shape for t in inputs)), _distinct(e)
    if not bool((a != 0).any()):
        if a.numel() > 1:
            yield Claim("zero", "It is zero everywhere.", sizes, alone=True)
        return
    if _close(a, -e):
        text = "The sign is wrong: it is exactly the negative of what it should be."
        yield Claim("sign", text, sizes, distinct > 1)
    else:
        yield from _by_factor(a, e, inputs, counts)
    if a.dim() >= 2 and a.shape[-1] == a.shape[-2] and _close(a.transpose(-1, -2), e):
        yield Claim("transpose", "It is the transpose of what it should be.", sizes, distinct >= DISTINCT)
    elif _permuted(a, e):
        yield Claim("axes", _AXES, sizes, distinct >= DISTINCT)
    difference = a - e
    if distinct > 2 and _close(difference, difference.flatten()[0].expand_as(difference)):
        yield Claim("offset", "It is off by the same amount everywhere: is a term missing, or one too many?", sizes)
    if bool((e != e.trunc()).any()) and _close(a, e.trunc()):
        text = "The values are cut to whole numbers: was an integer dtype used on the way?"
        yield Claim("whole", text, sizes, distinct >= DISTINCT and _distinct(a) > 1)
    if any(_close(a, _wide(t)) for t in inputs):
        yield Claim("input", "It equals one of the inputs, unchanged.", sizes, _distinct(a) > 1)


_AXES = "The values are right, but in another order: are axes exchanged?"


def _by_factor(a: torch.Tensor, e: torch.Tensor, inputs: list[torch.Tensor], counts: set[int]) -> Iterator[Claim]:
    at = e.abs().argmax()
    factor = float(a.flatten()[at] / e.flatten()[at])
    if abs(factor - 1) < 1e-3 or not _close(a / factor, e):
        return
    for key, what, size in _named_sizes(e, inputs):
        if size > 1 and math.isclose(factor, size, rel_tol=1e-4):
            yield Claim(f"times {key}", f"Exactly {what} too large: is the mean missing?", (size,))
        elif size > 1 and math.isclose(factor, 1 / size, rel_tol=1e-4):
            yield Claim(f"over {key}", f"Exactly {what} too small: is there a mean where a sum belongs?", (size,))
    if math.isclose(factor, 2, rel_tol=1e-4):
        text = "Exactly twice what it should be: a factor 2 too many, or something counted twice?"
    elif math.isclose(factor, 0.5, rel_tol=1e-4):
        text = "Exactly half of what it should be: is a factor 2 missing?"
    elif factor > 0:
        text = "It is a constant multiple of what it should be: check the constant factors."
    else:
        text = "It is a negative multiple of what it should be: check the sign and the constant factors."
    shapes = (e.shape, *(t.shape for t in inputs))
    sizes = {1, *counts, *itertools.chain.from_iterable(shapes), *map(math.prod, shapes)} - {0}
    ratio = any(math.isclose(abs(factor), s / t, rel_tol=1e-3) for s, t in itertools.product(sizes, repeat=2))
    # A ratio of sizes is no constant, and every number is a multiple of every other.
    yield Claim(f"factor {factor:.3g}", text, () if ratio or _distinct(e) == 1 else shapes)


def _named_sizes(e: torch.Tensor, inputs: list[torch.Tensor]) -> Iterator[tuple[str, str, int]]:
    """What a factor may be the size of: a key, words, the number."""
    first = next((t for t in inputs if t.dim()), None)
    if first is None:
        return
    if first.dim() > 1:
        yield "batch", "the batch size", first.shape[0]  # before others that may be the same number
        yield "last", "the size of the input's last axis", first.shape[-1]
    yield "numel", "the number of the input's elements", first.numel()
    if e.dim():
        yield "result", "the number of the result's elements", e.numel()


def _permuted(a: torch.Tensor, e: torch.Tensor) -> bool:
    """Whether `a` has the values of `e` in the order that another order of its axes gives."""
    axes = [axis for axis, size in enumerate(e.shape) if size > 1]
    if len(axes) < 2 or len(axes) > 4 or a.numel() != e.numel():
        return False
    orders = (order for order in itertools.permutations(range(len(axes))) if order != tuple(range(len(axes))))
    return any(_close(a.flatten(), e.squeeze().permute(order).flatten()) for order in orders)


def _distinct(t: torch.Tensor) -> int:
    """How many different magnitudes other than 0 there are."""
    magnitudes = t.abs().flatten()
    return int(torch.unique((magnitudes / magnitudes.max().clamp(min=1e-300)).round(decimals=3)).ne(0).sum())


def _close(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether all values agree to 0.1 %, where small ones are seen against the largest."""
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-3, atol=1e-6 * float(b.abs().max()) if b.numel() else 0.0)


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


def _counts(value: Any) -> Iterator[int]:
    """The whole numbers among the arguments and the lengths of their lists: how many losses, steps or ranks there are."""
    if isinstance(value, int):
        yield abs(value)
    elif isinstance(value, tuple | list):
        yield len(value)
        for item in value:
            yield from _counts(item)
