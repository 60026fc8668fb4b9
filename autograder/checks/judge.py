"""What a check's exception means for the learner."""

from __future__ import annotations

import marshal

from autograder.checks import picture, suspects
from autograder.checks.compare import Mismatch
from autograder.checks.student import Student
from autograder.errors import SandboxError
from autograder.results import CheckResult, Claim, Status, StudentFault
from autograder.text import clean, one_line

UNUSABLE = "What your code returned has a kind, a shape or a size that the check cannot work with."


def judge(error: BaseException | None, title: str, student: Student | None, seconds: float) -> CheckResult:
    """The result of one check from what it raised.

    Args:
        error: what the check raised, or None.
        title: the sentence that completes "it …".
        student: the check's way to the submission, if there was one: its arguments are evidence.
        seconds: how long the check took.

    Returns:
        PASSED, FAILED, or the status of the learner's fault; for anything else BROKEN, which is no verdict on their code.
    """
    if error is None:
        return CheckResult(Status.PASSED, title, seconds=seconds)
    veil = student.veil if student else None
    if isinstance(error, StudentFault):
        fault = veil.fault(error.fault) if veil and error.fault.told else error.fault
        return CheckResult(fault.status, title, fault.message, seconds=seconds)
    if isinstance(error, Mismatch):
        found = claims(error, student)
        message, drawn = error.message, error.picture
        if veil and student:
            codes = map(marshal.loads, student.probes)  # our own
            message = veil.message(error.marked, student.replies, [student.sent, *codes])
            drawn = drawn and picture.coarse(drawn)
        return CheckResult(Status.FAILED, title, clean(message), clean(error.detail), suspects.sentence([found]),
                           seconds, found, drawn)  # fmt: skip
    if isinstance(error, AssertionError):
        return CheckResult(Status.FAILED, title, seconds=seconds)
    if isinstance(error, SandboxError):
        return CheckResult(Status.BROKEN, title, clean(f"Fault of the kit: {error}."), seconds=seconds)
    reason = f"The suite itself failed: {type(error).__name__}: {one_line(error)}."
    return CheckResult(Status.BROKEN, title, clean(reason), seconds=seconds)


def claims(error: BaseException | None, student: Student | None) -> tuple[Claim, ...]:
    """How the wrong value of a failed comparison can be read, for `suspects.sentence`; () where no value was compared."""
    if not isinstance(error, Mismatch) or error.actual is None:
        return ()
    return suspects.claims(error.actual, error.expected, student.arguments if student else ())
