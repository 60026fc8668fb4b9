"""What a submission that came after its deadline loses.

As Canvas does it (its guide "What are Late Policies?"): a share of what the topic is worth for each day that has begun, never
more than there is. A day is 24 hours, whatever the clocks do meanwhile.
"""

from __future__ import annotations

import datetime as dt
import math
import zoneinfo
from dataclasses import replace

from autograder.course import Late, Topic
from autograder.results import Report, SubmissionStatus
from autograder.submission.handed_in import Submission

_DAY = dt.timedelta(days=1)


def days_late(handed_in: dt.datetime, deadline: dt.datetime, late: Late) -> int:
    """The days that had begun between two times with offsets; what came in the grace is not late, what came after it wholly."""
    over = handed_in.astimezone(dt.UTC) - deadline.astimezone(dt.UTC)
    return 0 if over <= dt.timedelta(minutes=late.grace_minutes) else math.ceil(over / _DAY)


def cost(score: float, worth: float, days: int, late: Late) -> float:
    """The points that so many days take from the `score` of a topic that is `worth` so many."""
    if late.most_days and days > late.most_days:
        return score
    return round(min(score, late.per_day * days * worth), 2)


def applied(report: Report, topic: Topic, deadline: str = "") -> Report:
    """The report with its time as one with an offset, the late days, and the score without what they cost.

    Args:
        report: of a submission, as its checks made it.
        topic: whose deadline and time zone hold.
        deadline: of this student alone, in ISO 8601; "": the topic's.
    """
    due, came = _time(deadline or topic.deadline, topic.timezone), _time(report.handed_in, topic.timezone)
    notes = report.notes
    if due and deadline:
        notes = (*notes, f"The deadline was put off to {due.isoformat(' ', 'minutes')}.")
    if due and not came:
        notes = (*notes, "When it was handed in is not known, so no late days are counted.")
    days = days_late(came, due, topic.late) if came and due else 0
    counts = report.status in (SubmissionStatus.GRADED, SubmissionStatus.SUSPICIOUS)
    penalty = cost(report.score, report.max_score, days, topic.late) if counts else 0.0
    return replace(
        report,
        handed_in=came.isoformat(timespec="seconds") if came else "",
        late_days=days,
        penalty=penalty,
        score=round(report.score - penalty, 2),
        notes=notes,
    )


def renewed(report: Report, topic: Topic, submission: Submission) -> Report:
    """A result that is kept, with whose it is, when it came and what lateness costs as they are known now."""
    whole = replace(report, score=round(report.score + report.penalty, 2), person=submission.person, notes=submission.notes,
                    handed_in=submission.handed_in)  # fmt: skip
    return applied(whole, topic, submission.deadline)


def _time(text: str, zone: str) -> dt.datetime | None:
    """A time in ISO 8601 as one with an offset, in the time zone where it has none; None for ""."""
    if not text:
        return None
    time = dt.datetime.fromisoformat(text)
    if time.tzinfo is None:
        return time.replace(tzinfo=zoneinfo.ZoneInfo(zone)) if zone else time.astimezone()
    return time
