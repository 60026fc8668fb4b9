"""Reports for people: the terminal's tables and scores.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from autograder.course import Topic
from autograder.feedback.cells import text_cell as _text_cell
from autograder.feedback.palette import COLOURS
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
        score = f"{report.score:g}" if report.counts(zero_unreadable=zero_unreadable) else "–"  # noqa: RUF001  no score
        points = f"{score}/{report.max_score:g}"
        table.add_row(escape(report.submission), str(report.status), points, escape(report.remark))
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

    With letters beyond ASCII it begins with a byte order mark, without which Excel takes UTF-8 for its own code page; a file
    of ASCII alone is the same in both, and begins with its first column's name.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["submission", "topic", "score", "max_score", "status", *(task.id for task in topic.tasks), "message"])
    for report in reports:
        scores: dict[str, float | str] = {task.id: task.score for task in report.tasks}
        total: float | str = report.score
        if not report.counts(zero_unreadable=zero_unreadable):
            scores, total = dict.fromkeys((task.id for task in topic.tasks), ""), ""
        row = [_text_cell(report.submission), report.topic, total, report.max_score, report.status]
        writer.writerow([*row, *(scores.get(task.id, 0.0) for task in topic.tasks), _text_cell(report.message)])
    text = buffer.getvalue()
    return text if text.isascii() else f"\ufeff{text}"
