"""Reports for people: the terminal's tables and scores.csv."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from autograder.course import Topic
from autograder.feedback.cells import csv_text, text_cell
from autograder.feedback.palette import COLOURS
from autograder.feedback.scoring import score
from autograder.results import Report, SubmissionStatus

_FIRST = (SubmissionStatus.UNREADABLE, SubmissionStatus.BROKEN, SubmissionStatus.SUSPICIOUS)  # somebody has to look at these


def class_table(topic: Topic, reports: Sequence[Report], *, zero_unreadable: bool = False) -> Table:
    """One row a submission, those without a score first."""
    table = Table(title=f"{topic.name}: {topic.title}", title_justify="left")
    table.add_column("submission", overflow="fold")
    table.add_column("status")
    table.add_column("score", justify="right")
    table.add_column("not yet", overflow="fold")
    for report in sorted(reports, key=lambda each: _FIRST.index(each.status) if each.status in _FIRST else len(_FIRST)):
        points = score(report, zero_unreadable=zero_unreadable)
        earned = "–" if points is None else f"{points:g}"  # noqa: RUF001  no score
        table.add_row(escape(report.submission), str(report.status), f"{earned}/{report.max_score:g}", escape(report.remark))
    return table


def submission_table(report: Report) -> Table:
    """One row a task, with what the learner should read."""
    table = Table(title=escape(f"{report.submission}: {report.score:g} of {report.max_score:g}"), title_justify="left")
    table.add_column("task")
    table.add_column("status")
    table.add_column("points", justify="right")
    table.add_column("feedback", overflow="fold")
    for task in report.tasks:
        colour = COLOURS[task.status].terminal
        feedback = " ".join(text for text in (task.message, task.diagnosis) if text)
        points = f"{task.score:g}/{task.max_score:g}"
        table.add_row(task.id, f"[{colour}]{task.status}[/]", points, escape(feedback))
    return table


def scores_csv(topic: Topic, reports: Sequence[Report], *, zero_unreadable: bool = False) -> str:
    """OUT/scores.csv: a row a submission, a column a task; where there is no score, its cells are empty.

    A file of ASCII alone begins with its first column's name; see `cells.csv_text` for any other.
    """
    ids = [task.id for task in topic.tasks]
    rows: list[list[object]] = [["submission", "topic", "score", "max_score", "status", *ids, "message"]]
    for report in reports:
        points, scores = score(report, zero_unreadable=zero_unreadable), {task.id: task.score for task in report.tasks}
        earned = ["" if points is None else each for each in (points, *(scores.get(name, 0.0) for name in ids))]
        rows.append([text_cell(report.submission), report.topic, earned[0], report.max_score, report.status, *earned[1:],
                     text_cell(report.message)])  # fmt: skip
    return csv_text(rows)
