"""Finds the pattern that a sentence was made from, and makes the sentence of another language from its translation.

A catalogue's message is a pattern with named holes, "{name} should have shape {shape}, but it has shape {shape_2}." A text is
one sentence or several. It is cut where sentences end, in the way in which most of it is known; what a hole holds is looked up
in turn, for "the gradient of x" is a pattern too. Of several patterns that fit, the one with the most letters of its own is
meant; of those with few letters, the one whose holes hold what is known.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

MOST_SENTENCES = 40  # of a text that is cut; a longer one is shown as it is
MOST_LETTERS = 6000
LEAST_LETTERS, FEW_LETTERS = 2, 8  # of a pattern's own
FEW_BLANKS, MOST_BLANKS = 4, 7  # of a text that a pattern of few letters can fit: all of what is said, or what a hole holds
_END = re.compile(r"(?<=[.?!…:]) +|\n+")
PLACED = "{sentence}{place}."  # a sentence that says at its end where in the learner's code it was
_PLACED = re.compile(r"(.*?[^.?!])( \(line \d.*\))\.", re.DOTALL)
_QUOTED = ("error", "text", "code", "said", "fault")  # holes for what others say, in as many sentences as they like
_NUMBERS = ("lineno", "done", "total")  # holes for numbers: what stands beside them may be a hole, or words with "of" in them
HOLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Part:
    """A piece of a text: the pattern that it was made from, and what its holes hold; a piece that is not known has no pattern."""

    text: str
    pattern: str | None
    values: tuple[tuple[str, str], ...] = ()


class Sentences:
    """The messages of one language.

    Args:
        translations: each English pattern and its translation.
        space: what stands between two sentences.
        stop: what stands at the end of one.
    """

    def __init__(self, translations: Mapping[str, str], space: str = " ", stop: str = ".") -> None:
        self._translations, self._space = {PLACED: f"{{sentence}}{{place}}{stop}", **translations}, space
        self._stop = stop
        patterns = [_Pattern(text) for text in self._translations if HOLE.search(text)]
        self._patterns = [pattern for pattern in patterns if pattern.letters >= LEAST_LETTERS]
        self._patterns.sort(key=lambda pattern: pattern.order)
        self._by_letter: dict[str, list[_Pattern]] = {}
        self._letters = {text: _letters(HOLE.sub("", text)) for text in self._translations}
        self.say: Callable[[str], str] = functools.lru_cache(4096)(self._say)
        self._find: Callable[[str], Part | None] = functools.lru_cache(4096)(self._look_up)

    def parts(self, text: str) -> list[Part]:
        """The text as the known sentences that it consists of, with what is not known between them."""
        edges = [0, *(found.end() for found in _END.finditer(text)), len(text)]
        if len(edges) > MOST_SENTENCES or len(text) > MOST_LETTERS:
            return [Part(text, None)]
        best: list[tuple[int, list[Part]]] = [(0, [])]  # up to each edge: how many letters are known, and the parts
        for end in range(1, len(edges)):
            ways = []
            for start in range(end):
                piece = text[edges[start] : edges[end]].strip()
                part = self._find(piece)
                if part is not None and not self._is_sure(part, FEW_BLANKS):
                    part = None  # a piece of a sentence, not one
                if part is not None or start == end - 1:
                    known, before = best[start]
                    ways.append((known + self._known(part), [*before, part or Part(piece, None)]))
            best.append(max(ways, key=lambda way: way[0]))
        return [part for part in best[-1][1] if part.text]

    def _say(self, text: str) -> str:
        if not text.strip():
            return text
        said, before = "", None
        for part in self.parts(text):
            both = before is not None and before.pattern is not None and part.pattern is not None
            said += ("" if before is None else self._space if both else " ") + self._translated(part)
            before = part
        return said

    def _translated(self, part: Part) -> str:
        if part.pattern is None:
            return part.text
        values = {name: value if _quotes(name) else self._fragment(value) for name, value in part.values}
        return HOLE.sub(lambda hole: values.get(hole[1], hole[0]), self._translations[part.pattern]).strip()

    def _fragment(self, value: str) -> str:
        """What a hole holds: itself a known piece of text, or a name, a number, the learner's own words."""
        found = self._find(value.strip())
        if found is not None:
            return self._translated(found)
        if whole := self._find(f"{value}."):  # a sentence whose end stands further on
            return self._translated(whole).removesuffix(self._stop)
        if _END.search(value):
            return self._say(value)
        return ", ".join(map(self._fragment, value.split(", "))) if ", " in value else value

    def _known(self, part: Part | None) -> int:
        """How many letters of a part stand in patterns, its own and those of what its holes hold."""
        if part is None or part.pattern is None:
            return 0
        letters = self._letters[part.pattern]
        return letters + sum(self._known(self._find(value.strip())) for name, value in part.values if not _quotes(name))

    def _look_up(self, text: str) -> Part | None:
        ways = (text, text[:1].lower() + text[1:], text[:1].upper() + text[1:])  # a sentence may begin with a name
        for written in ways:
            if written in self._translations:
                return Part(text, written)
        found = [(pattern, written) for written in dict.fromkeys(ways) for pattern in self._beginning(written[:1])
                 if pattern.may_fit(written)]  # fmt: skip
        little: list[Part] = []
        for pattern, written in sorted(found, key=lambda pair: pair[0].order):
            values = pattern.match(written)
            part = Part(text, pattern.text, tuple(values.items())) if values is not None else None
            if part is not None and self._is_sure(part, MOST_BLANKS):
                if pattern.letters >= FEW_LETTERS:
                    return part
                little.append(part)
        if little:
            return max(little, key=self._known)
        placed = _PLACED.fullmatch(text)
        if placed and (self._find(placed[1]) or self._find(f"{placed[1]}.")):
            return Part(text, PLACED, (("sentence", placed[1]), ("place", placed[2])))
        return None

    def _is_sure(self, part: Part, most: int) -> bool:
        """Whether a pattern of few letters, which would fit almost anything, is meant: in a short text, or with known values."""
        if not part.values or part.pattern == PLACED or self._letters[part.pattern or ""] >= FEW_LETTERS:
            return True
        if any(_quotes(name) for name, _ in part.values) or part.text.count(" ") <= most:
            return True
        return all(value in self._translations for _, value in part.values)

    def _beginning(self, letter: str) -> list[_Pattern]:
        """The patterns of texts that begin with the letter."""
        if letter not in self._by_letter:
            self._by_letter[letter] = [each for each in self._patterns if each.head[:1] in ("", letter)]
        return self._by_letter[letter]


def _held(name: str) -> str:
    """What a hole of that name can hold: of a place, and of what is called by a name, something is known."""
    if name.partition("_")[0] == "place":
        return r"(| \(line \d.*\)|\S*)"
    if name in _NUMBERS:
        return r"( *[\d.]*)"
    if name == "kind" or name.endswith("_name"):
        return r"([\w.<>]*)"
    return "(.*?)" if _quotes(name) else r"((?:(?![.?!] [A-Z]).)*?)"  # no end of a sentence in it


def _quotes(name: str) -> bool:
    """Whether a hole of that name is for what others say, which stays as it is."""
    return name.partition("_")[0] in _QUOTED


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


class _Pattern:
    def __init__(self, text: str) -> None:
        self.text = text
        pieces = HOLE.split(text)
        self.letters = sum(map(_letters, pieces[::2]))
        self.order = (-self.letters, -sum(map(len, pieces[::2])))  # the more of its own it has, the surer it is
        self._is_fragment = not pieces[-1] and not any(mark in self.text for mark in ".?!:")
        self._names = pieces[1::2]
        self.head, self._start, self._tail = pieces[0], pieces[0].rstrip(), pieces[-1]
        self._regex: re.Pattern[str] | None = None

    def _compiled(self) -> re.Pattern[str]:
        pieces = HOLE.split(self.text)
        held = [_held(piece) if i % 2 else re.escape(piece) for i, piece in enumerate(pieces)]
        if len(pieces) > 1 and not pieces[-1] and pieces[-3].endswith(" "):  # what comes last may be nothing
            held[-3:] = [re.escape(pieces[-3].rstrip()), f"(?: {held[-2]})?"]
        return re.compile("".join(held), re.DOTALL)

    def may_fit(self, text: str) -> bool:
        """Whether the text's ends are the pattern's; a piece such as "the gradient of {name}" is no whole sentence."""
        if self._is_fragment and text.endswith((".", "?", "!")):
            return False
        return text.startswith(self._start) and text.endswith(self._tail)

    def match(self, text: str) -> dict[str, str] | None:
        """What the holes hold if the text was made from this pattern."""
        if self._regex is None:
            self._regex = self._compiled()
        found = self._regex.fullmatch(text)
        return dict(zip(self._names, found.groups(""), strict=True)) if found else None
