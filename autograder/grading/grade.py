"""Grades one submission or many: each becomes a Report."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from autograder.course import Limits, Topic
from autograder.errors import KitError, SandboxError
from autograder.grading import pool, suite
from autograder.grading.gpus import Gpus
from autograder.images.training import Training
from autograder.results import Fault, Report, Status, StudentFault, SubmissionStatus, TaskResult
from autograder.sandbox.child import Order
from autograder.sandbox.confinement import confine
from autograder.sandbox.launch import Launch
from autograder.sandbox.server import Server
from autograder.sandbox.session import Session
from autograder.submission.handed_in import Submission

Emit = Callable[[Report], None]


@dataclass(frozen=True)
class Plan:
    """What all submissions of one grading share."""

    topic: Topic
    seed: int
    isolation: str
    training: Training | None = None
    diagnosing: bool = True
    gpus: Gpus = field(default_factory=Gpus)


def isolation_here(asked: str, device: str = "simulated") -> str:
    """The tier of this machine, "full" or "reduced"; KitError if it is reduced and that was not asked for.

    On a real GPU it is reduced: see confine.
    """
    if device == "cuda":
        if asked != "reduced":
            raise KitError("--device cuda: a GPU's driver does not work in full confinement: give --isolation reduced too")
        return "reduced"
    layers = confine.layers()
    tier = confine.tier(layers)
    if tier != "full" and asked != "reduced":
        missing = ", ".join(layer.name for layer in layers if not layer.present)
        raise KitError(f"this machine cannot confine submissions fully (missing: {missing}): "
                       "see `autograder doctor`, or give --isolation reduced")  # fmt: skip
    return "reduced" if asked == "reduced" and tier != "full" else tier


def grade(plan: Plan, submissions: list[Submission], emit: Emit, workers: int = 1, launched: Launch | None = None) -> None:
    """Grade every submission; `emit` gets each Report as soon as it is there, in this process.

    A server that was `launched` for the topic's modules serves a single worker.
    """
    workers = min(workers, len(submissions))
    if workers <= 1:
        _work(plan, submissions, emit, launched)
        return
    for lost in pool.spread(functools.partial(_work, plan), submissions, emit, workers):
        emit(_whole(plan, lost, SubmissionStatus.BROKEN, "The grading process stopped twice before it was done.", 0.0))


def _work(plan: Plan, submissions: Iterable[Submission], emit: Emit, launched: Launch | None = None) -> None:
    """All of a grading, or the part of one of several processes: with a server of its own."""
    with Keeper(plan, launched) as keeper:
        grade_here(plan, submissions, emit, keeper)


def grade_here(plan: Plan, submissions: Iterable[Submission], emit: Emit, keeper: Keeper) -> None:
    """Grade the submissions one after another with the keeper's warm server."""
    current: list[tuple[Submission, float]] = []

    def sessions() -> Iterator[Session]:
        for submission in submissions:
            if submission.problem:
                emit(_whole(plan, submission, SubmissionStatus.UNREADABLE, submission.problem, 0.0))
                continue
            try:
                keeper.ready()
                started = time.monotonic()
                session = keeper.session(submission)
            except StudentFault as stopped:
                seconds = time.monotonic() - started
                emit(_unreadable(plan, submission, stopped.fault, seconds))
                continue
            except SandboxError as error:
                emit(_whole(plan, submission, SubmissionStatus.BROKEN, f"Fault of the kit: {error}.", 0.0))
                continue
            current[:] = [(submission, started)]
            yield session
            session.close()

    def report(graded: suite.Graded) -> None:
        submission, started = current[0]
        emit(_graded(plan, submission, graded, time.monotonic() - started))

    suite.run(plan.topic, plan.seed, sessions(), report, diagnosing=plan.diagnosing,
              training=plan.training, gpus=plan.gpus.count)  # fmt: skip


class Keeper:
    """Keeps one warm server."""

    def __init__(self, plan: Plan, launched: Launch | None = None) -> None:
        self._plan = plan
        residents = [plan.training.resident] if plan.training else []
        self._server = Server(plan.topic.warm, residents, launched=launched)

    def ready(self) -> None:
        """Wait until a server is warm; start another one if it has died."""
        self._server.wait_until_ready()

    def session(self, submission: Submission) -> Session:
        """A session whose module has been imported; a failed import is confirmed in a fresh child."""
        plan = self._plan
        tasks = [task.id for task in plan.topic.tasks if task.forbid]
        order = Order(submission.files, plan.topic.module, tasks, _limits(plan))
        for last in (False, True):
            session = Session(self._server, order)
            try:
                child = session.child()
            except SandboxError:
                if last:
                    raise
                continue
            if child.ended is None:
                return session
            session.close()
            if last or child.ended.status is Status.ERROR:
                raise StudentFault(child.ended)
        raise AssertionError  # for the type checker: the loop returns or raises

    def __enter__(self) -> Keeper:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()


def _limits(plan: Plan) -> Limits:
    """The topic's limits, and the time for a run of training and its confirmation."""
    limits = plan.topic.limits
    if plan.training is None:
        return limits
    return replace(limits, total_seconds=limits.total_seconds + 2 * plan.training.budget.seconds)


def _tasks(plan: Plan, status: Status) -> tuple[TaskResult, ...]:
    return tuple(TaskResult(t.id, status, 0.0, t.points, hint=t.hint) for t in plan.topic.tasks)


def _unreadable(plan: Plan, submission: Submission, fault: Fault, seconds: float) -> Report:
    return _whole(plan, submission, SubmissionStatus.UNREADABLE, fault.message, seconds)


def _whole(plan: Plan, submission: Submission, status: SubmissionStatus, message: str, seconds: float) -> Report:
    """A submission of which no task could be checked."""
    tasks = _tasks(plan, Status.BROKEN if status is SubmissionStatus.BROKEN else Status.ERROR)
    return Report(plan.topic.name, submission.name, status, 0.0, plan.topic.max_score, message, plan.isolation,
                  round(seconds, 4), tasks, _data_name(plan), plan.gpus.name)  # fmt: skip


def _graded(plan: Plan, submission: Submission, graded: suite.Graded, seconds: float) -> Report:
    broken = [task for task in graded.tasks if task.status is Status.BROKEN]
    status = SubmissionStatus.BROKEN if broken else SubmissionStatus.GRADED
    message = f"Fault of the kit in {', '.join(t.id for t in broken)}: no grade until it is mended." if broken else ""
    score = 0.0 if broken else round(sum(task.score for task in graded.tasks), 2)
    return Report(plan.topic.name, submission.name, status, score, plan.topic.max_score, message, plan.isolation,
                  round(seconds, 4), graded.tasks, _data_name(plan), plan.gpus.name, graded.attachments)  # fmt: skip


def _data_name(plan: Plan) -> str:
    return plan.training.source.name if plan.training else ""
