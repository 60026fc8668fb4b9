"""Grades one submission or many: each becomes a Report."""

from __future__ import annotations

import contextlib
import functools
import gc
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autograder.checks.check import Check
from autograder.course import Limits, Task, Topic
from autograder.errors import KitError, SandboxError
from autograder.grading import evidence, lateness, policy, pool, suite
from autograder.grading.check_run import CheckRun, CheckRunner
from autograder.grading.gpus import Gpus
from autograder.grading.mutant_diagnosis import CourseModules
from autograder.images.training import Training
from autograder.results import Report, Status, StudentFault, SubmissionStatus, TaskResult, summarise
from autograder.sandbox import scratch
from autograder.sandbox.child_spec import ChildSpec
from autograder.sandbox.server import Server
from autograder.sandbox.session import Session
from autograder.submission.choosing import Wanted
from autograder.submission.handed_in import Submission
from autograder.text import one_line

Emit = Callable[[Report], None]


@dataclass(frozen=True)
class Plan:
    """What all submissions of one grading share; `key` is its secret, see `autograder.secret`."""

    topic: Topic
    key: bytes = field(repr=False)
    isolation: str
    training: Training | None = None
    diagnosing: bool = True
    gpus: Gpus = field(default_factory=Gpus)
    named_is_settled: bool = False  # see `policy.grade_task`
    cleared: frozenset[str] = frozenset()  # submissions that a person has looked at: their conduct is believed
    one_look: frozenset[str] = frozenset()  # submissions of the course's own that need no second look: see `policy.grade_task`


def grade(plan: Plan, submissions: list[Submission], emit: Emit, workers: int = 1, server: Server | None = None) -> None:
    """Grade every submission; `emit` gets each Report as soon as it is there, in this process.

    With several `workers` these share the submissions, each with a server of its own; `server`, if given, is one that is
    warming up already, for a single worker.
    """
    workers = min(workers, len(submissions))
    if workers <= 1:
        grade_here(plan, submissions, emit, server)
        return
    for lost in pool.spread(functools.partial(_grade_as_one_of_several, plan), submissions, emit, workers):
        emit(given_up(plan, lost))


def _grade_as_one_of_several(plan: Plan, submissions: Iterable[Submission], emit: Emit) -> None:
    with Server(plan.topic.warm, rehearsing=False) as server:
        grade_here(plan, submissions, emit, server)


def given_up(plan: Plan, submission: Submission) -> Report:
    """The report of a submission that several processes have ended over."""
    message = "The grading process stopped more than once before it was done."
    return _whole(plan, submission, SubmissionStatus.BROKEN, message, 0.0)


def grade_here(plan: Plan, submissions: Iterable[Submission], emit: Emit, server: Server | None = None) -> None:
    """Grade the submissions one after another, with one warm server."""
    with contextlib.ExitStack() as stack:
        warm = server or stack.enter_context(Server(plan.topic.warm))  # a server that was given is closed by its owner
        suite.with_checks(plan.topic, functools.partial(grade_each, plan, warm, submissions, emit))


def grade_each(plan: Plan, server: Server, submissions: Iterable[Submission], emit: Emit, checks: Sequence[Check]) -> None:
    """Grade the submissions one after another with the checks of the topic's suite, see `suite.with_checks`."""
    by_hand = any(task.forbid for task in plan.topic.tasks)
    server.hold([plan.training.resident] if plan.training and plan.training.resident else [], by_hand=by_hand)
    with scratch.locked_folder() as folder, _collector_at_rest():
        runner = CheckRunner(plan.topic, checks, plan.key, plan.training, plan.gpus.count)
        modules = CourseModules(plan.topic, plan.key, plan.training, folder if plan.diagnosing else None)
        for submission in submissions:
            emit(_guarded(plan, server, submission, runner, modules))


@contextlib.contextmanager
def _collector_at_rest() -> Iterator[None]:
    """What is there at the start of the block stays: no garbage collection while submissions wait need look at it."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _guarded(plan: Plan, server: Server, submission: Submission, runner: CheckRunner, modules: CourseModules) -> Report:
    """Grade one submission; what nobody foresaw is that one's alone."""
    try:
        return lateness.applied(_report(plan, server, submission, runner, modules), plan.topic, submission.deadline)
    except KitError:  # about the course or the machine, so about everybody
        raise
    except Exception as error:  # noqa: BLE001  the next submission is none the worse
        reason = f"Fault of the kit: {type(error).__name__}: {one_line(error)}."
        return _whole(plan, submission, SubmissionStatus.BROKEN, reason, 0.0)


def _report(
    plan: Plan, server: Server, submission: Submission, runner: CheckRunner, modules: CourseModules, *, last: bool = False
) -> Report:
    """Grade one submission; where the sandbox did not hold and a task is broken for it, once more."""
    if submission.problem:
        return _whole(plan, submission, SubmissionStatus.UNREADABLE, submission.problem, 0.0)
    started, asked = time.monotonic(), _asked(plan.topic, submission)
    spec = _spec(plan, submission)
    # One that is asked for few tasks needs no child beside that of its first check; of others the plain one shows how it imports.
    first = spec
    if submission.tasks:
        check = runner.checks_of(asked[0])[0]
        first = replace(spec, devices=check.devices, by_hand=bool(check.forbid))
    try:
        server.wait_until_ready()
        started = time.monotonic()
        session = Session.open(server, spec, first)
    except StudentFault as stopped:
        seconds = time.monotonic() - started
        return _whole(plan, submission, SubmissionStatus.UNREADABLE, stopped.fault.message, seconds)
    except SandboxError as error:
        return _whole(plan, submission, SubmissionStatus.BROKEN, f"Fault of the kit: {error}.", 0.0)
    runner.next_submission([task.id for task in asked])
    with contextlib.closing(session):
        runs = dict[str, list[CheckRun]]()
        for task in asked:
            runs[task.id] = policy.unmet(task, runs) or policy.grade_task(
                task, session, runner, modules,
                named_is_settled=plan.named_is_settled, one_look=submission.name in plan.one_look,
            )  # fmt: skip
        suspicion = None if submission.name in plan.cleared else session.suspicion
    if suspicion is not None:
        runs = {task_id: policy.withhold(of_task, suspicion) for task_id, of_task in runs.items()}
    report = _graded(plan, submission, runs, session, time.monotonic() - started)
    if report.status is SubmissionStatus.BROKEN and not session.held and not last:
        return _report(plan, server, submission, runner, modules, last=True)
    return report


def _asked(topic: Topic, submission: Submission) -> list[Task]:
    wanted = set(submission.tasks) or {task.id for task in topic.tasks}
    for task in reversed(topic.tasks):
        wanted.update(task.needs if task.id in wanted else ())
    return [task for task in topic.tasks if task.id in wanted]


def _spec(plan: Plan, submission: Submission) -> ChildSpec:
    by_hand = [task.id for task in plan.topic.tasks if task.forbid]
    wanted = Wanted.of(plan.topic, submission.others)
    return ChildSpec(submission.files, plan.topic.module, by_hand, _limits(plan), form=submission.form, wanted=wanted,
                     changed=submission.changed)  # fmt: skip


def _limits(plan: Plan) -> Limits:
    """The topic's limits, and the time for a run of training and its confirmation."""
    limits = plan.topic.limits
    if plan.training is None:
        return limits
    return replace(limits, total_seconds=limits.total_seconds + 2 * plan.training.budget.seconds)


def _whole(plan: Plan, submission: Submission, status: SubmissionStatus, message: str, seconds: float) -> Report:
    """A submission of which no task could be checked."""
    of_tasks = Status.BROKEN if status is SubmissionStatus.BROKEN else Status.ERROR
    tasks = tuple(TaskResult(task.id, of_tasks, 0.0, task.points, hint=task.hint) for task in plan.topic.tasks)
    return Report(plan.topic.name, submission.name, status, 0.0, plan.topic.max_score, message, plan.isolation,
                  round(seconds, 4), tasks, _data_name(plan), plan.gpus.name, **_origin(submission))  # fmt: skip


def _graded(plan: Plan, submission: Submission, runs: dict[str, list[CheckRun]], session: Session, seconds: float) -> Report:
    tasks = tuple(
        summarise(
            task.id,
            task.points,
            task.hint,
            [run.result for run in runs[task.id]],
            conduct=any(run.conduct for run in runs[task.id]),
        )
        for task in plan.topic.tasks
        if task.id in runs
    )
    attachments = evidence.attachments(plan.topic, runs, session.looked.source)
    broken = [task.id for task in tasks if task.status is Status.BROKEN]
    withheld = [run.result for of_task in runs.values() for run in of_task if run.result.status is Status.SUSPICIOUS]
    status, message = SubmissionStatus.GRADED, session.looked.note
    if broken:
        status, message = SubmissionStatus.BROKEN, f"Fault of the kit in {', '.join(broken)}: no grade until it is mended."
    elif withheld:
        status, message = SubmissionStatus.SUSPICIOUS, withheld[0].message
    score = 0.0 if broken else round(sum(task.score for task in tasks), 2)
    most = math.fsum(task.max_score for task in tasks)
    return Report(plan.topic.name, submission.name, status, score, most, message, plan.isolation,
                  round(seconds, 4), tasks, _data_name(plan), plan.gpus.name, attachments=attachments,
                  **_origin(submission))  # fmt: skip


def _origin(submission: Submission) -> dict[str, Any]:
    """What a report says of where its submission came from."""
    return {"person": submission.person, "notes": submission.notes, "handed_in": submission.handed_in}


def _data_name(plan: Plan) -> str:
    return plan.training.source.name if plan.training else ""
