"""One CSV for everything: a row a submission, with who it is of, when it came, its score and that of each task."""

from __future__ import annotations

from autograder.feedback.cells import csv_text, text_cell
from autograder.feedback.exports.of_class import Exported, OfClass
from autograder.results import Report


def export(of: OfClass) -> Exported:
    """TOPIC.csv; without a score the cells of score and tasks are empty."""
    tasks = [task.id for task in of.topic.tasks]
    head = ["submission", "name", "id", "email", "section", "topic", "score", "max_score", "status", "handed_in", "late_days",
            "penalty", *map(text_cell, tasks), "message"]  # fmt: skip
    return Exported({f"{of.topic.name}.csv": csv_text([head, *(_row(of, report, tasks) for report in of.reports)]).encode()})


def _row(of: OfClass, report: Report, tasks: list[str]) -> list[object]:
    points = of.score(report)
    scores = {task.id: task.score for task in report.tasks} if points is not None else {}
    who = [report.submission, report.person.name, report.person.id, report.person.email, report.person.section]
    total = "" if points is None else points
    when = [text_cell(report.handed_in), report.late_days, report.penalty]
    earned = [scores.get(task, 0.0) if points is not None else "" for task in tasks]
    return [
        *map(text_cell, who),
        report.topic,
        total,
        report.max_score,
        str(report.status),
        *when,
        *earned,
        text_cell(report.message),
    ]
