"""The course.yaml of a student kit: what a self-check and a hint need, written anew, so that nothing else comes along."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import yaml

from autograder.course import Course, Limits, Task, Topic, TrainingSettings

# What stays with the instructor: how long the grader itself may take, which images it takes, budgets that do not count, and
# deadlines, which may be moved after the kit is out, and which a self-check has no use for.
WITHHELD = {"limits": {"grader_seconds"}, "settings": {"data"}, "topics: NAME": {"deadline", "late"}}


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they are, not in quotes."""


_Dumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)
)


def text(course: Course, topics: Iterable[Topic]) -> str:
    """The file's text, for these topics of the course."""
    found = {"title": course.title, "topics": {topic.name: _topic(topic) for topic in topics}}
    return yaml.dump(found, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)


def _topic(topic: Topic) -> dict[str, Any]:
    found: dict[str, Any] = {"title": topic.title, "limits": _limits(topic.limits)}
    if topic.training:
        found["settings"] = _settings(topic.training)
    return {**found, "tasks": {task.id: _task(task, topic) for task in topic.tasks}}


def _limits(limits: Limits) -> dict[str, float]:
    return {name: value for name, value in asdict(limits).items() if name not in WITHHELD["limits"]}


def _settings(training: TrainingSettings) -> dict[str, Any]:
    return {"budget": training.budget, "budgets": {training.budget: training.budgets[training.budget].plain()}}


def _task(task: Task, topic: Topic) -> dict[str, Any]:
    found: dict[str, Any] = {"points": task.points, "hint": list(task.hints)}
    if task.forbid:
        found["forbid"] = task.forbid
    if task.trains:
        found["trains"] = True
    if task.needs:
        found["needs"] = list(task.needs)
    if task.limits.check_seconds != topic.limits.check_seconds:
        found["check_seconds"] = task.limits.check_seconds
    return found
