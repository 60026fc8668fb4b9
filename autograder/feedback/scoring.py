"""Which submissions have a score: one that cannot be read or that the kit failed at has none, which is not a score of 0."""

from __future__ import annotations

from autograder.results import Report


def score(report: Report, *, zero_unreadable: bool = False) -> float | None:
    """What the submission earned, in points; None without a score.

    With `zero_unreadable` one that cannot be read has a score, 0. One that the kit failed at never has.
    """
    return report.score if report.counts(zero_unreadable=zero_unreadable) else None
