"""A small class with one submission of each kind, made by hand."""

from pathlib import Path

import pytest

from autograder.course import load
from autograder.results import Report, Status, SubmissionStatus, TaskResult

MINI = Path(__file__).parents[1] / "mini_course"


def report(name, *tasks, status=SubmissionStatus.GRADED, message="", **more):
    score, most = sum(task.score for task in tasks), sum(task.max_score for task in tasks)
    return Report("01_mini", name, status, score, most, message, "full", 0.25, tasks, **more)


def task(name="row_means", status=Status.PASSED, score=0.0, **more):
    return TaskResult(name, status, score, 3.0, **more)


@pytest.fixture
def topic():
    return load(MINI).topic("01_mini")


@pytest.fixture
def reports():
    return [
        report("amira", task(score=3.0), task("slope", score=3.0)),
        report(
            "bo",
            task(status=Status.PARTIAL, score=1.5, message="Works for one row only.", diagnosis="It adds up.", hint="Divide."),
            task("slope", Status.FAILED, message="Wrong values.", hint="x squared."),
        ),
        report("chen", task(status=Status.PARTIAL, score=1.0, diagnosis="It adds up."), task("slope", Status.MISSING)),
        report(
            "dalia", task(status=Status.ERROR), task("slope", Status.ERROR), status=SubmissionStatus.UNREADABLE,
            message="mini.py does not parse.",
        ),
    ]  # fmt: skip
