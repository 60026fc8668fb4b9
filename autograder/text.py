"""Text that comes from elsewhere, made fit to be shown."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

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


def meant(name: str, known: Iterable[str]) -> str:
    """A question for who wrote a name that is not known, such as "did you mean join?"; "" where nothing is near."""
    near = {one.casefold(): one for one in known}
    wrote = name.casefold()
    found = [one for one in near if wrote and (wrote in one or one in wrote)] or difflib.get_close_matches(wrote, near, n=3)
    return f"did you mean {' or '.join(near[one] for one in found[:3])}?" if found else ""
