"""What every export is made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from autograder.course import Topic
from autograder.feedback.scoring import score
from autograder.results import Report
from autograder.text import listed

_SHOWN = 10  # names in a sentence

Page = Callable[[Report], str]


@dataclass(frozen=True)
class OfClass:
    """The results on one topic.

    Attributes:
        topic: what was graded.
        reports: the results, by name.
        page: makes the page that a student gets.
        zero_unreadable: whether what cannot be read counts as 0.
        given: the text of a gradebook that the course's platform has exported, to be filled in; "" for none.
        column: the name of its column, where the topic's name does not tell.
    """

    topic: Topic
    reports: Sequence[Report]
    page: Page
    zero_unreadable: bool = False
    given: str = ""
    column: str = ""

    def score(self, report: Report) -> float | None:
        """The report's score, or None without one."""
        return score(report, zero_unreadable=self.zero_unreadable)

    def scored(self) -> Iterator[tuple[Report, float]]:
        """The reports that have a score, each with it."""
        for report in self.reports:
            if (points := self.score(report)) is not None:
                yield report, points


@dataclass(frozen=True)
class Exported:
    """An export's files, by their path, and sentences on what is not in them."""

    files: dict[str, bytes]
    remarks: tuple[str, ...] = ()


def lateness(report: Report) -> str:
    """A sentence on the points that are missing beside those of the tasks; "" where none are."""
    return f"Days late: {report.late_days}, points lost by it: {report.penalty:g}." if report.late_days else ""


def named(reports: Sequence[Report]) -> str:
    """The names of some submissions, for a sentence."""
    return listed([report.submission for report in reports], _SHOWN)


def without_score(of: OfClass) -> tuple[str, ...]:
    """A sentence on the submissions without a score, if there are any."""
    left = [report for report in of.reports if of.score(report) is None]
    return (f"without a score, and so left out: {named(left)}",) if left else ()
