"""What a failed comparison looks like: two shapes, or where in a tensor the values are wrong."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch

from autograder.checks.wording import MAX_AXES, MAX_SIZE
from autograder.results import WRONG_LEVELS, Picture

FINE = (8, 16)  # rows and columns of a map for the learner's own eyes
COARSE = (4, 8)  # of one that a hidden check shows: each cell tells something of its inputs


def of_shapes(came: Sequence[int], expected: Sequence[int]) -> Picture | None:
    """Two shapes that differ; None if one of them is like none of an exercise, which a message does not show either."""
    if any(len(shape) > MAX_AXES or max(shape, default=0) >= MAX_SIZE for shape in (came, expected)):
        return None
    return Picture(tuple(expected), tuple(came))


def of_values(wrong: torch.Tensor) -> Picture | None:
    """Where the values of a tensor are wrong; None if it has one value, or none of its values is right.

    Args:
        wrong: a mask of at least one axis. The last axis makes the columns of the map, all others its rows.
    """
    if wrong.numel() < 2 or bool(wrong.all()):
        return None
    mask = wrong.reshape(-1, wrong.shape[-1]) if wrong.dim() else wrong.reshape(1, -1)
    rows, columns = (_parts(size, most) for size, most in zip(mask.shape, FINE, strict=True))
    levels = [[_level(mask[row][:, column]) for column in columns] for row in rows]
    return Picture(tuple(wrong.shape), tuple(wrong.shape), tuple("".join(map(str, row)) for row in levels))


def coarse(picture: Picture) -> Picture:
    """The picture with no more in it than a hidden check may show: few cells, each right or wrong."""
    if not picture.wrong:
        return picture
    mask = torch.tensor([[level != "0" for level in row] for row in picture.wrong])
    rows, columns = (_parts(size, most) for size, most in zip(mask.shape, COARSE, strict=True))
    found = ["".join(str((WRONG_LEVELS - 1) * bool(mask[row][:, column].any())) for column in columns) for row in rows]
    return Picture((), (), tuple(found))


def _parts(size: int, most: int) -> list[slice]:
    """At most `most` ranges of nearly the same length that make up the axis."""
    count = min(size, most)
    edges = [i * size // count for i in range(count + 1)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


def _level(mask: torch.Tensor) -> int:
    """How much of it is wrong: 0 for nothing, the highest level for all of it, and something between for a part."""
    share = float(mask.double().mean())
    return 0 if share == 0 else WRONG_LEVELS - 1 if share == 1 else min(WRONG_LEVELS - 2, 1 + int(share * (WRONG_LEVELS - 2)))
