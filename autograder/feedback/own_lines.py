"""The learner's own lines of a task, found in the text of the module line by line: nobody's code is parsed or run for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_LINES = 150
_WIDEST = 300
_AT = re.compile(r"\(line (\d{1,6})\b[^`]*: `([^`]*)`")


@dataclass(frozen=True)
class Lines:
    """The lines of one definition: the number of the first, their texts, and the number of the one that a message names, or 0."""

    first: int
    texts: tuple[str, ...]
    marked: int = 0


def lines_of(source: str, name: str, message: str = "") -> Lines | None:
    """The definition of that name in a module's text, its decorators with it; None if there is none.

    The last one at the top level counts, as it does for Python; where there is none, the last in a class.
    """
    texts = source.splitlines()
    head = re.compile(rf"(\s*)(?:async\s+def|def|class)\s+{re.escape(name)}\b")
    found = [(len(match[1]), at) for at, text in enumerate(texts) if (match := head.match(text[:_WIDEST]))]
    if not found:
        return None
    depth = min(depth for depth, _ in found)
    start = max(at for each, at in found if each == depth)
    end = start + 1
    while end < len(texts) and _goes_on(texts[end], depth):
        end += 1
    while not texts[end - 1].strip():
        end -= 1
    while start and texts[start - 1].startswith(" " * depth + "@"):
        start -= 1
    shown = tuple(text[:_WIDEST] for text in texts[start : min(end, start + MOST_LINES)])
    return Lines(start + 1, shown, _marked(message, texts))


def _marked(message: str, texts: list[str]) -> int:
    """The number of the line that a message quotes; 0 if it quotes none of these, but one of a cell or of another file."""
    at = _AT.search(message)
    number = int(at[1]) if at else 0
    return number if at and number <= len(texts) and texts[number - 1].strip() == at[2].strip() else 0


def _goes_on(text: str, depth: int) -> bool:
    """Whether a line belongs to the definition above that begins in that depth: it is deeper, empty, or closes a bracket."""
    return not text.strip() or len(text) - len(text.lstrip()) > depth or text.strip()[0] in ")]}#"
