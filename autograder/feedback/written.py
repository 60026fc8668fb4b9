"""What the page shows of a language model: how far its perplexity is from others, and what it writes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

WIDTH = 320  # of the longest bar
ROW = 26


def view(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What the template needs of what the check attached as "written"; None where nothing was.

    `found` holds perplexities on the same text: the model's (`reached`), the largest that passes (`most`), that of the text's
    own source (`own`), that of how frequent words are (`alone`), and `words`, of how many words there are; and `texts`, for
    each temperature some lines.
    """
    if not found:
        return None
    return {"bars": bars(found), "width": WIDTH, "row": ROW, "texts": found["texts"], "reached": found["reached"],
            "most": found["most"]}  # fmt: skip


def bars(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A bar for each perplexity, its length the logarithm, for e to that is what they are."""
    named = {
        "the grammar itself": found["own"], "the trained model": found["reached"], "the largest that passes": found["most"],
        "how frequent words are": found["alone"], "all words alike": found["words"],
    }  # fmt: skip
    longest = math.log(max(2.0, *(value for value in named.values() if math.isfinite(value))))
    return [
        {"name": name, "value": value, "length": round(_length(value) / longest * WIDTH, 1), "own": name == "the trained model"}
        for name, value in named.items()
    ]


def _length(value: float) -> float:
    """Not below 0, and 0 for what is no number."""
    return math.log(value) if math.isfinite(value) and value > 1 else 0.0
