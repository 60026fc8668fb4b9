"""What a notebook's cell shows of a task's public checks: a table for a page, and lines for a terminal."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from autograder.feedback import html, pictures
from autograder.results import CheckResult, Status

_MARKS = {Status.PASSED: "✓ passed", Status.MISSING: "· missing"}


@dataclass(frozen=True)
class Table:
    """What became of a task's checks."""

    task: str
    results: tuple[CheckResult, ...]
    hint: str

    @property
    def done(self) -> bool:
        """Whether all checks pass."""
        return all(result.status is Status.PASSED for result in self.results)

    def _repr_html_(self) -> str:
        rows = [(result, _mark(result), _seen(result), pictures.svg(result.picture)) for result in self.results]
        return html.render("self_check.html", headline=self._headline(), rows=rows, hint=self._hint())

    def __repr__(self) -> str:
        lines = [self._headline()]
        for result in self.results:
            lines.append(f"  {_mark(result):<11}  It {result.title}.")
            lines += textwrap.wrap(_seen(result), 100, initial_indent=" " * 15, subsequent_indent=" " * 15)
            lines += [" " * 15 + line for line in (pictures.lines(result.picture) if result.picture else ())]
        return "\n".join([*lines, *[f"  Hint: {self._hint()}"] * bool(self._hint())])

    def _hint(self) -> str:
        return "" if self.done else self.hint

    def _headline(self) -> str:
        passed = sum(result.status is Status.PASSED for result in self.results)
        if not self.results:
            return f"{self.task}: has no public checks; it is checked when you have handed in"
        if any(result.status is Status.MISSING for result in self.results):
            return f"{self.task}: not done yet"
        return f"{self.task}: {passed} of {len(self.results)} public checks pass"


def _mark(result: CheckResult) -> str:
    return _MARKS.get(result.status, f"✗ {result.status}")


def _seen(result: CheckResult) -> str:
    return " ".join(text for text in (result.message, result.detail, result.diagnosis) if text)
