"""What is remembered of a learner's progress, in small files of a folder that git ignores. Nothing else depends on them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from autograder.course import Course, Topic
from autograder.files import write_atomically

FOLDER = ".autograder"


def folder(root: Path) -> Path:
    """The folder for a learner's own files in the course at `root`, made if it is not there; OSError if it cannot be."""
    found = root / FOLDER
    if not (found / ".gitignore").exists():
        write_atomically(found / ".gitignore", "*\n")
    return found


class Notes:
    """A JSON object in a file of the course's folder; an empty one where there is no such file, or it holds something else."""

    def __init__(self, root: Path, name: str) -> None:
        self._file = root / FOLDER / name

    def read(self) -> dict[str, object]:
        """All that is noted."""
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, changed: Mapping[str, object]) -> None:
        """Note this beside what is there.

        Raises:
            OSError: the course's folder cannot be written.
        """
        folder(self._file.parents[1])
        write_atomically(self._file, json.dumps({**self.read(), **changed}, indent=1) + "\n")


class Done:
    """The tasks whose public checks have passed, by topic: as far as they could be noted, and of this process."""

    def __init__(self, root: Path) -> None:
        self._notes = Notes(root, "progress.json")
        self._known = self._notes.read()

    def tasks(self, topic: Topic) -> frozenset[str]:
        """Which of the topic's tasks were done when they were checked last."""
        noted = self._known.get(topic.name, [])
        return frozenset(task.id for task in topic.tasks if isinstance(noted, list) and task.id in noted)

    def keep(self, topic: Topic, tasks: frozenset[str]) -> None:
        """Note that these tasks, and no others of the topic, are done; OSError if the folder cannot be written."""
        if tasks != self.tasks(topic):
            self._known[topic.name] = [task.id for task in topic.tasks if task.id in tasks]
            self._notes.write({topic.name: self._known[topic.name]})

    def first_open(self, course: Course, after: Topic | None = None) -> Topic | None:
        """The first topic with public checks and an open task: of those behind `after`, then of those before it."""
        topics = [topic for topic in course.topics if any(topic.exercise.glob("test_*.py"))]
        behind = course.topics[course.topics.index(after) + 1 :] if after in course.topics else course.topics
        in_turn = sorted((topic for topic in topics if topic != after), key=lambda topic: topic not in behind)
        return next((topic for topic in in_turn if len(self.tasks(topic)) < len(topic.tasks)), None)
