"""Moodle's grades: a CSV for its grade import, or the assignment's offline grading worksheet filled in.

Formats: https://docs.moodle.org/en/Grade_import (a head, and in each row a user field and grades) and
https://docs.moodle.org/en/Offline_grading_worksheet (Identifier, Full name, Email address, Status, Grade, Maximum grade, …,
Feedback comments).
"""

from __future__ import annotations

from autograder.errors import KitError
from autograder.feedback.cells import csv_text, text_cell
from autograder.feedback.exports import filled
from autograder.feedback.exports.filled import Identity
from autograder.feedback.exports.of_class import Exported, OfClass, lateness, without_score
from autograder.language import say
from autograder.results import Report, Status

_GRADE, _MOST, _FEEDBACK = "grade", "maximum grade", "feedback comments"


def export(of: OfClass) -> Exported:
    """moodle.csv; without a score a row is left out, or as it was, for Moodle may take an empty cell for a grade taken back.

    Raises:
        KitError: the worksheet that was given has no column Grade.
    """
    if of.given:
        return _worksheet(of)
    head = ["ID number", "Username", "Email address", "Full name", of.topic.name, f"{of.topic.name} (feedback)"]
    rows = [
        [*map(text_cell, (report.person.id, report.submission, report.person.email, report.person.name)), points,
         text_cell(_comment(report))]
        for report, points in of.scored()
    ]  # fmt: skip
    return Exported({"moodle.csv": csv_text([head, *rows]).encode()}, without_score(of))


def _worksheet(of: OfClass) -> Exported:
    table = filled.sheet(of.given)
    head = [text.strip().casefold() for text in table.rows[0]]
    if _GRADE not in head:
        raise KitError(f"the worksheet has no column Grade; it has {', '.join(table.rows[0])}")
    at, most = head.index(_GRADE), head.index(_MOST) if _MOST in head else -1

    def write(row: list[str], report: Report, points: float) -> None:
        possible = filled.number(row[most].replace(",", ".")) if most >= 0 else None
        row[at] = filled.in_measure(points, report, possible)
        if _FEEDBACK in head:
            row[head.index(_FEEDBACK)] = text_cell(_comment(report))

    identities = [
        Identity(["Identifier"], lambda report: [f"Participant {report.person.id}", report.person.id]),
        Identity(["ID number"], lambda report: [report.person.id]),
        Identity(["Username"], lambda report: [report.submission]),
        Identity(["Email address"], lambda report: [report.person.email]),
        Identity(["Full name"], lambda report: [report.person.name]),
    ]
    found = filled.fill(of, table, "moodle.csv", identities, write)
    return Exported(found.files, found.remarks + without_score(of))


def _comment(report: Report) -> str:
    lines = [f"{task.id}: {task.status}. {' '.join(filter(None, (task.message, task.diagnosis)))}" for task in report.tasks
             if task.status is not Status.PASSED]  # fmt: skip
    return "\n".join(say(line) for line in (report.message, lateness(report), *lines) if line)
