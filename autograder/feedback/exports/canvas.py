"""Canvas's gradebook, as the instructor has exported it, with the topic's column filled in.

Format: https://community.canvaslms.com/t5/Instructor-Guide/How-do-I-import-grades-in-the-Gradebook/ta-p/807, with the columns
Student, ID, SIS User ID, SIS Login ID, Section, and for each assignment "NAME (ID)"; before the students a row "Points Possible".
"""

from __future__ import annotations

import re

from autograder.errors import KitError
from autograder.feedback.exports import filled
from autograder.feedback.exports.filled import Identity
from autograder.feedback.exports.of_class import Exported, OfClass, without_score
from autograder.results import Report

_ID = re.compile(r" *\(\d+\)$")


def export(of: OfClass) -> Exported:
    """canvas.csv: scores in the measure of the assignment's possible points. Without a score a cell stays as it was.

    Raises:
        KitError: there is no gradebook, or it has no column for the topic.
    """
    if not of.given:
        raise KitError("Canvas's gradebook is filled in: export it there (Grades, Export), and give it with --from")
    table = filled.sheet(of.given)
    at = filled.column(of, table.rows[0], lambda text: _ID.sub("", text))
    possible = next(
        (filled.number(row[at]) for row in table.rows[1:4] if row[0].strip() == "Points Possible" and at < len(row)), None
    )

    def write(row: list[str], report: Report, points: float) -> None:
        row.extend([""] * (at + 1 - len(row)))
        row[at] = filled.in_measure(points, report, possible)

    identities = [
        Identity(["SIS User ID"], lambda report: [report.person.id]),
        Identity(["ID"], lambda report: [report.person.id]),
        Identity(["SIS Login ID"], lambda report: [report.person.email, report.person.id, report.submission]),
        Identity(["Student"], lambda report: _names(report.person.name)),
    ]
    found = filled.fill(of, table, "canvas.csv", identities, write)
    return Exported(found.files, found.remarks + without_score(of))


def _names(name: str) -> list[str]:
    """A name as Canvas writes it: "Last, First"."""
    first, _, last = name.rpartition(" ")
    return [name, f"{last}, {first}"] if first else [name]
