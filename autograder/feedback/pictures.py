"""Draws what a failed comparison looks like: two shapes, axis over axis, or a map of the wrong values.

As lines of a terminal and as SVG for pages and notebooks, from the same `Picture`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import markupsafe

from autograder.feedback import html
from autograder.language import say
from autograder.results import WRONG_LEVELS, Picture
from autograder.text import columns

BLOCKS = "·░▒▓█"  # from all right to all wrong: told apart without colour
MOST_AXES = 8
EXPECTED, YOURS = "expected", "yours"


def lines(picture: Picture, width: int = 80) -> list[str]:
    """The picture for a terminal of that many columns; nothing if it has no room there."""
    drawn = list(_map(picture) if picture.wrong else _shapes(picture))
    return drawn if max(map(columns, drawn), default=0) <= width else []


def svg(picture: Picture | None) -> markupsafe.Markup | None:
    """The picture as an SVG element, in which colour says nothing that shape does not; None for none."""
    if picture is None:
        return None
    if picture.wrong:
        text = html.render("map.html", rows=picture.wrong, levels=WRONG_LEVELS - 1, label=_said(picture))
    else:
        text = html.render("shapes.html", axes=axes(picture), label=_said(picture), names=(say(EXPECTED), say(YOURS)))
    return markupsafe.Markup(text)  # noqa: S704  the renderer has escaped what is in it


def axes(picture: Picture) -> list[tuple[int | None, int | None, bool]]:
    """Each axis of the longer shape: its two sizes, None where a shape has no such axis, and whether they differ.

    Shapes of different length are aligned at the end where more sizes agree; at the last axis if both do.
    """
    a, b = list(picture.expected)[:MOST_AXES], list(picture.came)[:MOST_AXES]
    from_left = list(zip_longest(a, b))
    from_right = list(zip_longest(a[::-1], b[::-1]))[::-1]
    chosen = max((from_right, from_left), key=lambda pairs: sum(x == y for x, y in pairs))
    return [(x, y, x != y) for x, y in chosen]


def _shapes(picture: Picture) -> Iterator[str]:
    cells = [(_size(x), _size(y), differ) for x, y, differ in axes(picture)]
    widths = [max(len(x), len(y)) for x, y, _ in cells]
    for name, row in ((EXPECTED, [x for x, _, _ in cells]), (YOURS, [y for _, y, _ in cells])):
        yield f"{' ' * (8 - columns(say(name)))}{say(name)}  {_boxes(row, widths)}".rstrip()
    marks = " ".join(("^" if differ else " ") * (width + 2) for (_, _, differ), width in zip(cells, widths, strict=True))
    yield f"{'':>8}  {marks}".rstrip()


def _boxes(row: Sequence[str], widths: Sequence[int]) -> str:
    if not any(row):
        return say("no axis: one number")
    return " ".join(f"[{text:>{width}}]" if text else " " * (width + 2) for text, width in zip(row, widths, strict=True))


def _size(size: int | None) -> str:
    return "" if size is None else str(size)


def _map(picture: Picture) -> Iterator[str]:
    for row in picture.wrong:
        yield "  " + "".join(BLOCKS[int(level)] * 2 for level in row)
    yield f"  {BLOCKS[0]} {say('right')}  {BLOCKS[-1]} {say('wrong')}"


def _said(picture: Picture) -> str:
    """What the picture shows, for who cannot see it."""
    if not picture.wrong:
        return f"expected shape {picture.expected}, yours {picture.came}"
    bad = sum(level != "0" for row in picture.wrong for level in row)
    return f"wrong values in {bad} of {sum(map(len, picture.wrong))} parts of the tensor"
