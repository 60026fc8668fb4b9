"""What a check's exception means for the learner."""

from __future__ import annotations

import marshal
import traceback
from dataclasses import replace
from pathlib import Path

from autograder.checks import picture, raised, suspects
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
        return CheckResult(fault.status, title, fault.message, raised.meaning(fault.message), seconds=seconds)
    if isinstance(error, Mismatch):
        found = claims(error, student)
        message, drawn = error.message, error.picture
        if veil and student:
            codes = map(marshal.loads, student.probes)  # our own
            message = veil.message(error.marked, student.replies, [student.sent, *codes])
            drawn = drawn and picture.coarse(drawn)
        return CheckResult(Status.FAILED, title, clean(message), clean(error.detail),
                           error.diagnosis or suspects.sentence([found]), seconds, found, drawn)  # fmt: skip
    if isinstance(error, AssertionError):
        return CheckResult(Status.FAILED, title, seconds=seconds)
    if isinstance(error, SandboxError):
        return CheckResult(Status.BROKEN, title, clean(f"Fault of the kit: {error}."), seconds=seconds)
    reason = f"The suite itself failed: {type(error).__name__}: {one_line(error)}{_place(error)}."
    return CheckResult(Status.BROKEN, title, clean(reason), seconds=seconds)


def _place(error: BaseException) -> str:
    """The suite's line that raised it, for its author; "" where no suite is on the way."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).name.startswith("test_")]
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""


def overdue(title: str, limit: float, where: str = "") -> CheckResult:
    """The result of a check that took longer than `limit` seconds; `where` is the learner's line, as `learner_line` gives it."""
    message = f"It took longer than {limit:g} s{where}: is there a loop that never ends?"
    return CheckResult(Status.TIMEOUT, title, clean(message), seconds=limit)


def with_no_solution(result: CheckResult, student: Student | None) -> CheckResult:
    """In a public check there is no solution to try it with: what it cannot work with is taken for the learner's."""
    if result.status is Status.BROKEN and student is not None and student.replies:
        return replace(result, status=Status.FAILED, message=UNUSABLE, detail=result.message)
    return result


def claims(error: BaseException | None, student: Student | None) -> tuple[Claim, ...]:
    """How the wrong value of a failed comparison can be read, for `suspects.sentence`; () where no value was compared."""
    if not isinstance(error, Mismatch) or error.actual is None:
        return ()
    return suspects.claims(error.actual, error.expected, student.arguments if student else ())
