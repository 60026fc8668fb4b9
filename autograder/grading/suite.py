"""Runs one hidden suite over many submissions: pytest collects it once, each submission is then checked in turn."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from autograder.checks import pytest_plugin, suspects
from autograder.checks.judge import UNUSABLE
from autograder.checks.pytest_plugin import ASK, ATTACHED, CHECK, RESULT, SEED, STUDENT, TRAINING, Answers, Check
from autograder.course import Task, Topic, mutants
from autograder.errors import KitError
from autograder.grading import time_limit, verdict_cache
from autograder.images.training import Training
from autograder.learner import loading
from autograder.results import CheckResult, Status, TaskResult, summarise
from autograder.sandbox import scratch
from autograder.sandbox.session import Session

SUITE_SECONDS = 120.0  # for the suite's own part of one check, which a submission's values must not draw out


@dataclass(frozen=True)
class Graded:
    """What the suite found out about one submission."""

    tasks: tuple[TaskResult, ...]
    attachments: dict[str, Any]


def run(
    topic: Topic,
    seed: int,
    sessions: Iterable[Session],
    report: Callable[[Graded], None],
    *,
    diagnosing: bool = True,
    training: Training | None = None,
    gpus: int = 0,
) -> None:
    """Check each session's submission with the topic's hidden suite and report it before the next is taken.

    A check that wants no more CUDA devices than `gpus` has to pass with the simulated ones and with the machine's own.
    """
    if not topic.hidden_suite.is_file():
        raise KitError(f"{topic.hidden_suite}: there is no hidden suite for this topic")
    loop = _Loop(topic, seed, iter(sessions), report, diagnosing, training, gpus)
    arguments = [str(topic.hidden_suite), f"--rootdir={topic.root}", f"--confcutdir={topic.hidden_suite.parent}",
                 "--import-mode=importlib", "-c", os.devnull, "-p", "no:cacheprovider", "-p", "no:terminal",
                 "-p", "no:logging", "-p", "no:unraisableexception", "-p", "no:threadexception",
                 "--capture=no", "-W", "ignore"]  # fmt: skip
    with _without_other_plugins():
        code = pytest.main(arguments, plugins=[pytest_plugin, loop])
    if loop.error is not None:
        raise loop.error
    if code == pytest.ExitCode.INTERRUPTED:  # pytest has caught Ctrl-C
        raise KeyboardInterrupt
    if not loop.ran:
        raise KitError(f"{topic.hidden_suite}: the hidden suite cannot be run: {loop.complaint or repr(code)}")


@contextlib.contextmanager
def _without_other_plugins() -> Iterator[None]:
    before = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        if before is not None:
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = before


@dataclass
class _Loop:
    """A pytest plugin that replaces pytest's own loop over the collected checks."""

    topic: Topic
    seed: int
    sessions: Iterator[Session]
    report: Callable[[Graded], None]
    diagnosing: bool
    training: Training | None
    gpus: int
    ran: bool = False
    complaint: str = ""
    error: BaseException | None = None
    known: dict[tuple[str, int], list[Any]] = field(default_factory=dict)
    sound: dict[str, bool] = field(default_factory=dict)
    passed: dict[tuple[str, bool], verdict_cache.Memory] = field(default_factory=dict)
    main: set[pytest.Item] = field(default_factory=set)
    order: list[pytest.Item] = field(default_factory=list)
    wrong_modules: list[tuple[mutants.Mutant, Path]] = field(default_factory=list)
    attachments: dict[str, Any] = field(default_factory=dict)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.complaint = str(report.longrepr).strip().splitlines()[-1]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            return False
        self.ran = True
        config = session.config
        config.stash[SEED] = self.seed
        if self.training is not None:
            training = self.training
            config.stash[TRAINING] = lambda _: training
        items: dict[str, list[pytest.Item]] = {task.id: [] for task in self.topic.tasks}
        for item in session.items:
            items[item.stash[CHECK].task.id].append(item)
        self.main = {checks[0] for checks in items.values() if checks}
        self.order = [item for checks in items.values() for item in checks]
        gc.freeze()  # what is there now stays: no collection while submissions wait need look at it
        try:
            with scratch.locked_folder() as folder:
                self.write_mutants(folder)
                for submission in self.sessions:
                    self.report(self.grade(items, submission))
        except Exception as error:  # noqa: BLE001  carried out of pytest and raised again by run()
            self.error = error
        finally:
            gc.unfreeze()
        return True

    def grade(self, items: dict[str, list[pytest.Item]], session: Session) -> Graded:
        self.attachments = {}
        results = []
        for task in self.topic.tasks:
            checks = list(self.checks(task, items[task.id], session))
            results.append(summarise(task.id, task.points, task.hint, checks))
        return Graded(tuple(results), self.attachments)

    def checks(self, task: Task, items: list[pytest.Item], session: Session) -> Iterator[CheckResult]:
        """The task's results; after a failed main check the others cannot earn anything and are not run."""
        forbidden = session.forbidden(task.id)
        if forbidden is not None:
            yield CheckResult(forbidden.status, "", forbidden.message)
            return
        for item in items:
            result = self.once(item, session)
            if result.status not in (Status.PASSED, Status.MISSING):
                session.fresh()  # neither another check's crash nor leftover state may cost a point
                result = self.once(item, session, again=True)
            if result.status is Status.BROKEN and session.intact and self.passes_with_solution(item):
                result = replace(result, status=Status.FAILED, message=UNUSABLE)
            elif result.status not in (Status.PASSED, Status.MISSING, Status.BROKEN) and self.diagnosing:
                result = replace(result, diagnosis=self.diagnosis(item, result) or result.diagnosis)
            yield result
            if item is items[0] and result.status is not Status.PASSED:
                return

    def once(self, item: pytest.Item, session: Session, *, again: bool = False) -> CheckResult:
        """One run of one check, answered by the submission; a second one on the machine's own GPUs if it passes."""
        result = self.answered(item, session, again=again)
        if result.status is Status.PASSED and 0 < (item.stash[CHECK].devices or 0) <= self.gpus:
            result = self.answered(item, session, again=again, gpu=True)
            if result.status is not Status.PASSED:
                result = replace(result, message=f"On a real GPU: {result.message}")
        return result

    def answered(self, item: pytest.Item, session: Session, *, again: bool, gpu: bool = False) -> CheckResult:
        check, started = item.stash[CHECK], time.monotonic()
        session.begin(pytest_plugin.seconds_for(item))
        following = None if again or self.gpus else functools.partial(self.following, item, session)
        ask = session.asker(check.devices, gpu=gpu)
        run = verdict_cache.Run(self.memory(item, gpu=gpu), ask, following, sure=item not in self.main)
        if run.passes_as_before():
            return CheckResult(Status.PASSED, check.title, seconds=time.monotonic() - started)
        item.config.stash[ASK] = _answers(run, session)
        result = self.execute(item)
        if ATTACHED in item.stash:
            attached: dict[str, Any] = item.stash[ATTACHED]
            self.attachments.update(attached)
        elif result.status is Status.PASSED and not check.task.trains:
            run.learn()
        return result

    def memory(self, item: pytest.Item, *, gpu: bool = False) -> verdict_cache.Memory:
        return self.passed.setdefault((item.nodeid, gpu), verdict_cache.Memory())

    def following(self, item: pytest.Item, session: Session) -> Iterator[bytes]:
        """What the same process is asked once this check and those after it have passed, as far as that is sure."""
        for after in self.order[self.order.index(item) + 1 :]:
            check = after.stash[CHECK]
            requests = self.memory(after).requests
            if check.devices != item.stash[CHECK].devices or session.forbidden(check.task.id) is not None or not requests:
                return
            yield requests[0]
            if after in self.main:  # another task, which the submission may not have
                return
            yield from requests[1:]

    def execute(self, item: pytest.Item) -> CheckResult:
        """One run of one check, answered by whatever ASK opens."""
        _forget(item)
        started = time.monotonic()
        with contextlib.suppress(time_limit.OutOfPatience), time_limit.limited(SUITE_SECONDS):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
        missing = CheckResult(Status.BROKEN, "", "The check gave no result.")
        return replace(item.stash.get(RESULT, missing), seconds=time.monotonic() - started)

    def passes_with_solution(self, item: pytest.Item) -> bool:
        """Whether the check itself is sound: then it broke on what the submission returned."""
        if item.nodeid not in self.sound:
            found = self.topic.solution.is_file() and self.execute_with(item, self.topic.solution).status
            self.sound[item.nodeid] = found == Status.PASSED
        return self.sound[item.nodeid]

    def execute_with(self, item: pytest.Item, path: Path) -> CheckResult:
        """One run of one check, answered in this process by a module of the course."""
        stash, loaded = item.config.stash, dict[Path, loading.LoadedModule]()
        before = stash[ASK]
        stash[ASK] = lambda check: pytest_plugin.answers_from(path, check, loaded)
        try:
            with contextlib.chdir(path.parent):  # a mutant may write files where it stands
                return self.execute(item)
        finally:
            stash[ASK] = before

    def write_mutants(self, folder: Path) -> None:
        if not self.diagnosing:
            return
        reference = self.topic.solution.read_text(encoding="utf-8") if self.topic.solution.is_file() else ""
        for number, mutant in enumerate(mutants.load(self.topic) if reference else ()):
            path = folder / str(number) / self.topic.module
            path.parent.mkdir()
            with contextlib.suppress(KitError):  # a mutant that no longer fits its reference: `verify` names it
                path.write_text(mutants.source(mutant, reference), encoding="utf-8")
                self.wrong_modules.append((mutant, path))

    def diagnosis(self, item: pytest.Item, result: CheckResult) -> str:
        """The sentence of the mutant that answers this check exactly as the submission did, or ""."""
        check = item.stash[CHECK]
        student = item.stash.get(STUDENT, None)
        if student is None or check.task.trains or result.status not in (Status.FAILED, Status.ERROR):
            return ""  # a run of training is not repeated with each mutant
        mine = list(student.replies)
        for number, (mutant, path) in enumerate(self.wrong_modules):
            if mutant.task == check.task.id and suspects.same_replies(mine, self.replies(item, number, path)):
                return f"Your result is what comes out of code that {mutant.phrase}."
        return ""

    def replies(self, item: pytest.Item, number: int, path: Path) -> list[Any]:
        """What a mutant answers to a check: the same for every submission, so asked once."""
        key = (item.nodeid, number)
        if key not in self.known:
            outcome = self.execute_with(item, path)
            failed = outcome.status not in (Status.PASSED, Status.BROKEN) and STUDENT in item.stash
            self.known[key] = list(item.stash[STUDENT].replies) if failed else [object()]
        return self.known[key]


def _forget(item: pytest.Item) -> None:
    keys: tuple[pytest.StashKey[Any], ...] = (RESULT, STUDENT, ATTACHED)
    for key in keys:
        if key in item.stash:
            del item.stash[key]


def _answers(run: verdict_cache.Run, session: Session) -> Callable[[Check], contextlib.AbstractContextManager[Answers]]:
    def ask(frame: bytes) -> bytes:
        with time_limit.paused():  # the session has limits of its own
            return run.ask(frame)

    def ask_ranks(make_frames: Callable[[str], list[bytes]]) -> list[bytes]:
        run.memorable = False
        with time_limit.paused():
            return session.ask_ranks(make_frames)

    return lambda _: contextlib.nullcontext(Answers(ask, ask_ranks))
