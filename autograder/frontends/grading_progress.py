"""How far a grading is: a bar where there is a terminal, a line now and then where there is none, JSON for programs."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from autograder import results
from autograder.errors import KitError

if TYPE_CHECKING:
    from autograder.results import Report

LINE_SECONDS = 30.0  # from the first result to a line, and between two, where there is no terminal


class Tally:
    """Counts results as they come; `seconds` is a clock."""

    def __init__(self, total: int, seconds: Callable[[], float] = time.monotonic) -> None:
        self._total, self._seconds, self._began = total, seconds, seconds()
        self._done, self._scored, self._points, self._max_score = 0, 0, 0.0, 0.0
        self._others: dict[str, int] = {}

    def add(self, report: Report) -> None:
        """Count one more."""
        self._done, self._max_score = self._done + 1, report.max_score
        if report.has_score:
            self._scored, self._points = self._scored + 1, self._points + report.score
        if report.status != "graded":
            self._others[report.status] = self._others.get(report.status, 0) + 1

    def __str__(self) -> str:
        """What is done, how fast, how long it will take, and the scores so far, on one line."""
        passed = self._seconds() - self._began
        words = [f"{self._done} of {self._total} graded"]
        if self._done and passed > 0:
            rate = self._done / passed
            words.append(f"{rate:.1f} a second" if rate >= 1 else f"{60 * rate:.1f} a minute")
            if self._done < self._total:
                words.append(f"about {_duration((self._total - self._done) / rate)} left")
        if self._scored:
            words.append(f"mean {self._points / self._scored:.1f} of {self._max_score:g}")
        words += [f"{count} {status}" for status, count in sorted(self._others.items())]
        return ", ".join(words)


@contextlib.contextmanager
def shown(title: str, total: int, *, quiet: bool, as_json: bool) -> Iterator[Callable[[Report], None]]:
    """Shows each result that the function it gives is called with: on stderr, and `as_json` as a line on stdout."""
    tally = Tally(total)
    with _nothing() if quiet else _display(title, total, tally) as show:

        def advance(report: Report) -> None:
            tally.add(report)
            if as_json:
                print_json(report)
            show()

        yield advance


def print_json(report: Report) -> None:
    """One result as one line on stdout; KitError if nobody reads it any more."""
    try:
        print(json.dumps(json.loads(results.to_json(report)), ensure_ascii=True), flush=True)  # noqa: T201  its own output
    except BrokenPipeError:
        raise KitError("nobody reads the results on stdout any more; what is graded is kept") from None


@contextlib.contextmanager
def _nothing() -> Iterator[Callable[[], None]]:
    yield lambda: None


@contextlib.contextmanager
def _display(title: str, total: int, tally: Tally) -> Iterator[Callable[[], None]]:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(title, tally).show
        return
    columns = (TextColumn("{task.description}"), BarColumn(20), TextColumn("{task.fields[tally]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(title, total=total, tally=f"0 of {total} graded")

        def show() -> None:
            progress.update(bar, advance=1, tally=str(tally))

        yield show


class _Lines:
    """A line on stderr, each time that enough seconds have passed."""

    def __init__(self, title: str, tally: Tally, seconds: Callable[[], float] = time.monotonic) -> None:
        self._title, self._tally, self._seconds = title, tally, seconds
        self._said: float | None = None

    def show(self) -> None:
        now = self._seconds()
        if self._said is None:
            self._said = now
        elif now - self._said >= LINE_SECONDS:
            self._said = now
            print(f"autograder: {self._title}: {self._tally}", file=sys.stderr, flush=True)  # noqa: T201  its own output


def _duration(seconds: float) -> str:
    minutes, hours = round(seconds / 60), seconds / 3600
    return f"{seconds:.0f} s" if seconds < 90 else f"{minutes} min" if minutes < 90 else f"{hours:.1f} h"
