"""A file of a submission, parsed once for all who look at it before its first line runs."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Parsed:
    """A text and its tree; a text that does not parse has an empty one, and `fault` says why."""

    text: str
    tree: ast.Module
    fault: Exception | None = None

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of the tree, in the order of `ast.walk`."""
        return tuple(ast.walk(self.tree))


class Parser:
    """Parses each text once, however often it is asked for."""

    def __init__(self) -> None:
        self._known: dict[str, Parsed] = {}

    def of(self, text: str) -> Parsed:
        """The text and its tree; what a text can do to Python's parser ends as its `fault`."""
        if text not in self._known:
            self._known[text] = _parsed(text)
        return self._known[text]


def _parsed(text: str) -> Parsed:
    try:
        with warnings.catch_warnings(action="ignore"):  # an odd escape in a string is none of our business
            return Parsed(text, ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as fault:
        return Parsed(text, ast.Module(body=[], type_ignores=[]), fault)
