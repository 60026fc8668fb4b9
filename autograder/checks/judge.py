"""What a check's exception means for the learner."""

from __future__ import annotations

from autograder.checks import suspects
from autograder.checks.compare import Mismatch
from autograder.checks.student import Student
from autograder.errors import SandboxError
from autograder.results import CheckResult, Status, StudentFault
from autograder.text import clean, one_line

UNUSABLE = "What your code returned has a kind, a shape or a size that the check cannot work with."


def judge(error: BaseException | None, title: str, student: Student | None, seconds: float) -> CheckResult:
    """The result of one check from what it raised; anything but a verdict on the learner's code is BROKEN."""
    if error is None:
        return CheckResult(Status.PASSED, title, seconds=seconds)
    if isinstance(error, StudentFault):
        return CheckResult(error.fault.status, title, error.fault.message, seconds=seconds)
    if isinstance(error, Mismatch):
        arguments = student.arguments if student else ()
        sentence = "" if error.actual is None else suspects.suspect(error.actual, error.expected, arguments)
        return CheckResult(Status.FAILED, title, clean(error.message), clean(error.detail), sentence, seconds)
    if isinstance(error, AssertionError):
        return CheckResult(Status.FAILED, title, seconds=seconds)
    if isinstance(error, SandboxError):
        return CheckResult(Status.BROKEN, title, clean(f"Fault of the kit: {error}."), seconds=seconds)
    reason = f"The suite itself failed: {type(error).__name__}: {one_line(error)}."
    return CheckResult(Status.BROKEN, title, clean(reason), seconds=seconds)
