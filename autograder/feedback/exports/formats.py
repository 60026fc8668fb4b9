"""The exports by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from autograder.feedback.exports import canvas, classroom50, feedback_zip, gradescope, junit, moodle, table
from autograder.feedback.exports.of_class import Exported, OfClass

FORMATS: Mapping[str, Callable[[OfClass], Exported]] = {
    "csv": table.export,
    "gradescope": gradescope.export,
    "classroom50": classroom50.export,
    "junit": junit.export,
    "canvas": canvas.export,
    "moodle": moodle.export,
    "feedback": feedback_zip.export,
}
