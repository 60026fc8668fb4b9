"""The pytest plugin: the `student` and `rng` fixtures, reports in the learner's words, and the grading loop.

A check is a function `test_TASK__what(student, rng)` in exercises/TOPIC or tests/hidden/TOPIC; its docstring is its title.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder import course
from autograder.checks.judge import UNUSABLE, judge
from autograder.checks.student import Student
from autograder.course import Task, Topic
from autograder.errors import KitError
from autograder.images.torchvision_shim import import_module
from autograder.images.training import Training, choose
from autograder.learner import ranks
from autograder.learner.calls import serve
from autograder.learner.explain import learner_line
from autograder.learner.loading import LoadedModule, load
from autograder.results import CheckResult, Status
from autograder.text import clean

# Raised by pytest inside the learner's code (a time-out, Ctrl-C): never the learner's own.
_LET_THROUGH = (KeyboardInterrupt, pytest.fail.Exception, pytest.skip.Exception, pytest.exit.Exception)


@dataclass(frozen=True)
class Answers:
    """Ways to ask a submission: one request frame for one reply, or one a rank for several processes at once."""

    ask: Callable[[bytes], bytes]
    ask_ranks: Callable[[Callable[[str], list[bytes]]], list[bytes]]


@dataclass(frozen=True)
class Check:
    """What an item of pytest's collection is to the course."""

    topic: Topic
    task: Task
    title: str
    devices: int | None
    public: bool


CHECK = pytest.StashKey[Check]()
STUDENT = pytest.StashKey[Student]()
RESULT = pytest.StashKey[CheckResult]()
ATTACHED = pytest.StashKey[dict[str, Any]]()
SEED = pytest.StashKey[int]()
ASK = pytest.StashKey[Callable[[Check], contextlib.AbstractContextManager[Answers]]]()
LOADED = pytest.StashKey[dict[Path, LoadedModule]]()
SUMMARY = pytest.StashKey[dict[str, list[CheckResult]]]()
TRAINING = pytest.StashKey[Callable[[Topic], Training]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the seed of the random inputs."""
    parser.getgroup("autograder").addoption(
        "--inputs-seed", type=int, default=0, metavar="N", help="seed of the checks' random inputs (default 0)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and the defaults of a self-check."""
    config.addinivalue_line("markers", "devices(n): run this check with n simulated CUDA devices")
    config.stash[SEED] = config.getoption("--inputs-seed")
    config.stash[ASK] = lambda check: in_process(check, config)
    config.stash[LOADED] = {}
    config.stash[SUMMARY] = {}
    chosen: dict[str, Training] = {}
    config.stash[TRAINING] = lambda topic: chosen.get(topic.name) or chosen.setdefault(topic.name, choose(topic.settings))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tie each check to its task and give it the task's time limit."""
    courses: dict[Path, course.Course] = {}
    for item in items:
        placed = _placed(item.path)
        if placed is None or not isinstance(item, pytest.Function):
            continue
        root, name, public = placed
        try:
            topic = courses.setdefault(root, course.load(root) if root not in courses else courses[root]).topic(name)
            task = topic.task(item.originalname.removeprefix("test_").partition("__")[0])
        except KitError as error:
            raise pytest.UsageError(str(error)) from None
        title = (inspect.getdoc(item.function) or "").split("\n\n")[0].replace("\n", " ").rstrip(".")
        if not title:
            raise pytest.UsageError(f"{item.nodeid}: a check needs a docstring that the learner can read")
        marker = item.get_closest_marker("devices")
        item.stash[CHECK] = Check(topic, task, title, marker.args[0] if marker else None, public)
        if item.config.pluginmanager.hasplugin("timeout"):
            item.add_marker(pytest.mark.timeout(seconds_for(item)))
    if courses:
        torch.set_num_threads(1)  # as in grading; the networks are small, and threads would wait for each other


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Import now what would otherwise be charged to the first check that needs it; a grading has a loop of its own."""
    modules = {name for item in session.items if CHECK in item.stash for name in item.stash[CHECK].topic.warm}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in sorted(modules):
            import_module(name)


def seconds_for(item: pytest.Item) -> float:
    """The time that a check may take: its task's limit, or the budget's if it trains."""
    check = item.stash[CHECK]
    if check.task.trains:
        return item.config.stash[TRAINING](check.topic).budget.seconds
    return check.task.limits.check_seconds


def _placed(path: Path) -> tuple[Path, str, bool] | None:
    """The course's root, the topic's name and whether the checks are public, if `path` is a suite of a course."""
    if path.parents[1].name == "exercises":
        root, public = path.parents[2], True
    elif path.parents[1].name == "hidden" and path.parents[2].name == "tests":
        root, public = path.parents[3], False
    else:
        return None
    return (root, path.parent.name, public) if (root / course.COURSE_FILE).is_file() else None


@contextlib.contextmanager
def in_process(check: Check, config: pytest.Config) -> Iterator[Answers]:
    """Answers from the learner's module (or, for a hidden suite, the solution) imported into this process."""
    path = check.topic.stub if check.public else check.topic.solution
    with answers_from(path, check, config.stash[LOADED]) as answers:
        yield answers


@contextlib.contextmanager
def answers_from(path: Path, check: Check, loaded: dict[Path, LoadedModule]) -> Iterator[Answers]:
    """Answers from the module at `path`, imported once unless the check simulates devices."""
    limit = int(check.topic.limits.reply_mb) << 20
    if check.devices is None:
        if path not in loaded:
            loaded[path] = load(path, _LET_THROUGH)
        yield _answers(loaded[path], limit, check)
        return
    from autograder import simulated_gpus  # noqa: PLC0415  only topics with devices need it

    with simulated_gpus.simulated(check.devices):
        yield _answers(load(path, _LET_THROUGH), limit, check)


def _answers(loaded: LoadedModule, limit: int, check: Check) -> Answers:
    ask_ranks = functools.partial(ranks.ask_here, loaded, limit, check.task.limits.check_seconds)
    return Answers(lambda frame: serve(loaded, frame, limit, _LET_THROUGH), ask_ranks)


def derived_seed(seed: int, *names: str) -> int:
    """A seed for one purpose, the same in every process."""
    digest = hashlib.sha256(":".join((str(seed), *names)).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


@pytest.fixture
def student(request: pytest.FixtureRequest) -> Iterator[Student]:
    """The submission that is being checked."""
    check = request.node.stash[CHECK]
    seed = derived_seed(request.config.stash[SEED], check.topic.name, request.node.name, "replies")
    with request.config.stash[ASK](check) as answers:
        request.node.stash[STUDENT] = Student(answers.ask, seed, check.task.forbid, answers.ask_ranks)
        yield request.node.stash[STUDENT]


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> torch.Generator:
    """The check's random inputs: the same for every submission of one grading."""
    check = request.node.stash[CHECK]
    return torch.Generator().manual_seed(derived_seed(request.config.stash[SEED], check.topic.name, request.node.name, "inputs"))


@pytest.fixture
def training(request: pytest.FixtureRequest) -> Training:
    """The images and the budget of this grading, from the topic's settings."""
    return request.config.stash[TRAINING](request.node.stash[CHECK].topic)


@pytest.fixture
def attach(request: pytest.FixtureRequest) -> Callable[[str, Any], None]:
    """Keep plain data of this check (a loss curve, a confusion matrix) for the submission's page."""
    attached: dict[str, Any] = request.node.stash.setdefault(ATTACHED, {})
    return attached.__setitem__


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Say once, not once a check, that a task is not done yet."""
    check = item.stash.get(CHECK, None)
    if check and check.public:
        seen = item.config.stash[SUMMARY].get(check.task.id, [])
        if any(result.status is Status.MISSING for result in seen):
            pytest.skip(f"{check.task.id} is not done yet")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Replace a check's traceback by what it means for the learner."""
    report: pytest.TestReport = yield
    check = item.stash.get(CHECK, None)
    if check is None or report.skipped or (call.excinfo is None and call.when != "call"):
        return report
    error = call.excinfo.value if call.excinfo else None
    student = item.stash.get(STUDENT, None)
    result = _timed_out(error, item) or judge(error, check.title, student, call.duration)
    if result.status is Status.BROKEN and check.public and student is not None and student.replies:
        result = replace(result, status=Status.FAILED, message=UNUSABLE, detail=result.message)  # no solution to try it with
    item.stash[RESULT] = result
    item.config.stash[SUMMARY].setdefault(check.task.id, []).append(result)
    if result.status is not Status.PASSED and result.status is not Status.BROKEN:
        report.longrepr = explain(check, result)
    return report


def _timed_out(error: BaseException | None, item: pytest.Item) -> CheckResult | None:
    if not isinstance(error, pytest.fail.Exception) or not str(error).startswith("Timeout"):
        return None
    check, limit = item.stash[CHECK], seconds_for(item)
    where = learner_line(error, check.topic.exercise)
    message = f"It took longer than {limit:g} s{where}: is there a loop that never ends?"
    return CheckResult(Status.TIMEOUT, check.title, clean(message), seconds=limit)


def explain(check: Check, result: CheckResult) -> str:
    """A failed check for a learner's terminal."""
    if result.status is Status.MISSING:
        lines = [f"{check.task.id}: not done yet", f"  Expected: it {check.title}.", f"  {result.message}"]
    else:
        lines = [f"{check.task.id}: {result.status}", f"  Expected: it {check.title}."]
        lines += [f"  {text}" for text in (result.message, result.detail, result.diagnosis) if text]
    return "\n".join([*lines, f"  Stuck? autograder hint {check.task.id}"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line a task of a self-check."""
    for task, checks in config.stash[SUMMARY].items():
        passed = sum(check.status is Status.PASSED for check in checks)
        state: str = "done" if passed == len(checks) else next(c.status for c in checks if c.status is not Status.PASSED)
        if state == Status.MISSING:
            state = "not done yet"
        if any(check.status is not Status.PASSED for check in checks) or config.get_verbosity() > 0:
            terminalreporter.write_line(f"{task}: {state}", green=state == "done", red=state != "done")
