"""What the page shows of a generator's samples: images, and the losses of the two networks over the batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

WIDTH, HEIGHT = 640, 200


def view(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What the template needs of what the check attached as "drawn"; None where nothing was.

    `found` holds three PNG files in base64 (`samples`, `way`, `real`), the shares that were reached (`nearer`, `varied`), the
    `minimum` of both, the name of the `images`, and `losses`, a pair of finite numbers for each batch: d's and g's.
    """
    if not found:
        return None
    return {**found, "chart": chart(found["losses"])}


def chart(losses: Sequence[Sequence[float]]) -> dict[str, Any] | None:
    """The lines of a chart from 0 to the largest loss, one for each network; None for fewer than two batches."""
    if len(losses) < 2:
        return None
    high = max([1e-9, *map(max, losses)])
    step = WIDTH / (len(losses) - 1)
    lines = [
        " ".join(f"{i * step:.1f},{HEIGHT - max(pair[which], 0.0) / high * HEIGHT:.1f}" for i, pair in enumerate(losses))
        for which in range(2)
    ]
    return {"d": lines[0], "g": lines[1], "high": high, "width": WIDTH, "height": HEIGHT}
