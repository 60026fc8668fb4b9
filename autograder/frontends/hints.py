"""`autograder hint`: the next hint of a task's ladder, and where one stands.

How many hints of each task were shown is kept in a file of the course's folder that git ignores. Nothing else depends on it:
without the file each ladder begins at its first hint.
"""

from __future__ import annotations

import textwrap
from enum import Enum
from pathlib import Path

from autograder.course import Course, Task, Topic
from autograder.errors import KitError
from autograder.frontends.progress import Notes
from autograder.language import say
from autograder.text import meant, wrapped

CODE = ">>>"
WIDEST = 100


class Which(Enum):
    """Which hints to show: the next one, all, the last one shown, or the first again."""

    NEXT = "next"
    ALL = "all"
    AGAIN = "again"
    FIRST = "first"


def find(course: Course, topic_name: str, task_id: str) -> tuple[Topic, Task]:
    """The task of that name, in the topic of that name; the topic may be left out ("") where only one has such a task.

    Raises:
        KitError: there is no such task, or several topics have one; says what to ask for instead.
    """
    if topic_name:
        topic = course.topic(topic_name)
        return topic, topic.task(task_id)
    found = [(topic, task) for topic in course.topics for task in topic.tasks if task.id == task_id]
    if len(found) == 1:
        return found[0]
    if found:
        commands = " or ".join(f"`autograder hint {course.called(*each)}`" for each in found)
        raise KitError(f"{len(found)} topics have a task {task_id}: give {commands}")
    for topic in course.topics:
        if topic.name == task_id:
            raise KitError(f"{task_id} is a topic; ask for one of its tasks: {', '.join(task.id for task in topic.tasks)}")
    near = meant(task_id, dict.fromkeys(task.id for topic in course.topics for task in topic.tasks))
    if not near and (near := meant(task_id, [topic.name for topic in course.topics])):
        near += " That is a topic; a hint is of a task"
    raise KitError(f"there is no task {task_id!r}; {near or 'course.yaml and each lesson have their names'}")


class Progress:
    """How many hints of each task were shown, in a file of the course's folder."""

    def __init__(self, root: Path) -> None:
        self._notes = Notes(root, "hints.json")

    def shown(self, topic: Topic, task: Task) -> int:
        """How many of the task's hints were shown; 0 too where the file cannot be read or holds something else."""
        count = self._notes.read().get(_key(topic, task), 0)
        return min(count, len(task.hints)) if isinstance(count, int) and count > 0 else 0

    def keep(self, topic: Topic, task: Task, count: int) -> None:
        """Note that the first `count` hints were shown; OSError if the course's folder cannot be written."""
        self._notes.write({_key(topic, task): count})


def _key(topic: Topic, task: Task) -> str:
    return f"{topic.name}/{task.id}"


def ask(course: Course, topic: Topic, task: Task, which: Which, width: int) -> str:
    """The hints that were asked for, as text of at most `width` columns where it has no code, and notes how far one is."""
    progress, total = Progress(course.root), len(task.hints)
    before = progress.shown(topic, task)
    last = {Which.NEXT: min(before + 1, total), Which.ALL: total, Which.AGAIN: max(before, 1), Which.FIRST: 1}[which]
    first = 1 if which is Which.ALL else last
    command = f"autograder hint {course.called(topic, task)}"
    parts = [f"{topic.name} · {task.id}: {say(f'hint {number} of {total}')}\n\n{laid_out(say(task.hints[number - 1]), width)}\n"
             for number in range(first, last + 1)]  # fmt: skip
    if last < total:
        parts.append(say(f"The next hint: {command}"))
    elif first > 1:
        parts.append(say(f"That was the last hint. All of them: {command} --all"))
    try:
        progress.keep(topic, task, last)
    except OSError as error:
        parts.append(say(f"(Which hints you have seen could not be noted: {error.strerror}.)"))
    return "\n".join(parts)


def laid_out(hint: str, width: int) -> str:
    """The hint, indented: sentences filled to the width, an example as it is."""
    prose, code, example = hint.partition(CODE)
    text = textwrap.indent("\n".join(wrapped(" ".join(prose.split()), max(min(width, WIDEST), 20) - 2)), "  ")
    return f"{text}\n\n{textwrap.indent(code + example, '    ')}" if code else text
