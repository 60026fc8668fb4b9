"""Collects a hidden suite with pytest, once for a grading, and hands its checks to whoever runs them.

Hidden suites are pytest's: parametrize and an author's own fixtures work, and `pytest tests/hidden` runs them against the
solutions. Here pytest collects; in the place of its loop over the tests comes a function that runs the checks as often as
there are submissions.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autograder.checks import collecting, deferred
from autograder.checks.check import Check, Fixtures
from autograder.checks.collecting import CHECK
from autograder.course import Topic
from autograder.errors import KitError
from autograder.grading import time_limit

GIVEN = pytest.StashKey[Fixtures]()
RAISED = pytest.StashKey[BaseException | None]()  # by the last run of a check; not there if pytest did not come to call it


def with_checks(topic: Topic, work: Callable[[Sequence[Check]], None]) -> None:
    """Call `work` with the checks of the topic's hidden suite, by task in the course's order, while pytest is set up.

    Raises:
        KitError: there is no suite, or it cannot be collected.
    """
    if not topic.hidden_suite.is_file():
        raise KitError(f"{topic.hidden_suite}: there is no hidden suite for this topic")
    torch.set_num_threads(1)
    collector = _Collector(topic, work, Path.cwd())
    # Below the root, for pytest takes a `[` in a path for the start of a check's parameters.
    arguments = [str(topic.hidden_suite.relative_to(topic.root)), f"--rootdir={topic.root}",
                 f"--confcutdir={topic.hidden_suite.parent}", "--import-mode=importlib", "-c", os.devnull,
                 "-p", "no:cacheprovider", "-p", "no:terminal",
                 "-p", "no:logging", "-p", "no:unraisableexception", "-p", "no:threadexception",
                 "--capture=no", "-W", "ignore"]  # fmt: skip
    folder = ".".join(topic.hidden_suite.parent.relative_to(topic.root).parts)
    with _without_other_plugins(), contextlib.chdir(topic.root), deferred.deferred(deferred.NAMES), _forgotten(folder):
        code = pytest.main(arguments, plugins=[collecting, collector])
    if collector.error is not None:
        raise collector.error
    if code == pytest.ExitCode.INTERRUPTED:  # pytest has caught Ctrl-C
        raise KeyboardInterrupt
    if not collector.ran:
        raise KitError(f"{topic.hidden_suite}: the hidden suite cannot be run: {collector.complaint or repr(code)}")


@contextlib.contextmanager
def _forgotten(folder: str) -> Iterator[None]:
    """Forget at the end what pytest imported from that folder of the course, or it would take it for another course's suite."""
    try:
        yield
    finally:
        for name in [name for name in sys.modules if f"{name}.".startswith(f"{folder}.")]:
            del sys.modules[name]


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


class _Collector:
    """A pytest plugin that calls `work` where pytest would loop over the tests; its hooks stand in pytest's order."""

    def __init__(self, topic: Topic, work: Callable[[Sequence[Check]], None], cwd: Path) -> None:
        self._topic, self._work, self._cwd = topic, work, cwd
        self.ran = False
        self.complaint = ""
        self.error: Exception | None = None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            told = str(report.longrepr).strip()
            last = told.splitlines()[-1].removeprefix("E  ").strip()
            lines = re.findall(rf'/{re.escape(self._topic.hidden_suite.name)}(?:", line |:)(\d+)', told)
            where = f" (line {lines[-1]})" if lines else ""
            self.complaint = last.removeprefix(f"{KitError.__module__}.{KitError.__name__}: ") + where

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        try:
            collecting.tie(items)
        except pytest.UsageError as error:  # which pytest would print, in a line of its own
            self.complaint = str(error)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed or self.complaint:
            return False
        self.ran = True
        order = {task.id: number for number, task in enumerate(self._topic.tasks)}
        checks = [replace(item.stash[CHECK], call=functools.partial(_call, item)) for item in session.items]
        try:
            with contextlib.chdir(self._cwd):
                self._work(sorted(checks, key=lambda check: order[check.task]))
        except Exception as error:  # noqa: BLE001  whatever an installation can raise is the finding
            self.error = error
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self) -> Generator[None, object, object]:
        with time_limit.interruptible():  # here, and not while pytest sets up or tears down, which nothing may cut short
            return (yield)

    @pytest.fixture
    def fixtures(self, request: pytest.FixtureRequest) -> Fixtures:
        """What this run of the check works with."""
        given: Fixtures = request.node.stash[GIVEN]
        return given

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        """Keep what was raised; pytest's own report would show every argument, a submission's values among them."""
        assert call.when != "collect"  # noqa: S101  for the type checker
        raised = call.excinfo.value if call.excinfo else None
        if raised is not None or call.when == "call":
            item.stash[RAISED] = item.stash.get(RAISED, None) or raised
        return pytest.TestReport(item.nodeid, item.location, {}, "passed" if raised is None else "failed", None, call.when)


def _call(item: pytest.Item, fixtures: Fixtures) -> None:
    """Have pytest run a test once, with its own fixtures and these; whatever it raised is raised."""
    item.stash[GIVEN] = fixtures
    if RAISED in item.stash:
        del item.stash[RAISED]
    item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
    raised = item.stash.get(RAISED, RuntimeError("the check was not called"))
    if isinstance(raised, Exception):
        raise raised
    if raised is not None:
        raise RuntimeError(f"the check ended with {type(raised).__name__}")  # a skip, say, which is no verdict
