"""What one self-check keeps from check to check: the learner's modules, the images, the results so far."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from autograder import secret
from autograder.checks import misplaced
from autograder.checks.collecting import Place
from autograder.course import Topic
from autograder.errors import KitError
from autograder.feedback import uses
from autograder.learner.explain import learner_line
from autograder.learner.in_process import InProcess, simulated
from autograder.learner.loading import LoadedModule, load
from autograder.learner.stopping import OutOfTimeError
from autograder.results import CheckResult, Fault, Status
from autograder.text import clean

if TYPE_CHECKING:
    from autograder.images.training import Training

# Raised inside the learner's code by who runs it: never the learner's own.
LET_THROUGH = (KeyboardInterrupt, OutOfTimeError, pytest.fail.Exception, pytest.skip.Exception, pytest.exit.Exception)


class SelfCheck:
    """What one self-check keeps: the modules that were imported, the images that were chosen, the results so far.

    `raised` is what the learner's code raised in the check at work, if a debugger wants it.
    """

    def __init__(self, seed: int, *, debug: bool) -> None:
        self.key = secret.of_seed(seed)
        self.results: dict[tuple[str, str], list[CheckResult]] = {}  # by topic and task
        self.debug = debug
        self.raised: list[BaseException] = []
        self._loaded: dict[tuple[Path, int | None], LoadedModule] = {}
        self._untouched: dict[Path, frozenset[str]] = {}
        self._endless: dict[Path, LoadedModule] = {}
        self._training: dict[str, Training] = {}

    def training(self, topic: Topic) -> Training:
        """The images and the budget of a topic that trains, chosen once."""
        if topic.training is None:
            raise KitError(f"topic {topic.name} has no budgets in course.yaml to train with")
        if topic.name not in self._training:
            from autograder.images.training import choose  # noqa: PLC0415  with the images, which most topics do not need

            self._training[topic.name] = choose(*topic.training.chosen())
        return self._training[topic.name]

    def seconds_for(self, place: Place) -> float:
        """The time that a check may take: its task's limit, or the budget's if it trains."""
        if place.task.trains and place.topic.training:
            return float(place.topic.training.chosen()[1]["seconds"])  # without the images
        return place.task.limits.check_seconds

    def fault(self, place: Place, devices: int | None) -> str:
        """Why the module cannot be checked, or ""."""
        loaded = self._loaded.get((place.module, devices))
        return loaded.fault.message if loaded and loaded.fault else ""

    def untouched(self, place: Place) -> bool:
        """Whether the module can be imported, and what it has of the task is still the stub: then there is nothing to run."""
        path = place.module
        if not place.public or self.fault(place, None) or path in self._endless:
            return False
        if path not in self._untouched:
            self._untouched[path] = uses.untouched(path.read_bytes())
        return place.task.id in self._untouched[path]

    @contextlib.contextmanager
    def respondent(self, place: Place, devices: int | None) -> Iterator[InProcess]:
        """Answers from the module, imported once unless the check simulates devices."""
        limits = place.task.limits
        with simulated(devices):
            loaded = self._module(place, devices)
            yield InProcess(loaded, limits.reply_mb << 20, limits.check_seconds, LET_THROUGH, self._note)

    def _note(self, error: BaseException) -> None:
        if self.debug:
            self.raised.append(error)

    def _module(self, place: Place, devices: int | None) -> LoadedModule:
        """The module, or why it cannot be checked, which is found out once."""
        key = place.module, devices
        if key in self._loaded:
            return self._loaded[key]
        loaded = self._endless.get(place.module) or self._load(place)
        if devices is None or loaded.fault is not None:
            self._loaded[key] = loaded
        return loaded

    def _load(self, place: Place) -> LoadedModule:
        path = place.module
        if place.public and (reason := misplaced.reason(place.course, place.topic)):
            return LoadedModule(None, Fault(Status.ERROR, reason), path.parent)
        try:
            return load(path, LET_THROUGH)
        except OutOfTimeError as error:
            limit = self.seconds_for(place)
            where = learner_line(error, path.parent)
            message = f"It took longer than {limit:g} s to import {path.name}{where}: is there a loop that never ends?"
            self._endless[path] = LoadedModule(None, Fault(Status.TIMEOUT, clean(message)), path.parent)
            return self._endless[path]
