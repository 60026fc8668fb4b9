"""Trivial cheats on each task, as modules that are graded like any other. None may earn what understanding earns.

All but one must not even pass a task's main check. The exception is right once, and then answers as at the call before: in a
fresh process, with a single call, that is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from autograder.course import Task, Topic
from autograder.grading.verify import known_answers
from autograder.grading.verify.known_answers import Entry
from autograder.grading.verify.public_answers import PublicAnswers, functions_of_something
from autograder.submission.handed_in import Submission

ONCE_RIGHT = "first_again"
CHEATS = {
    "constant": "gives the first public answer to everything",
    "by_heart": "knows the answers of the public checks by heart, and gives them to all inputs of their shapes",
    "equal_to_all": "gives an object that equals everything",
    ONCE_RIGHT: "gives the answer of the call before",
}
_KNOWING = ("constant", "by_heart")  # which need an answer to know

_MODULE = """\
import known_answers
import solution_beside
from solution_beside import *

{task} = known_answers.{cheat}(solution_beside.{task}, {entries!r})
"""


@dataclass(frozen=True)
class Cheat:
    """One cheat on one task: what it does completes "code that …"."""

    task: str
    does: str
    once_right: bool
    submission: Submission


@dataclass(frozen=True)
class Cheats:
    """The cheats on a topic's tasks, and for each task that some are left out of a sentence that says why."""

    made: tuple[Cheat, ...]
    left_out: tuple[str, ...]

    def by_task(self) -> list[list[Cheat]]:
        """Those of each task together, which share what is learned of it."""
        return [list(group) for _, group in groupby(self.made, key=lambda cheat: cheat.task)]


def make(topic: Topic, reference: str, answers: PublicAnswers) -> Cheats:
    """The cheats on all tasks that are functions of something."""
    made: list[Cheat] = []
    left_out: list[str] = []
    functions = functions_of_something(reference)
    for task in topic.tasks:
        entries = answers.known.get(task.id, [])
        names = [name for name in CHEATS if entries or name not in _KNOWING]
        if task.id not in functions:
            names, why = [], "no function that takes an input"
        elif task.id not in answers.asked:
            names, why = ["equal_to_all"], "no public check calls it in one process"
        else:
            why = "no public answer of it can be kept"
        if len(names) < len(CHEATS):
            left_out.append(f"{len(CHEATS) - len(names)} of {task.id}: {why}")
        made += _of_task(topic, task, reference, entries, names)
    return Cheats(tuple(made), tuple(left_out))


def _of_task(topic: Topic, task: Task, reference: str, entries: list[Entry], names: list[str]) -> Iterator[Cheat]:
    support = Path(known_answers.__file__).read_bytes()
    for name in names:
        text = _MODULE.format(task=task.id, cheat=name, entries=entries if name in _KNOWING else [])
        files = {topic.module: text.encode(), "solution_beside.py": reference.encode(), "known_answers.py": support}
        title = f"cheat on {task.id}, {CHEATS[name]!r}"
        yield Cheat(task.id, CHEATS[name], name == ONCE_RIGHT, Submission(title, files, tasks=frozenset({task.id})))
