"""One run of one check of a hidden suite against one submission."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autograder.checks.check import Check, prepare, run
from autograder.checks.veil import Veil
from autograder.course import Task, Topic
from autograder.grading.time_limit import Clock
from autograder.grading.verdict_cache import Memory, Remembering
from autograder.images.training import Training
from autograder.results import CheckResult, Status
from autograder.sandbox.session import Session
from autograder.submission.choosing import Wanted

_NAME = re.compile(r"[^\W\d]\w*")

TOO_LONG = "What your code returned takes too long to check: return what the task asks for, and no more."


@dataclass(frozen=True)
class CheckRun:
    """What a run of a check found.

    Attributes:
        replies: the submission's, for the diagnosis.
        attached: for its page.
        clock: the grader's time for the submission, if it has a limit.
        too_long: whether the grader's time was over before there was a verdict.
        conduct: the check's: whether it rests on what only the submission's own process can tell.
    """

    result: CheckResult
    replies: Sequence[Any] = ()
    attached: Mapping[str, Any] = field(default_factory=dict)
    clock: Clock | None = None
    too_long: bool = False
    conduct: bool = False


class CheckRunner:
    """Runs a grading's checks, and keeps what it has learned of each.

    Args:
        checks: the suite's, in the order in which a submission meets them.
        key: the grading's secret.
        gpus: how many of the machine's own CUDA devices there are for a second run of the checks that want some.
    """

    def __init__(self, topic: Topic, checks: Sequence[Check], key: bytes, training: Training | None, gpus: int) -> None:
        self._topic, self._checks, self._key, self._training, self._gpus = topic, checks, key, training, gpus
        self._memories: dict[tuple[str, bool], Memory] = {}
        self._numbers = {check.name: number for number, check in enumerate(checks)}
        tasks = [check.task for check in checks]
        self._main = {tasks.index(task) for task in tasks}
        self._public = frozenset(_NAME.findall(Wanted.of(topic).stub)) | {task.id for task in topic.tasks}
        self._clock = Clock(topic.limits.grader_seconds)
        self._asked: Collection[str] = ()

    def next_submission(self, tasks: Collection[str] = ()) -> None:
        """Start the clock of the grader's own time anew, for a submission that is asked for these tasks, or for all."""
        self._clock, self._asked = Clock(self._topic.limits.grader_seconds), tasks

    def checks_of(self, task: Task) -> list[Check]:
        """The task's checks, its main one first."""
        return [check for check in self._checks if check.task == task.id]

    def seconds_for(self, task: Task) -> float:
        """The time that the submission may take for one check: the task's limit, or the budget's if it trains."""
        return self._training.budget.seconds if task.trains and self._training else task.limits.check_seconds

    def run(self, check: Check, session: Session, *, confirming: bool = False) -> CheckRun:
        """Run a check with simulated devices; one that passes and wants devices, on the machine's own GPUs too.

        `confirming` is the second run of a check that did not pass at first: nothing is sent ahead.
        """
        found = self._run(check, session, ahead=not confirming and not self._gpus)
        if found.result.status is Status.PASSED and 0 < (check.devices or 0) <= self._gpus:
            found = self._run(check, session, ahead=False, gpu=True)
            if found.result.status is not Status.PASSED:
                found = replace(found, result=replace(found.result, message=f"On a real GPU: {found.result.message}"))
        return found

    def _run(self, check: Check, session: Session, *, ahead: bool, gpu: bool = False) -> CheckRun:
        task, started, number = self._topic.task(check.task), time.monotonic(), self._numbers[check.name]
        session.begin(self.seconds_for(task), check.devices, gpu=gpu, by_hand=bool(check.forbid))
        if task.trains:
            session.fresh()  # what it may show, a curve of losses, comes from a process that knows no other check's inputs
        following = functools.partial(self._following, number, session) if ahead else None
        sure = number not in self._main or check.task in session.looked.written
        if self._clock.left <= 0:
            return CheckRun(CheckResult(Status.FAILED, check.title, TOO_LONG), too_long=True)
        respondent = Remembering(session, self._memory(check, gpu=gpu), following, sure=sure)
        with self._clock.limited():
            if respondent.passes_as_before():
                passed = CheckResult(Status.PASSED, check.title, seconds=time.monotonic() - started)
                return CheckRun(passed, conduct=check.conduct)
            veil = Veil(session.looked.words, session.said, self._public)
            fixtures = prepare(check, respondent, self._key, self._training, veil)
            result = run(check, fixtures)
        if self._clock.over:  # whatever came of it was cut short
            result = CheckResult(Status.BROKEN, check.title, TOO_LONG)
        if result.status is Status.PASSED and not fixtures.attached and not task.trains:
            respondent.learn()
        result = replace(result, seconds=time.monotonic() - started)
        return CheckRun(result, fixtures.student.replies, fixtures.attached, self._clock, self._clock.over, check.conduct)

    def _memory(self, check: Check, *, gpu: bool = False) -> Memory:
        return self._memories.setdefault((check.name, gpu), Memory())

    def _following(self, number: int, session: Session) -> Iterator[bytes]:
        """What the same process is asked once this check and those after it have passed, as far as that is sure."""
        for later in range(number + 1, len(self._checks)):
            check, now = self._checks[later], self._checks[number]
            if self._asked and check.task not in self._asked:
                continue
            requests = self._memory(check).requests
            same_child = (check.devices, check.forbid) == (now.devices, now.forbid)
            rests = later in self._main and self._topic.task(check.task).needs  # on tasks that may be without it
            if not same_child or session.forbidden(check.task) is not None or not requests or rests:
                return
            yield requests[0]
            if later in self._main and check.task not in session.looked.written:  # another task, which it may not have
                return
            yield from requests[1:]
