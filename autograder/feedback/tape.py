"""Draws the tape of a computation: a line for each entry in the tape's order, and an arc from each input to whoever uses it.

From what the learner's own operations and `grad` recorded; see the first check of fit_line in topic 06.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import markupsafe

from autograder.feedback import html
from autograder.text import clean

MOST_ROWS = 60  # the others are left out, which is said
ROW = 22  # pixels
WIDEST = 150  # the furthest that an arc reaches out, in pixels
_LONGEST_NAME = 16


@dataclass(frozen=True)
class Line:
    """A line of the drawing: what it says, whether `grad` recorded it, and the name of the gradient that it is, or ""."""

    text: str
    backward: bool
    gradient: str


def svg(found: Mapping[str, Any] | None) -> markupsafe.Markup | None:
    """An SVG element; None for an empty tape.

    `found` has the names of the `leaves`; the `entries`, each a list of its operation, its inputs' names and its output's;
    how many of these are `forward`, that is, from before `grad` was called; and by the output's name the `gradients`.
    """
    if not found or not found["entries"]:
        return None
    leaves, entries = list(found["leaves"]), list(found["entries"])
    lines = [Line(_short(name), backward=False, gradient="") for name in leaves]
    places = {name: row for row, name in enumerate(leaves)}
    arcs: list[tuple[int, int, int, bool]] = []  # from the middle of a row to that of another, how far out, and when
    for number, (operation, inputs, output) in enumerate(entries):
        row, backward = len(lines), number >= found["forward"]
        arcs += [
            (start * ROW + ROW // 2, row * ROW + ROW // 2, min(WIDEST, 10 + 9 * (row - start)), backward)
            for start in (places[name] for name in inputs if name in places and row < MOST_ROWS)
        ]
        places[output] = row
        said = f"{_short(output)} = {_short(operation)}({', '.join(map(_short, inputs))})"
        lines.append(Line(said, backward, _short(found["gradients"].get(output, ""))))
    shown = lines[:MOST_ROWS]
    text = html.render(
        "tape.html", lines=shown, arcs=arcs, row=ROW, left=WIDEST + 12,
        count=len(entries), forward=found["forward"], left_out=len(lines) - len(shown),
    )  # fmt: skip
    return markupsafe.Markup(text)  # noqa: S704  the renderer has escaped what is in it


def _short(name: Any) -> str:
    return clean(str(name), _LONGEST_NAME)
