"""What comes after its deadline: days, points, and whose deadline it was."""

import datetime as dt
from types import SimpleNamespace

import pytest

from autograder.course import Late
from autograder.grading.lateness import applied, cost, days_late
from autograder.results import Report, SubmissionStatus

DUE = dt.datetime.fromisoformat("2026-11-30T23:59:00+01:00")
LATE = Late(per_day=0.1, most_days=3, grace_minutes=15)
TOPIC = SimpleNamespace(deadline="2026-11-30T23:59:00", timezone="Europe/Berlin", late=LATE)


@pytest.mark.parametrize(
    ("came", "days"),
    [
        ("2026-11-30T22:59:00Z", 0),
        ("2026-11-30T23:14:00Z", 0),  # the grace's end
        ("2026-11-30T23:14:01Z", 1),
        ("2026-12-01T22:59:00Z", 1),
        ("2026-12-01T22:59:01Z", 2),
        ("2026-12-10T00:00:00Z", 10),
        ("2020-01-01T00:00:00Z", 0),
    ],
)
def test_a_day_counts_once_it_has_begun(came, days):
    assert days_late(dt.datetime.fromisoformat(came), DUE, LATE) == days


def test_a_day_has_24_hours_when_the_clocks_change():
    topic = SimpleNamespace(deadline="2026-10-24T12:00:00", timezone="Europe/Berlin", late=Late(0.1))
    assert applied(report(handed_in="2026-10-25T11:00:00"), topic).late_days == 1
    assert applied(report(handed_in="2026-10-25T11:30:00"), topic).late_days == 2


@pytest.mark.parametrize(
    ("score", "days", "late", "points"),
    [(18.0, 0, LATE, 0.0), (18.0, 2, LATE, 4.0), (3.0, 3, LATE, 3.0), (18.0, 4, LATE, 18.0), (18.0, 50, Late(0.01), 10.0),
     (18.0, 9, Late(), 0.0), (0.0, 1, LATE, 0.0)],
)  # fmt: skip
def test_lateness_costs_a_share_of_what_the_topic_is_worth_and_never_more_than_there_is(score, days, late, points):
    assert cost(score, 20.0, days, late) == points


def report(status=SubmissionStatus.GRADED, score=18.0, handed_in="2026-12-02T00:00:00"):
    return Report("01_mini", "ada", status, score, 20.0, "", "full", 1.0, handed_in=handed_in)


def test_the_report_says_when_it_came_what_that_costs_and_whose_deadline_it_was():
    late = applied(report(), TOPIC)
    assert (late.handed_in, late.late_days, late.penalty, late.score) == ("2026-12-02T00:00:00+01:00", 2, 4.0, 14.0)
    put_off = applied(report(), TOPIC, "2026-12-02T00:00:00")
    assert (put_off.late_days, put_off.score, put_off.notes) == (
        0,
        18.0,
        ("The deadline was put off to 2026-12-02 00:00+01:00.",),
    )
    unknown = applied(report(handed_in=""), TOPIC)
    assert (unknown.late_days, unknown.score, len(unknown.notes)) == (0, 18.0, 1)
    assert "not known" in unknown.notes[0]
    unreadable = applied(report(SubmissionStatus.UNREADABLE, 0.0), TOPIC)
    assert (unreadable.late_days, unreadable.penalty, unreadable.score) == (2, 0.0, 0.0)
    free = applied(report(handed_in="2026-12-02T00:00:00+05:00"), SimpleNamespace(deadline="", timezone="", late=Late()))
    assert (free.handed_in, free.late_days, free.score, free.notes) == ("2026-12-02T00:00:00+05:00", 0, 18.0, ())
