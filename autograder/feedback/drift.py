"""Draws how far the layers of a network have moved in training: a bar for each, with its number beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import markupsafe

from autograder.feedback import html
from autograder.language import said

LONGEST = 320  # a bar's width, in pixels


def svg(layers: Sequence[Mapping[str, Any]]) -> markupsafe.Markup | None:
    """An SVG element; None for no layers.

    Args:
        layers: of each its name as `layer`, its `drift`, at least 0, and whether it was `frozen`: such a layer that has moved
            all the same is drawn as a mistake, with a mark that shows without colour.
    """
    if not layers:
        return None
    most = max((each["drift"] for each in layers if math.isfinite(each["drift"])), default=0.0) or 1.0
    rows = [
        (
            str(each["layer"]),
            LONGEST * min(each["drift"] / most, 1.0) if math.isfinite(each["drift"]) else LONGEST,
            f"{each['drift']:.3g}",
            bool(each["frozen"] and each["drift"]),
        )
        for each in layers
    ]
    label = said("Drift: {drifts}.", drifts=", ".join(f"{name} {number}" for name, _, number, _ in rows))
    text = html.render("drift.html", rows=rows, longest=LONGEST, label=label)
    return markupsafe.Markup(text)  # noqa: S704  the renderer has escaped what is in it
