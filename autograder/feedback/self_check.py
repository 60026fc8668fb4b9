"""What a notebook's cell shows of a task's public checks: a table for a page, and lines for a terminal."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.feedback import html, pictures
from autograder.language import say
from autograder.results import CheckResult, Status
from autograder.text import columns, wrapped

_SIGNS = {Status.PASSED: "✓", Status.MISSING: "·"}


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
        lines = [say(self._headline())]
        for result in self.results:
            mark = _mark(result)
            lines.append(f"  {mark}{' ' * (11 - columns(mark))}  {say(f'It {result.title}.')}")
            lines += [" " * 15 + line for line in wrapped(say(_seen(result)), 85)]
            lines += [" " * 15 + line for line in (pictures.lines(result.picture) if result.picture else ())]
        return "\n".join([*lines, *[f"  {say(f'Hint: {self._hint()}')}"] * bool(self._hint())])

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
    return f"{_SIGNS.get(result.status, '✗')} {say(str(result.status))}"


def _seen(result: CheckResult) -> str:
    return " ".join(text for text in (result.message, result.detail, result.diagnosis) if text)
