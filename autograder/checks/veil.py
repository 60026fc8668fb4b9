"""What a learner may read of a value that their own code made in a hidden check.

A hidden check's inputs are secret, and the code that gets them can put them into whatever it says or returns: digits, letters
made of them, the name of a class made for it, a line that it pretends to be at. So what comes back is shown only as far as it
was known before the code ran:

1. A message is one that is known, `known_messages`, or one that the submission's source holds as a text; of any other only
   the exception's type and the line remain.
2. What was filled in into it is shown if it is a number or a name that the source holds, or a name of the exercise's own stub,
   of Python's or of PyTorch's.
   Everything else becomes "…", and so does all that comes after `MAX_WORDS` such words.
3. A place is shown if the source has that line.

A self-check's messages stay whole: they are made in the learner's own process, of inputs that are the learner's to see.
What passes or fails, and which of its own texts a submission picks, tells a little in any case; see docs/threat_model.md.
"""

from __future__ import annotations

import builtins
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import torch

from autograder.checks import known_messages, own
from autograder.learner import forbidden_trap, settings
from autograder.results import Fault, Status
from autograder.wire.values import Opaque

HIDDEN = "…"
MAX_WORDS = 8
SHORTEST = 3  # of a text that is looked for among the words of a message
_HOLES = {
    "n": r"(-?\d+(?:\.\d+)?)",
    "s": r"([\d, x-]*)",
    "w": r"([\w.:<>]*)",
    "v": r"(\d\.\d+(?:\.\d+)?)",
    "o": r"([-+*/%@&|^<>=~!a-z() ]{1,12})",
    "q": r"('.*'|\".*\")",
    "k": r"(\w+)",
    "text": r"(.*?)",
    "place": r"(| \(line \d.*\))",
    "rest": r"(.*)",
    "cannot": r"((?:which|that|where) [^:]*?)",
    "used": r"([^:]*)",
}
_PLACE = re.compile(r" \(line (\d{1,6}) of ([^:`]{1,200})(?:: `(.*)`)?\)", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_NAME = re.compile(r"[\w.:<>]+")
_DEVICE = re.compile(r"(cpu|cuda|meta)(:\d)?")
_OPERATORS = frozenset({
    "+", "-", "*", "/", "//", "%", "@", "**", "&", "|", "^", "<<", ">>", "<", ">", "<=", ">=", "==", "!=", "+=", "-=", "*=",
    "/=", "//=", "**=", "@=", "~", "divmod()", "** or pow()",
})  # fmt: skip
_LIBRARY = frozenset({
    "Byte", "Char", "Short", "Int", "Long", "Half", "Float", "Double", "BFloat16", "Bool", "ComplexFloat", "ComplexDouble",
    "NoneType", "function", "method", "generator", "builtin_function_or_method", "module", "ints", "floats", "weight",
    "bias", "running_mean", "running_var", "num_batches_tracked", "bools",
})  # fmt: skip


@dataclass(frozen=True)
class Veil:
    """Shows what one submission may say.

    Attributes:
        words: its own, as `learner.own_words.of` found them before its first line ran.
        said: the texts that it said before its first request.
        public: the names in the exercise's stub, which everybody has.
    """

    words: Mapping[str, Any]
    said: tuple[str, ...] = ()
    public: frozenset[str] = frozenset()

    def fault(self, fault: Fault) -> Fault:
        """What a submission's process reported, with no more in it than a learner may read."""
        place = self._place(fault.place)
        message = self._message(fault.message, place, _Budget())
        if message is None and fault.status is Status.MISSING:
            message = "It is not there, or not done yet."
        elif message is None and fault.status is Status.FORBIDDEN:
            message = f"{forbidden_trap.sentence('what it rules out')}{place}."
        elif message is None:
            message = f"Your code raised {self._kind(fault.kind)}{place}."
        return replace(fault, message=message, kind=self._kind(fault.kind), place=place)

    def message(self, marked: str, replies: Sequence[Any], suite: Iterable[Any]) -> str:
        """A check's message, with no more of what the submission returned in it than a learner may read.

        Args:
            marked: as `own.marked` is used in it.
            replies: the submission's, whose texts the suite may have put into the message.
            suite: what the suite sent, whose texts are not the submission's.
        """
        text, known = own.shown(marked, self.value), set(_texts_in(suite))
        for said in sorted(set(_texts_in(replies)) - known, key=len, reverse=True):
            if len(said) >= SHORTEST and said in text:
                text = text.replace(said, self.value(said))
        head, gap, tail = text.partition(f" is {HIDDEN}, which is not right.")
        return f"{head} is not right.{tail}" if gap else text

    def value(self, shown: str) -> str:
        """A value that a submission returned, or the name of its type, as a message shows it."""
        budget = _Budget()
        return ", ".join(self._word(part.strip("'\""), budget) if part else part for part in shown.split(", "))

    def _message(self, text: str, place: str, budget: _Budget) -> str | None:
        for tail in (*self.said, *settings.SENTENCES):
            if text.endswith(f" {tail}"):
                head = self._message(text.removesuffix(f" {tail}"), place, budget)
                return head and f"{head} {tail}"
        found = _filled(known_messages.SENTENCES, text)
        if found is None:
            return None
        template, values = found
        return self._fill(template, values, budget, {"place": lambda _: place, "text": lambda said: self._library(said, budget)})

    def _library(self, text: str, budget: _Budget) -> str | None:
        """The text of an exception: a library's, or one of the source's own."""
        found = _filled((*known_messages.TORCH, *known_messages.PYTHON, *known_messages.READING), text)
        if found is not None:
            filled = self._fill(*found, budget, {})
            return None if filled in (HIDDEN, f"'{HIDDEN}'") else filled
        fitting = [pieces for pieces in self._texts if _holds(text, pieces)]
        best = max(fitting, key=lambda pieces: sum(map(len, pieces)), default=None)
        if best is None:
            return None
        inner = HIDDEN.join(best)
        return f"{'' if text.startswith(best[0]) else HIDDEN}{inner}{'' if text.endswith(best[-1]) else HIDDEN}"

    def _fill(
        self, template: str, values: tuple[str, ...], budget: _Budget, more: Mapping[str, Callable[[str], str | None]]
    ) -> str | None:
        show: dict[str, Callable[[str], str | None]] = {
            "n": lambda text: self._word(text, budget), "w": lambda text: self._word(text, budget), "k": self._kind,
            "s": lambda text: re.sub(r"-?\d+", lambda number: self._word(number[0], budget), text),
            "q": lambda text: f"'{self._word(text[1:-1], budget)}'", "o": lambda text: text if text in _OPERATORS else HIDDEN,
            "rest": lambda _: HIDDEN, "cannot": lambda text: self._one_of(known_messages.CANNOT, text, budget),
            "used": lambda text: self._one_of(known_messages.USED, text, budget), "v": lambda text: text, **more,
        }  # fmt: skip
        filled = [show[hole](value) for hole, value in zip(_holes(template), values, strict=True)]
        if None in filled:
            return None
        parts = iter(filled)
        return re.sub(r"\{(\w+)\}", lambda _: str(next(parts)), template)

    def _one_of(self, templates: tuple[str, ...], text: str, budget: _Budget) -> str | None:
        found = _filled(templates, text)
        return found and self._fill(*found, budget, {})

    def _kind(self, name: str) -> str:
        return name if self._known(name) else "an error"

    def _word(self, text: str, budget: _Budget) -> str:
        """A number or a name, if it is known."""
        if not text:
            return text
        if _NUMBER.fullmatch(text):
            known = text.removeprefix("-") in self._numbers
        else:
            known = bool(_DEVICE.fullmatch(text)) or (
                bool(_NAME.fullmatch(text)) and all(map(self._known, re.findall(r"\w+", text)))
            )
        return text if known and len(text) <= 80 and budget.spend() else HIDDEN

    def _known(self, name: str) -> bool:
        return (
            name in self._names
            or name in self.public
            or name in _LIBRARY
            or hasattr(builtins, name)
            or _of_torch(name)
            or name in self._numbers
        )

    def _place(self, said: str) -> str:
        found = _PLACE.fullmatch(said)
        lines = self.words.get("lines", {}).get(found[2], []) if found else []
        if found is None or not 0 < int(found[1]) <= len(lines):
            return ""
        text = lines[int(found[1]) - 1]
        number, file = found[1], found[2]
        return f" (line {number} of {file}: `{text}`)" if found[3] == text else f" (line {number} of {file})"

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.words.get("names", ()))

    @cached_property
    def _numbers(self) -> frozenset[str]:
        return frozenset(self.words.get("numbers", ()))

    @cached_property
    def _texts(self) -> list[list[str]]:
        return [pieces for pieces in self.words.get("texts", ()) if pieces]


class _Budget:
    """How many filled-in words one message may still show."""

    def __init__(self) -> None:
        self.left = MAX_WORDS

    def spend(self) -> bool:
        self.left -= 1
        return self.left >= 0


def _filled(templates: tuple[str, ...], text: str) -> tuple[str, tuple[str, ...]] | None:
    """The first template that the text can have come from, and what was filled into its holes."""
    for template in templates:
        head = template.partition("{")[0]
        if text.startswith(head) and (found := _pattern(template).fullmatch(text)):
            return template, found.groups()
    return None


@cache
def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile("".join(_HOLES[part] if i % 2 else re.escape(part) for i, part in enumerate(parts)), re.DOTALL)


def _holes(template: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", template)


def _holds(text: str, pieces: list[str]) -> bool:
    """Whether the text has all the pieces, one after another."""
    at = 0
    for piece in pieces:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True


_HOMES = (torch, torch.nn, torch.nn.functional, torch.nn.Module, torch.nn.modules.module, torch.Tensor, torch.optim,
          torch.optim.Optimizer)  # fmt: skip


@cache
def _of_torch(name: str) -> bool:
    return any(name in vars(home) for home in _HOMES)


def _texts_in(value: Any) -> Iterator[str]:
    """The texts in a reply, in what was sent, or in the code of a probe."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Opaque):
        yield value.type_name
    elif isinstance(value, Mapping):
        yield from _texts_in([*value, *value.values()])
    elif isinstance(value, tuple | list | frozenset):
        for item in value:
            yield from _texts_in(item)
    elif isinstance(value, types.CodeType):
        yield from _texts_in([*value.co_consts, *value.co_names])
