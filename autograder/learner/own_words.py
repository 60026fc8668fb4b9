"""The words that are a submission's own: what its files say before any of them has run, so that nothing hidden is among them.

What a hidden check tells a learner of an exception or of a returned value is put together from these: see `checks.veil`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from autograder.learner.parsing import Parsed, Parser
from autograder.submission import notebook
from autograder.text import clean

MAX_CHARACTERS = 1 << 18  # of all files; a submission that is longer has no words of its own
MAX_LINES = 10_000
MAX_TEXTS = 1000
FEWEST_LETTERS = 4  # of a text
_NAME = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_FIELD = re.compile(r"%[-+ #0-9.]*[a-zA-Z]|\{[^{}]*\}")  # what % and str.format fill in


def of(sources: Mapping[str, str], module: str, parser: Parser | None = None) -> dict[str, Any]:
    """The names, the numbers, the texts and the lines of a submission's Python files.

    Args:
        sources: each file's text by its name.
        module: the name of the one that is checked, which may hold a notebook's cells.
        parser: knows the texts that others look at too.

    Returns:
        `names`, `numbers`: lists of words. `texts`: the pieces of each text that the source holds, between which a value is
        filled in. `lines`: for each file or cell, as `explain.learner_line` calls it, its lines as shown there.
    """
    found: dict[str, Any] = {"names": [], "numbers": [], "texts": [], "lines": {}}
    whole = "\n".join(sources.values())
    if len(whole) > MAX_CHARACTERS or len(whole.splitlines()) > MAX_LINES:
        return found
    parser = parser or Parser()
    texts = dict.fromkeys(text for source in sources.values() for text in _texts(parser.of(notebook.parsable(source))))
    parts = {f"cell {cell.number}": cell.source for cell in notebook.cells(sources.get(module, ""))}
    return {
        "names": sorted(set(_NAME.findall(whole))),
        "numbers": sorted(set(_NUMBER.findall(whole))),
        "texts": [list(pieces) for pieces in list(texts)[:MAX_TEXTS]],
        "lines": {name: [clean(line.strip(), 120) for line in text.splitlines()] for name, text in {**sources, **parts}.items()},
    }


def _texts(source: Parsed) -> Iterator[tuple[str, ...]]:
    for node in source.nodes:  # what does not parse cannot be imported either
        if isinstance(node, ast.JoinedStr):
            yield _pieces(part.value for part in node.values if isinstance(part, ast.Constant))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield _pieces(_FIELD.split(node.value))


def _pieces(parts: Any) -> tuple[str, ...]:
    """The parts as a message has them on one line; () if they are not worth showing."""
    whole = "\0".join(re.sub(r"\s+", " ", str(part)) for part in parts).strip(" .\0")
    kept = tuple(clean(piece, 300) for piece in whole.split("\0") if piece)
    return kept if sum(character.isalpha() for piece in kept for character in piece) >= FEWEST_LETTERS else ()
