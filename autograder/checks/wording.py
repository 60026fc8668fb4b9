"""Values, shapes and names in a learner's words, for the messages of `compare`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from autograder.checks.own import marked
from autograder.text import clean
from autograder.wire.values import Opaque

ROOM = 80  # characters of a value that a message shows
Names = str | Sequence[str]
MAX_AXES = 6
MAX_SIZE = 100_000


def pair(got: Any, wanted: Any) -> tuple[str, str]:
    """Two different values, shown so that the difference is seen."""
    start = 0
    if isinstance(got, str) and isinstance(wanted, str):
        start = next((i for i, (x, y) in enumerate(zip(got, wanted, strict=False)) if x != y), min(len(got), len(wanted)))
    shown = short(got, start), short(wanted, start)
    return shown if shown[0] != shown[1] else (clean(_shown(got, exact=True), ROOM), clean(_shown(wanted, exact=True), ROOM))


def first_difference(actual: Sequence[Any], expected: Sequence[Any]) -> str:
    """Where two sequences of different lengths part, for a self-check."""
    shared = min(len(actual), len(expected))
    at = next((i for i in range(shared) if not _alike(actual[i], expected[i])), shared)
    if at < shared:
        got, right = pair(actual[at], expected[at])
        return f"The first difference is at {[at]}: expected {right}, got {got}."
    if len(actual) > shared:
        return f"The first item too many, at {[at]}, is {short(actual[at])}."
    return f"The first item that is missing, at {[at]}, is {short(expected[at])}."


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor | np.ndarray) or isinstance(b, torch.Tensor | np.ndarray):
        try:
            a, b = torch.as_tensor(a), torch.as_tensor(b)
        except (TypeError, ValueError, RuntimeError):
            return False
        return a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-4, atol=1e-5, equal_nan=True)
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(map(_alike, a, b))
    if isinstance(a, float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-5)
    return bool(a == b)


def count_of(mask: torch.Tensor) -> str:
    """How many of a mask's elements are true, of how many."""
    wrong, total = int(mask.sum()), mask.numel()
    if wrong == total:
        return "its only element" if total == 1 else f"all {total} elements"
    return f"{wrong} of {total} elements"


def own_kind_of(value: Any) -> str:
    """What a value of the learner's is, in their words; what they chose of it is marked."""
    if isinstance(value, Opaque):
        return f"{_article(value.type_name)} {marked(value.type_name)}"
    if isinstance(value, str | bool | int | float):
        return f"the {_sort(value)} {marked(short(value))}"
    return kind_of(value)


def _article(name: str) -> str:
    return "an" if name[:1].lower() in "aeiou" else "a"


def _sort(value: str | float) -> str:
    return "text" if isinstance(value, str) else "bool" if isinstance(value, bool) else "number"


def kind_of(value: Any) -> str:
    """What a value is, in a learner's words."""
    if value is None:
        return "None"
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {shape_of(value.shape)}"
    if isinstance(value, np.ndarray):
        return f"a NumPy array of shape {shape_of(value.shape)}"
    if isinstance(value, Opaque):
        return f"{_article(value.type_name)} {value.type_name}"
    if isinstance(value, str | bool | int | float):
        return f"the {_sort(value)} {short(value)}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}" if not isinstance(value, torch.dtype | torch.device) else str(value)


def sort_of(expected: Any) -> str:
    """What is wanted, without its value."""
    if isinstance(expected, Mapping):
        return "a dict"
    if isinstance(expected, torch.Tensor) and not expected.dim():
        return "a number"
    kind = {bool: "a bool", int: "a whole number", float: "a number", str: "text"}.get(type(expected))
    return kind or kind_of(expected)


def short(value: Any, start: int = 0) -> str:
    """A value on one line, cut to ROOM characters; text with what is around the character `start`."""
    if isinstance(value, str) and start > ROOM // 2:
        return clean("…" + repr(value[start - ROOM // 4 : start + ROOM]), ROOM)
    return clean(_shown(value), ROOM)


def _shown(value: Any, *, exact: bool = False) -> str:
    """The value's text as far as it may be shown: what is behind that is not even looked at. `exact` shows every digit."""
    if isinstance(value, float) and math.isfinite(value) and not exact:
        return f"{value + 0.0:.6g}"  # 0 and never -0
    if isinstance(value, torch.Tensor | np.ndarray) and (exact or not value.ndim):
        return _shown(value.reshape(-1)[:ROOM].tolist() if value.ndim else value.item(), exact=exact)
    if isinstance(value, Opaque | torch.dtype | torch.device | torch.Tensor | np.ndarray):
        return kind_of(value)
    if isinstance(value, tuple | list):
        inside = _joined(_shown(item, exact=exact) for item in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' if len(value) == 1 else ''})"
    if isinstance(value, Mapping):
        return "{" + _joined(f"{_shown(key)}: {_shown(item, exact=exact)}" for key, item in value.items()) + "}"
    return repr(value[: ROOM + 1] if isinstance(value, str | bytes) else value)


def _joined(texts: Iterable[str]) -> str:
    shown, room = [], ROOM
    for text in texts:
        shown.append(text)
        room -= len(text) + 2
        if room < 0:
            break
    return ", ".join(shown)


def shape_of(shape: Sequence[int]) -> str:
    """A shape as Python writes a tuple; one that no exercise has tells how many axes it has, or that it is large."""
    if len(shape) > MAX_AXES:
        return f"with {len(shape)} axes"
    sizes = ", ".join(str(size) if size < MAX_SIZE else "…" for size in shape)
    return f"({sizes}{',' if len(shape) == 1 else ''})"


def name_of_key(name: Names, key: object) -> str:
    """What to call the value under a key."""
    return f"{name} of {key}" if isinstance(name, str) and name != "the result" else str(key)


def name_of_item(name: Names, i: int, count: int) -> Names:
    """What to call item `i` of `count`, from the names given to each or from the whole's."""
    if not isinstance(name, str):
        return name[i]
    return f"item {i} of {name}" if count > 1 else name


def capitalised(name: Names) -> str:
    """The name as a sentence begins with it: a variable keeps its case."""
    text = name if isinstance(name, str) else "the result"
    first = text.split()[0].rstrip(",'s")
    return text[:1].upper() + text[1:] if first.isalpha() and len(first) > 1 else text  # x, p.grad and conv1 keep their names
