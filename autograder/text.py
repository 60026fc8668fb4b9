"""Text that comes from elsewhere, made fit to be shown."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence

_WIDE = r"[\u2e80-\u9fff\uff00-\uffef\u3000-\u303f]"
_MARKS = r"[\uff0c\u3002\uff1a\uff1b\uff1f\uff01\u3001\uff09\u201d\u2019\u300b\u2026]"  # of the end of a clause
_WORD = re.compile(rf" ?{_WIDE}{_MARKS}*| ?[^ \u2e80-\u9fff\uff00-\uffef\u3000-\u303f]+{_MARKS}*")
_ORIGINAL = "Original Traceback (most recent call last):"  # torch's, around an error of a replica's thread or a worker


def clean(text: str, limit: int = 500) -> str:
    """Text fit for a terminal, a page and JSON: control characters and lone surrogates replaced, length capped."""
    shown = text[:limit]
    if not shown.isprintable():  # few texts, and letter by letter it takes long
        shown = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in shown)
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


def columns(text: str) -> int:
    """How many columns of a terminal the text takes: a Chinese letter takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else not unicodedata.combining(letter) for letter in text)


def wrapped(text: str, width: int) -> list[str]:
    """The text's words on lines of at most `width` columns; a line may end after any Chinese letter, but not before a mark."""
    lines, line = [], ""
    for word in _WORD.findall(" ".join(text.split())):
        if line and columns(line + word.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += word.lstrip() if not line else word
    return [*lines, line.rstrip()] if line.strip() else lines


def meant(name: str, known: Iterable[str]) -> str:
    """A question for who wrote a name that is not known, such as "did you mean join?"; "" where nothing is near."""
    near = {one.casefold(): one for one in known}
    wrote = name.casefold()
    found = [one for one in near if wrote and (wrote in one or one in wrote)] or difflib.get_close_matches(wrote, near, n=3)
    return f"did you mean {' or '.join(near[one] for one in found[:3])}?" if found else ""


def listed(names: Sequence[str], most: int) -> str:
    """Names for a sentence, at most so many, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
