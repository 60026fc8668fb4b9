"""The public checks, answered by the solution: whether it passes them, and what whoever knows them by heart would know."""

from __future__ import annotations

import ast
import contextlib
import tempfile
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder import secret
from autograder.checks import reading
from autograder.checks.check import prepare, run, title_of
from autograder.course import Task, Topic
from autograder.errors import KitError
from autograder.grading import time_limit
from autograder.grading.verify import known_answers
from autograder.grading.verify.known_answers import Entry
from autograder.learner.in_process import InProcess, simulated
from autograder.learner.loading import LoadedModule, load
from autograder.results import Status

SECONDS = 120.0  # of the processor, for one check
_LET_THROUGH = (KeyboardInterrupt, time_limit.OutOfTime)


@dataclass(frozen=True)
class PublicAnswers:
    """What came of the public checks.

    Attributes:
        known: by task, what its function was asked and answered, as far as that can be kept, each question once.
        asked: the tasks whose function was asked in this process, not in several ones that work together.
        lost: the checks that the solution does not pass, a sentence each.
    """

    known: Mapping[str, list[Entry]] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()
    lost: tuple[str, ...] = ()


def find(topic: Topic) -> PublicAnswers:
    """Run the public checks of all tasks that do not train in this process; KitError if they or the solution cannot be read."""
    if not topic.public_checks.is_file():
        raise KitError(f"{topic.public_checks}: there are no public checks")
    try:
        suite = reading.read(topic.public_checks)
    except Exception as error:  # noqa: BLE001  whatever the author's file raises
        raise KitError(f"{topic.public_checks}: cannot be read: {type(error).__name__}: {error}") from None
    _refuse_what_pytest_refuses(topic, suite)
    known: dict[str, list[Entry]] = {}
    asked: set[str] = set()
    lost = []
    for task in (task for task in topic.tasks if not task.trains):
        entries: dict[tuple[str, str], Entry] = {}
        checks = reading.checks(suite, topic.name, task.id, task.forbid)
        if not checks:
            lost.append(f"{topic.public_checks}: no public check of {task.id}")
        for check in checks:
            with simulated(check.devices), _recording(topic, task, entries, asked) as loaded:
                respondent = InProcess(loaded, task.limits.reply_mb << 20, task.limits.check_seconds, _LET_THROUGH)
                fixtures = prepare(check, respondent, secret.of_seed(0))
                with time_limit.allowed(SECONDS):
                    result = run(check, fixtures)
            if result.status is not Status.PASSED:
                lost.append(f"the solution, {check.name} of the public checks: it is {result.status}: {result.message}")
        known[task.id] = list(entries.values())
    return PublicAnswers(known, frozenset(asked), tuple(lost))


def _refuse_what_pytest_refuses(topic: Topic, suite: types.ModuleType) -> None:
    """KitError for a check that keeps a learner's pytest from running any: see `collecting.tie`."""
    tasks = {task.id for task in topic.tasks}
    for name, check in vars(suite).items():
        if not name.startswith("test_") or not callable(check):
            continue
        if name.removeprefix("test_").partition("__")[0] not in tasks:
            raise KitError(f"{topic.public_checks}: {name} is of no task of {topic.name}: a check is called test_TASK__what")
        if not title_of(check):
            raise KitError(f"{topic.public_checks}: {name} needs a docstring that the learner can read")


@contextlib.contextmanager
def _recording(topic: Topic, task: Task, entries: dict[tuple[str, str], Entry], asked: set[str]) -> Iterator[LoadedModule]:
    """The solution, whose function of that task puts what it is asked into `entries`, and that it was into `asked`.

    The block is in a folder of its own: the checks may have files written where they stand.
    """
    with tempfile.TemporaryDirectory(prefix="autograder-public-") as folder, contextlib.chdir(folder):
        yield _loaded(topic, task, entries, asked)


def _loaded(topic: Topic, task: Task, entries: dict[tuple[str, str], Entry], asked: set[str]) -> LoadedModule:
    loaded = load(topic.solution, _LET_THROUGH)
    if loaded.fault is not None:
        raise KitError(f"{topic.solution}: {loaded.fault.message}")
    function = getattr(loaded.module, task.id, None)
    if callable(function) and not isinstance(function, type):
        remembering = known_answers.remembering(function, lambda entry: entries.setdefault(entry[:2], entry))

        def noted(*args: Any, **more: Any) -> Any:
            asked.add(task.id)
            return remembering(*args, **more)

        setattr(loaded.module, task.id, noted)
    return loaded


def functions_of_something(reference: str) -> set[str]:
    """The names of the module's functions that take an input."""
    functions = [part for part in ast.parse(reference).body if isinstance(part, ast.FunctionDef)]
    return {part.name for part in functions if part.args.posonlyargs or part.args.args or part.args.kwonlyargs}
