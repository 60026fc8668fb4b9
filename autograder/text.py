"""Text that comes from elsewhere, made fit to be shown."""

from __future__ import annotations

import re

_ORIGINAL = "Original Traceback (most recent call last):"  # torch's, around an error of a replica's thread or a worker


def clean(text: str, limit: int = 500) -> str:
    """Text fit for a terminal, a page and JSON: control characters and lone surrogates replaced, length capped."""
    shown = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text[:limit])
    return shown + ("…" if len(text) > limit else "")


def one_line(error: BaseException) -> str:
    """The exception's text on one line, without its final period."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  a learner's exception class may have a broken __str__
        text = "(its text cannot be shown)"
    if _ORIGINAL in text:  # its last line is the error itself
        text = text.strip().splitlines()[-1]
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)  # colours, as torch.load has them
    return clean(" ".join(text.split()), 300).rstrip(".")
