"""Draws how long a pole was kept up: the lengths of all greedy episodes, and moments of one of them, as SVG.

From what the grader measured in its own world; see the last check of topic 08.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import markupsafe

from autograder.feedback import html

WIDTH, HEIGHT = 640, 160
MOST_MOMENTS = 8
RAIL, POLE, SIDE = 30.0, 34.0, 80  # half of the rail, the pole, and a moment's place, in pixels
FURTHEST = 2.4  # of the cart, in m


@dataclass(frozen=True)
class Moment:
    """Cart and pole at one step: where the cart stands on its rail, and where the pole's tip is, in pixels."""

    step: int
    cart: float
    tip_x: float
    tip_y: float


def svg(found: Mapping[str, Any] | None) -> markupsafe.Markup | None:
    """The two drawings, one below the other; None without any episode.

    `found` has the `lengths` of the episodes in steps, `most` of which are possible, the `minimum` of their mean, and the
    `trace` of one episode: (x, angle) at every so many steps, as `every` says.
    """
    if not found or not found["lengths"]:
        return None
    lengths, most = sorted(found["lengths"]), found["most"]
    text = html.render(
        "balancing.html", bars=_bars(lengths, most), moments=_moments(found["trace"], found["every"]), count=len(lengths),
        mean=sum(lengths) / len(lengths), minimum=found["minimum"], level=HEIGHT * (1 - min(found["minimum"] / most, 1.0)),
        width=WIDTH, height=HEIGHT, side=SIDE, rail=RAIL, most=most,
    )  # fmt: skip
    return markupsafe.Markup(text)  # noqa: S704  the renderer has escaped what is in it


def _bars(lengths: Sequence[int], most: int) -> list[tuple[float, float, float]]:
    """Place, width and height of a bar for each episode."""
    wide = WIDTH / len(lengths)
    return [(i * wide, wide, HEIGHT * min(length / most, 1.0)) for i, length in enumerate(lengths)]


def _moments(trace: Sequence[Sequence[float]], every: int) -> list[Moment]:
    """A few moments from the first to the last one."""
    count = min(len(trace), MOST_MOMENTS)
    places = [i * (len(trace) - 1) // max(count - 1, 1) for i in range(count)]
    return [_moment(at * every, *trace[at]) for at in places]


def _moment(step: int, x: float, angle: float) -> Moment:
    cart = RAIL * max(-1.0, min(x / FURTHEST, 1.0))
    return Moment(step, cart, cart + POLE * math.sin(angle), -POLE * math.cos(angle))
