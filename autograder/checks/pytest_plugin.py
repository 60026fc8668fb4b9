"""The pytest plugin of a self-check: answers checks in this process, and reports in the learner's words.

The hooks stand in the order in which pytest calls them. How a check gets its task and its fixtures: see `collecting`.
"""

from __future__ import annotations

import functools
import os
import threading
import types
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_timeout
import torch

from autograder import language
from autograder.checks import collecting, deferred, selecting, suspects, telling, unhurried
from autograder.checks.check import Fixtures, prepare, run
from autograder.checks.collecting import CHECK, PLACE
from autograder.checks.judge import judge, overdue, with_no_solution
from autograder.checks.self_check import SelfCheck
from autograder.checks.telling import Outcome, Telling, explain, fault_text, put
from autograder.course import warm
from autograder.errors import KitError
from autograder.images.torchvision_shim import import_module
from autograder.learner.explain import NOT_DONE, learner_line
from autograder.learner.stopping import Stopper
from autograder.results import CheckResult, Status


class CheckFailed(Exception):
    """Tells pytest that a check did not pass, and what to show."""

    def __init__(self, result: CheckResult) -> None:
        super().__init__(result.message)
        self.result = result


GIVEN = pytest.StashKey[Fixtures]()
STOPPER = pytest.StashKey[Stopper]()


SELF_CHECK = pytest.StashKey[SelfCheck]()
LATER = ("torch._dynamo",)  # long to import, and not needed before an optimizer's first step
# What backward(gradient) imports when it is first called.
WITH_BACKWARD = ("torch.fx.experimental", "torch.fx.experimental.symbolic_shapes", "sympy")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the seed of the random inputs."""
    parser.getgroup("autograder").addoption(
        "--inputs-seed", type=int, default=0, metavar="N", help="seed of the checks' random inputs (default 0)"
    )
    parser.getgroup("autograder").addoption(
        "--one-failure", action="store_true", help="leave out the other checks of a task once one of them has failed"
    )
    parser.getgroup("autograder").addoption(
        "--lang", default="", help=f"the language of the messages: {', '.join(language.LANGUAGES)}"
    )


def pytest_configure(config: pytest.Config) -> None:
    """A self-check begins."""
    try:
        language.use(config.getoption("--lang"))
    except KitError as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(collecting, "autograder.collecting")
    config.pluginmanager.register(Telling(), telling.NAME)
    config.stash[SELF_CHECK] = SelfCheck(config.getoption("--inputs-seed"), debug=config.getoption("usepdb", default=False))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Tie each check to its task, give it the task's time limit, and let `-k` speak of tasks."""
    collecting.tie(items)
    checks = [item for item in items if CHECK in item.stash]
    told = config.pluginmanager.get_plugin(telling.NAME)
    if isinstance(told, Telling):
        told.courses |= {os.fspath(place.course.root): place.course for place in (item.stash[PLACE] for item in checks)}
    for item in checks if config.pluginmanager.hasplugin("timeout") else ():
        item.add_marker(pytest.mark.timeout(config.stash[SELF_CHECK].seconds_for(item.stash[PLACE])))
    if checks:
        torch.set_num_threads(1)  # as in grading; the networks are small, and threads would wait for each other
    expression = config.option.keyword
    if len(checks) == len(items) and (config.option.keyword and _select(config, items)):
        config.option.keyword = ""  # pytest's own selection has nothing left to do
    try:
        return (yield)
    finally:
        config.option.keyword = expression


def _select(config: pytest.Config, items: list[pytest.Item]) -> bool:
    """Keep the checks of the tasks that `-k` names; False, and all are kept, if it speaks of something else."""
    topics = {item.stash[PLACE].topic.name: item.stash[PLACE].topic for item in items}
    tasks = selecting.chosen(config.option.keyword, {task.id for topic in topics.values() for task in topic.tasks})
    if tasks is None:
        return False
    left = [item for item in items if item.stash[CHECK].task not in tasks]
    items[:] = [item for item in items if item.stash[CHECK].task in tasks]
    if left:
        config.hook.pytest_deselected(items=left)
    return True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Iterator[None]:
    """See to it that no check is charged for what is imported for it."""
    checks = [item for item in session.items if PLACE in item.stash]
    later: list[str] = [*WITH_BACKWARD] if checks and unhurried.POSSIBLE else []
    if checks and not session.config.option.collectonly:
        trains = any(item.stash[PLACE].task.trains for item in checks)
        needed = warm.modules({item.path.parent for item in checks}, trains=trains)
        # Not while a by-hand task has PyTorch's autograd in a trap, nor in each of several processes.
        if unhurried.POSSIBLE and "torch.distributed" not in needed and not any(item.stash[CHECK].forbid for item in checks):
            later += [name for name in needed if name in LATER]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in needed:
                if name not in later:
                    import_module(name)
    with unhurried.unhurried(later), deferred.deferred(later):
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> bool | None:
    """Stop a check by a clock of our own where pytest-timeout would by a signal: its one exception may be caught."""
    if CHECK not in item.stash or settings.method != "signal" or threading.current_thread() is not threading.main_thread():
        return None
    item.stash[STOPPER] = Stopper(item.stash[PLACE].topic.exercise, paused=pytest_timeout.is_debugging)
    item.stash[STOPPER].start(settings.timeout)
    setattr(item, "cancel_timeout", item.stash[STOPPER].end)  # noqa: B010  where pytest-timeout looks, and no type checker
    return True


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Say once, not once a check, that a task is not done yet, or never ends."""
    if PLACE not in item.stash or not item.stash[PLACE].public:
        return
    check, self_check = item.stash[CHECK], item.config.stash[SELF_CHECK]
    seen = self_check.results.get((check.topic, check.task), [])
    if any(result.status is Status.MISSING for result in seen):
        pytest.skip(f"{check.task} is not done yet")
    if any(result.status is Status.TIMEOUT for result in seen) and not self_check.fault(item.stash[PLACE], check.devices):
        pytest.skip(f"another check of {check.task} has taken too long")
    if item.config.getoption("--one-failure") and any(result.status is not Status.PASSED for result in seen):
        pytest.skip(f"another check of {check.task} has failed")


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
    check, self_check = pyfuncitem.stash[CHECK], pyfuncitem.config.stash[SELF_CHECK]
    if self_check.untouched(pyfuncitem.stash[PLACE]):
        raise CheckFailed(CheckResult(Status.MISSING, check.title, NOT_DONE))
    raised = self_check.raised
    raised.clear()
    result = run(replace(check, call=functools.partial(_noting, check.call, raised)), pyfuncitem.stash[GIVEN])
    if result.status is not Status.PASSED:
        raise CheckFailed(result)
    return True


def _noting(call: Any, raised: list[BaseException], given: Fixtures) -> object:
    """Call it, and note what it raises after what the learner's code has raised."""
    try:
        return call(given)
    except Exception as error:
        raised.append(error)
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Replace a check's traceback by what it means for the learner."""
    report: pytest.TestReport = yield
    check = item.stash.get(CHECK, None)
    if check is None or report.skipped or (call.excinfo is None and call.when != "call"):
        return report
    place, self_check = item.stash[PLACE], item.config.stash[SELF_CHECK]
    result = _result(item, call)
    results = self_check.results.setdefault((check.topic, check.task), [])
    results.append(result)
    if result.claims and not result.diagnosis:
        shared = suspects.sentence([each.claims for each in results if each.status is Status.FAILED])
        result = replace(result, diagnosis=shared)
    fault = self_check.fault(place, check.devices) if result.status is not Status.PASSED else ""
    if result.status is not Status.PASSED and result.status is not Status.BROKEN:
        report.longrepr = fault_text(fault) if fault else explain(check.task, result, place.called)
        if self_check.debug and call.excinfo is not None:
            call.excinfo = _in_own_files(self_check.raised, place.topic.exercise) or call.excinfo
    if place.public:
        where = os.fspath(place.course.root), check.topic, check.task, item.name.partition("[")[0], item.reportinfo()[1] or 0
        put(report, Outcome(*where, str(result.status), result.title, result.message, result.detail, result.diagnosis, fault))
    return report


def _in_own_files(raised: list[BaseException], folder: Path) -> pytest.ExceptionInfo[BaseException] | None:
    """What a debugger should stop at: the innermost line of the learner's that raised, or else the check's own line."""
    for error in raised:
        entries, link = [], error.__traceback__
        while link is not None:
            if Path(link.tb_frame.f_code.co_filename).parent == folder:
                entries.append(link)
            link = link.tb_next
        trimmed = None
        for entry in reversed(entries):
            trimmed = types.TracebackType(trimmed, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
        if trimmed is not None:
            return pytest.ExceptionInfo.from_exception(error.with_traceback(trimmed))
    return None


def _result(item: pytest.Item, call: pytest.CallInfo[None]) -> CheckResult:
    """What became of a check in one phase of its run: a fixture, too, may have asked the learner's code."""
    check, place = item.stash[CHECK], item.stash[PLACE]
    student = item.stash[GIVEN].student if GIVEN in item.stash else None
    error = call.excinfo.value if call.excinfo else None
    stopper = item.stash.get(STOPPER, None)
    if stopper and stopper.raised is not None:
        limit = item.config.stash[SELF_CHECK].seconds_for(place)
        result = overdue(check.title, limit, learner_line(stopper.raised, place.topic.exercise))
    elif isinstance(error, CheckFailed):
        result = error.result
    else:
        result = judge(error, check.title, student, call.duration)
    return with_no_solution(result, student) if place.public else result
