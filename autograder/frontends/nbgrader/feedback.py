"""What a test cell shows once it is graded: the feedback, and the points as the one result that nbgrader records."""

from __future__ import annotations

import math

from nbformat import NotebookNode

from autograder.errors import KitError
from autograder.feedback import html, pictures
from autograder.frontends.nbgrader.restore import node
from autograder.language import say
from autograder.results import Report, Status, TaskResult


def outputs(report: Report, task: TaskResult, points: float, note: str, number: int) -> list[NotebookNode]:
    """The outputs of the task's test cell, In[number], worth `points` in the gradebook; KitError if there is no score."""
    score = score_in(report, task, points)
    headline = f"{task.id}: {task.status}, {score:g}/{points:g} points"
    lines = [line for line in (note, *_lines(report, task)) if line]
    page = html.render("task.html", headline=headline, lines=lines, status=task.status, drawn=pictures.svg(task.picture))
    drawn = pictures.lines(task.picture) if task.picture else []
    shown = {"text/plain": "\n".join([*map(say, [headline, *lines]), *drawn]), "text/html": page}
    result = {"text/plain": repr(score)}
    return [
        node({"output_type": "display_data", "data": shown, "metadata": {}}),
        node({"output_type": "execute_result", "data": result, "metadata": {}, "execution_count": number}),
    ]


def score_in(report: Report, task: TaskResult, points: float) -> float:
    """The task's score where it is worth `points`; KitError if it is no number from 0 to `points`."""
    score = float(task.score if points == task.max_score else round(points * task.score / task.max_score, 2))
    if not (math.isfinite(score) and 0 <= score <= points):
        raise KitError(f"{report.submission}: {task.id} has the impossible score {score}")
    return score


def comment_on(report: Report, task: TaskResult) -> str:
    """The same feedback on one line, or "" for a task that passed."""
    return "" if task.status is Status.PASSED else " ".join([f"{task.id}: {task.status}.", *_lines(report, task)])


def _lines(report: Report, task: TaskResult) -> list[str]:
    hint = f"Hint: {task.hint}" if task.hint and task.status is not Status.PASSED else ""
    return [line for line in (report.message, task.message, task.diagnosis, hint) if line]
