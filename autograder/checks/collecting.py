"""Ties what pytest has collected to the course: each check to its topic, its task and its sentence.

A check is a function `test_TASK__what(student, rng)` in exercises/TOPIC or tests/hidden/TOPIC; its docstring is its title.
Its fixtures come from one named `fixtures`, which whoever runs the checks offers: `pytest_plugin` for a self-check,
`grading.suite` for a grading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from autograder import course, language
from autograder.checks.check import Check, Fixtures, title_of
from autograder.checks.student import Student
from autograder.course import Task, Topic
from autograder.errors import KitError

if TYPE_CHECKING:
    from autograder.images.training import Training  # with the images, which most topics do not need


@dataclass(frozen=True)
class Place:
    """Where in the course a collected check stands."""

    course: course.Course
    topic: Topic
    task: Task
    public: bool

    @property
    def called(self) -> str:
        """What `autograder hint` knows the task by."""
        return self.course.called(self.topic, self.task)

    @property
    def module(self) -> Path:
        """The module that a self-check asks: the learner's, or, for a hidden suite, the solution."""
        return self.topic.stub if self.public else self.topic.solution


CHECK = pytest.StashKey[Check]()
PLACE = pytest.StashKey[Place]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "devices(n): run this check with n simulated CUDA devices")
    config.addinivalue_line("markers", "conduct: this check rests on what only the submission's process can tell")


def tie(items: list[pytest.Item]) -> None:
    """Give each item that is a check of a course its CHECK and its PLACE; UsageError says what its author forgot."""
    courses: dict[Path, course.Course] = {}
    for item in items:
        placed = _placed(item.path)
        if placed is None or not isinstance(item, pytest.Function):
            continue
        root, name, public = placed
        try:
            if root not in courses:
                courses[root] = course.load(root)
                language.use(root=root)
            topic = courses[root].topic(name)
            task = topic.task(item.originalname.removeprefix("test_").partition("__")[0])
        except KitError as error:
            raise pytest.UsageError(str(error)) from None
        title = title_of(item.function)
        if not title:
            raise pytest.UsageError(f"{item.nodeid}: a check needs a docstring that the learner can read")
        marker = item.get_closest_marker("devices")
        devices = marker.args[0] if marker else None
        item.stash[PLACE] = Place(courses[root], topic, task, public)
        conduct = devices is not None or item.get_closest_marker("conduct") is not None
        item.stash[CHECK] = Check(topic.name, task.id, item.name, title, _caller(item), devices, task.forbid, conduct)


def _placed(path: Path) -> tuple[Path, str, bool] | None:
    """The course's root, the topic's name and whether the checks are public, if `path` is a suite of a course."""
    if path.parents[1].name == "exercises":
        root, public = path.parents[2], True
    elif path.parents[1].name == "hidden" and path.parents[2].name == "tests":
        root, public = path.parents[3], False
    else:
        return None
    return (root, path.parent.name, public) if (root / course.COURSE_FILE).is_file() else None


def _caller(item: pytest.Function) -> Callable[[Fixtures], object]:
    """Call the author's function with the fixtures that pytest has made for it, the author's own among them."""

    def call(_: Fixtures) -> object:
        names = item._fixtureinfo.argnames  # no public name: what pytest's own call of the function reads
        return item.obj(**{name: item.funcargs[name] for name in names})

    return call


@pytest.fixture
def student(fixtures: Fixtures) -> Student:
    """The submission that is being checked."""
    return fixtures.student


@pytest.fixture
def rng(fixtures: Fixtures) -> torch.Generator:
    """The check's random inputs: the same for every submission of one grading."""
    return fixtures.rng


@pytest.fixture
def training(fixtures: Fixtures) -> Training | None:
    """The images and the budget of this grading, from the topic's settings."""
    return fixtures.training


@pytest.fixture
def attach(fixtures: Fixtures) -> Callable[[str, Any], None]:
    """Keep plain data of this check (a loss curve, a confusion matrix) for the submission's page."""
    return fixtures.attach
