"""The pytest plugin of a self-check: answers checks in this process, and reports in the learner's words.

The hooks stand in the order in which pytest calls them. How a check gets its task and its fixtures: see `collecting`.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_timeout
import torch

from autograder import secret
from autograder.checks import collecting, suspects
from autograder.checks.check import Check, Fixtures, prepare, run
from autograder.checks.collecting import CHECK, PLACE, Place
from autograder.checks.judge import UNUSABLE, judge
from autograder.course import Topic, warm
from autograder.errors import KitError
from autograder.images.torchvision_shim import import_module
from autograder.images.training import Training, choose
from autograder.learner.explain import learner_line
from autograder.learner.in_process import InProcess, simulated
from autograder.learner.loading import LoadedModule, load
from autograder.results import CheckResult, Status
from autograder.text import clean

# Raised by pytest inside the learner's code (a time-out, Ctrl-C): never the learner's own.
LET_THROUGH = (KeyboardInterrupt, pytest.fail.Exception, pytest.skip.Exception, pytest.exit.Exception)


class CheckFailed(Exception):
    """Tells pytest that a check did not pass, and what to show."""

    def __init__(self, result: CheckResult) -> None:
        super().__init__(result.message)
        self.result = result


GIVEN = pytest.StashKey[Fixtures]()


class SelfCheck:
    """What one self-check keeps: the modules that were imported, the images that were chosen, the results so far."""

    def __init__(self, seed: int) -> None:
        self.key = secret.of_seed(seed)
        self.results: dict[tuple[str, str], list[CheckResult]] = {}  # by topic and task
        self._loaded: dict[Path, LoadedModule] = {}
        self._training: dict[str, Training] = {}

    def training(self, topic: Topic) -> Training:
        """The images and the budget of a topic that trains, chosen once."""
        if topic.training is None:
            raise KitError(f"topic {topic.name} has no budgets in course.yaml to train with")
        if topic.name not in self._training:
            self._training[topic.name] = choose(*topic.training.chosen())
        return self._training[topic.name]

    def seconds_for(self, place: Place) -> float:
        """The time that a check may take: its task's limit, or the budget's if it trains."""
        if place.task.trains:
            return self.training(place.topic).budget.seconds
        return place.task.limits.check_seconds

    @contextlib.contextmanager
    def respondent(self, place: Place, devices: int | None) -> Iterator[InProcess]:
        """Answers from the module, imported once unless the check simulates devices."""
        path, limits = place.module, place.task.limits
        with simulated(devices):
            if devices is not None:
                loaded = load(path, LET_THROUGH)
            else:
                loaded = self._loaded.get(path) or self._loaded.setdefault(path, load(path, LET_THROUGH))
            yield InProcess(loaded, limits.reply_mb << 20, limits.check_seconds, LET_THROUGH)


SELF_CHECK = pytest.StashKey[SelfCheck]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the seed of the random inputs."""
    parser.getgroup("autograder").addoption(
        "--inputs-seed", type=int, default=0, metavar="N", help="seed of the checks' random inputs (default 0)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """A self-check begins."""
    config.pluginmanager.register(collecting, "autograder.collecting")
    config.stash[SELF_CHECK] = SelfCheck(config.getoption("--inputs-seed"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tie each check to its task and give it the task's time limit."""
    collecting.tie(items)
    checks = [item for item in items if CHECK in item.stash]
    for item in checks if config.pluginmanager.hasplugin("timeout") else ():
        item.add_marker(pytest.mark.timeout(config.stash[SELF_CHECK].seconds_for(item.stash[PLACE])))
    if checks:
        torch.set_num_threads(1)  # as in grading; the networks are small, and threads would wait for each other


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Import now what would otherwise be charged to the first check that needs it."""
    checks = [item for item in session.items if PLACE in item.stash]
    trains = any(item.stash[PLACE].task.trains for item in checks)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in warm.modules({item.path.parent for item in checks}, trains=trains):
            import_module(name)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Say once, not once a check, that a task is not done yet."""
    if PLACE in item.stash and item.stash[PLACE].public:
        check = item.stash[CHECK]
        seen = item.config.stash[SELF_CHECK].results.get((check.topic, check.task), [])
        if any(result.status is Status.MISSING for result in seen):
            pytest.skip(f"{check.task} is not done yet")


@pytest.fixture
def fixtures(request: pytest.FixtureRequest) -> Iterator[Fixtures]:
    """What this run of the check works with, answered by the module in this process."""
    item = request.node
    check, place, self_check = item.stash[CHECK], item.stash[PLACE], item.config.stash[SELF_CHECK]
    training = self_check.training(place.topic) if "training" in request.fixturenames else None
    with self_check.respondent(place, check.devices) as respondent:
        item.stash[GIVEN] = prepare(check, respondent, self_check.key, training)
        yield item.stash[GIVEN]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a check; one that asks for none of the kit's fixtures is pytest's own affair."""
    if GIVEN not in pyfuncitem.stash:
        return None
    result = run(pyfuncitem.stash[CHECK], pyfuncitem.stash[GIVEN])
    if result.status is not Status.PASSED:
        raise CheckFailed(result)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Replace a check's traceback by what it means for the learner."""
    report: pytest.TestReport = yield
    check = item.stash.get(CHECK, None)
    if check is None or report.skipped or (call.excinfo is None and call.when != "call"):
        return report
    result = _result(item, call)
    results = item.config.stash[SELF_CHECK].results.setdefault((check.topic, check.task), [])
    results.append(result)
    if result.claims and not result.diagnosis:
        shared = suspects.sentence([each.claims for each in results if each.status is Status.FAILED])
        result = replace(result, diagnosis=shared)
    if result.status is not Status.PASSED and result.status is not Status.BROKEN:
        report.longrepr = explain(check, result, item.stash[PLACE].called)
    return report


def _result(item: pytest.Item, call: pytest.CallInfo[None]) -> CheckResult:
    """What became of a check in one phase of its run: a fixture, too, may have asked the learner's code."""
    check, place = item.stash[CHECK], item.stash[PLACE]
    student = item.stash[GIVEN].student if GIVEN in item.stash else None
    error = call.excinfo.value if call.excinfo else None
    limit = item.config.stash[SELF_CHECK].seconds_for(place)
    if isinstance(error, CheckFailed):
        result = error.result
    elif isinstance(error, pytest.fail.Exception) and error.msg == pytest_timeout.PYTEST_FAILURE_MESSAGE % float(limit):
        where = learner_line(error, place.topic.exercise)
        message = f"It took longer than {limit:g} s{where}: is there a loop that never ends?"
        result = CheckResult(Status.TIMEOUT, check.title, clean(message), seconds=limit)
    else:
        result = judge(error, check.title, student, call.duration)
    if result.status is Status.BROKEN and place.public and student is not None and student.replies:
        return replace(result, status=Status.FAILED, message=UNUSABLE, detail=result.message)  # no solution to try it with
    return result


def explain(check: Check, result: CheckResult, called: str) -> str:
    """A failed check for a learner's terminal; `called` is what `autograder hint` knows its task by."""
    if result.status is Status.MISSING:
        lines = [f"{check.task}: not done yet", f"  Expected: it {check.title}.", f"  {result.message}"]
    else:
        lines = [f"{check.task}: {result.status}", f"  Expected: it {check.title}."]
        lines += [f"  {text}" for text in (result.message, result.detail, result.diagnosis) if text]
    return "\n".join([*lines, f"  Stuck? autograder hint {called}"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line a task of a self-check, with its topic where there are several."""
    found = config.stash[SELF_CHECK].results
    several = len({topic for topic, _ in found}) > 1
    for (topic, name), checks in found.items():
        task = f"{topic} · {name}" if several else name
        passed = sum(check.status is Status.PASSED for check in checks)
        state: str = "done" if passed == len(checks) else next(c.status for c in checks if c.status is not Status.PASSED)
        if state == Status.MISSING:
            state = "not done yet"
        if any(check.status is not Status.PASSED for check in checks) or config.get_verbosity() > 0:
            terminalreporter.write_line(f"{task}: {state}", green=state == "done", red=state != "done")
