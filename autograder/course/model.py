"""A course as frozen data: Course, Topic, Task, and the limits of a submission."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.course import warm
from autograder.errors import KitError
from autograder.text import meant

KIT_FILE = "kit.json"  # which `autograder release` writes
ORIGINALS = "originals"  # a kit's folder with the student's files as they were handed out, each by its path in the kit


@dataclass(frozen=True)
class Limits:
    """What a submission may use. Seconds are wall-clock, the grader's of its processor; megabytes are 2**20 bytes."""

    import_seconds: float = 10.0
    check_seconds: float = 10.0
    total_seconds: float = 120.0
    grader_seconds: float = 30.0
    memory_mb: int = 2048
    reply_mb: int = 64
    scratch_mb: int = 64


@dataclass(frozen=True)
class Minimum:
    """The accuracy to reach, a fraction of the test images, by what the images are."""

    photographs: float
    embedded: float


@dataclass(frozen=True)
class Budget:
    """One run of training, on images or of `episodes`; `seconds` is the longest that the check may take.

    Of episodes, `minimum` is a score.
    """

    minimum: Minimum | float
    seconds: float
    images: int | None = None
    test_images: int | None = None
    batch: int | None = None
    epochs: int | None = None
    lr: float | None = None
    momentum: float | None = None
    episodes: int | None = None

    def plain(self) -> dict[str, Any]:
        """What course.yaml says of it."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Late:
    """What lateness costs: `per_day` is a fraction of what the topic is worth, for each day that has begun.

    `most_days` is the number of days after which nothing counts, or 0 for none.
    """

    per_day: float = 0.0
    most_days: int = 0
    grace_minutes: float = 0.0


@dataclass(frozen=True)
class TrainingSettings:
    """The images that a topic trains on, if it does, and its budgets; `budget` names the one that counts."""

    data: str
    budget: str
    budgets: Mapping[str, Budget]

    @property
    def on_images(self) -> bool:
        """Whether a budget asks for images."""
        return any(budget.images for budget in self.budgets.values())

    def chosen(self, data: str = "", budget: str = "") -> tuple[str, dict[str, Any]]:
        """The images and the budget as plain values, for `images.training.choose`; `data` and `budget` replace what is set.

        Raises:
            KitError: there is no budget of that name.
        """
        name = budget or self.budget
        if name not in self.budgets:
            raise KitError(f"there is no budget {name!r}; course.yaml has {', '.join(self.budgets)}")
        return data or self.data, self.budgets[name].plain()


@dataclass(frozen=True)
class Task:
    """One thing to complete.

    `hints` go from the gentlest to the plainest. `forbid` names a technique that the task rules out ("autograd" or "").
    `trains` says that its checks train by the topic's budget, which then sets their time. `needs` are tasks
    before it without whose main checks it earns nothing.
    """

    id: str
    points: float
    hints: tuple[str, ...]
    forbid: str
    trains: bool
    needs: tuple[str, ...]
    limits: Limits

    @property
    def hint(self) -> str:
        """The first of the hints, on one line."""
        return " ".join(self.hints[0].split())


@dataclass(frozen=True)
class Topic:
    """A folder of exercises; its other files are found by the same folder name. `training` is there if a task trains.

    `deadline` is a time in ISO 8601, or ""; without an offset it is in the `timezone`, whose "" is that of this machine.
    """

    name: str
    title: str
    tasks: tuple[Task, ...]
    limits: Limits
    training: TrainingSettings | None
    root: Path
    deadline: str = ""
    timezone: str = ""
    late: Late = Late()

    @property
    def exercise(self) -> Path:
        """The folder with the lesson, the stub and the public checks."""
        return self.root / "exercises" / self.name

    @property
    def module(self) -> str:
        """File name of the module a student completes, after which the public checks are named."""
        found = [path.name.removeprefix("test_") for path in sorted(self.exercise.glob("test_*.py"))]
        if len(found) != 1:
            raise KitError(f"{self.exercise}: expected the public checks in exactly one test_MODULE.py, found {found or 'none'}")
        return found[0]

    @property
    def stub(self) -> Path:
        """The module as students receive it."""
        return self.exercise / self.module

    @property
    def public_checks(self) -> Path:
        """The checks that students run."""
        return self.exercise / f"test_{self.module}"

    @property
    def solution(self) -> Path:
        """The reference solution."""
        return self.root / "solutions" / self.name / self.module

    @property
    def mutants(self) -> Path:
        """The named misconceptions."""
        return self.root / "solutions" / self.name / "mutants.py"

    @property
    def hidden_suite(self) -> Path:
        """The checks that decide a grade."""
        return self._hidden / f"test_{self.module}"

    @property
    def _hidden(self) -> Path:
        return self.root / "tests" / "hidden" / self.name

    @property
    def warm(self) -> list[str]:
        """The modules to import before a submission's own time counts: see `warm.modules`."""
        return warm.modules((self.exercise, self._hidden), trains=self.training is not None and self.training.on_images)

    @property
    def max_score(self) -> float:
        """Sum of the tasks' points."""
        return math.fsum(task.points for task in self.tasks)

    def task(self, task_id: str) -> Task:
        """The task of that id."""
        for task in self.tasks:
            if task.id == task_id:
                return task
        raise KitError(_unknown(f"topic {self.name} has no task", task_id, "its tasks", [t.id for t in self.tasks]))


@dataclass(frozen=True)
class Course:
    """The whole of course.yaml."""

    root: Path
    title: str
    topics: tuple[Topic, ...]

    @property
    def is_student_kit(self) -> bool:
        """Whether this is what students get, without solutions and hidden suites."""
        return (self.root / KIT_FILE).is_file()

    def topic(self, name: str) -> Topic:
        """The topic of that name."""
        for topic in self.topics:
            if topic.name == name:
                return topic
        raise KitError(_unknown("there is no topic", name, "the course has", [t.name for t in self.topics]))

    def called(self, topic: Topic, task: Task) -> str:
        """The task's id, after its topic's name if another topic has a task of that id."""
        several = sum(each.id == task.id for other in self.topics for each in other.tasks) > 1
        return f"{topic.name} {task.id}" if several else task.id


def _unknown(what: str, name: str, all_of_them: str, known: list[str]) -> str:
    """A refusal of a name, with what may have been meant, or else all that there is."""
    return f"{what} {name!r}; {meant(name, known) or f'{all_of_them}: ' + ', '.join(known)}"
