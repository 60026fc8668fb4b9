"""One check of a suite, what it may ask for, and the one function that runs it.

A suite is collected by pytest, or read beside a notebook; from then on a check is the same thing everywhere. A self-check,
a notebook, a grading and a mutant differ in who answers (see `wire.respondent`) and in nothing else.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from autograder import secret
from autograder.checks.judge import judge
from autograder.checks.student import Student
from autograder.checks.veil import Veil
from autograder.results import CheckResult
from autograder.wire.respondent import Respondent

if TYPE_CHECKING:
    from autograder.images.training import Training  # with the images, which most topics do not need


@dataclass(frozen=True)
class Fixtures:
    """What a check may ask for by name, made anew for each run of it.

    Attributes:
        student: the way to the submission.
        rng: draws the check's inputs: the same for every submission of one grading.
        training: the images and the budget, where the topic trains.
        attached: what the check left for the submission's page.
    """

    student: Student
    rng: torch.Generator
    training: Training | None = None
    attached: dict[str, Any] = field(default_factory=dict)

    def attach(self, name: str, value: Any) -> None:
        """Keep plain data (a loss curve, a confusion matrix) for the submission's page."""
        self.attached[name] = value


@dataclass(frozen=True)
class Check:
    """A check as the course knows it.

    Attributes:
        topic: the topic's name.
        task: the task's id.
        name: the test function's name, with its parameters.
        title: the sentence that completes "it …", for the learner.
        call: runs the author's function with what it asks for.
        devices: how many CUDA devices it wants, if it is about devices.
        forbid: the technique that the task rules out, or "".
        conduct: whether it rests on what only the submission's own process can tell.
    """

    topic: str
    task: str
    name: str
    title: str
    call: Callable[[Fixtures], object]
    devices: int | None = None
    forbid: str = ""
    conduct: bool = False


def title_of(function: Callable[..., object]) -> str:
    """The sentence that a check's docstring begins with, without its period; "" if there is none."""
    return " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split()).rstrip(".")


def prepare(
    check: Check, respondent: Respondent, key: bytes, training: Training | None = None, veil: Veil | None = None
) -> Fixtures:
    """What one run of a check works with, its inputs drawn from the grading's secret."""
    own = secret.derived(key, check.topic, check.name)
    student = Student(respondent, secret.derived(own, "requests"), check.forbid, veil)
    rng = torch.Generator().manual_seed(secret.seed_from(own, "inputs"))
    return Fixtures(student, rng, training)


def run(check: Check, fixtures: Fixtures) -> CheckResult:
    """Run a check once and judge what came of it. What a test runner raises (a time-out, Ctrl-C) passes through."""
    error, started = None, time.monotonic()
    try:
        check.call(fixtures)
    except Exception as raised:  # noqa: BLE001  the judge tells the learner's faults from the suite's
        error = raised
    return judge(error, check.title, fixtures.student, time.monotonic() - started)
