"""feedback.zip: the page of each student, each of which needs no other file."""

from __future__ import annotations

from autograder.feedback.exports.of_class import Exported, OfClass
from autograder.files import zipped


def export(of: OfClass) -> Exported:
    """feedback.zip, the same bytes for the same results."""
    return Exported({"feedback.zip": zipped({f"{report.submission}.html": of.page(report).encode() for report in of.reports})})
