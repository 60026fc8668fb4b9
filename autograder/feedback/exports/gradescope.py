"""Gradescope's results.json, one for each submission.

Format: https://gradescope-autograders.readthedocs.io/en/latest/specs/ ("Output format").
"""

from __future__ import annotations

import json
from typing import Any

from autograder.feedback.exports.of_class import Exported, OfClass, lateness, without_score
from autograder.language import say
from autograder.results import Report, Status, TaskResult


def export(of: OfClass) -> Exported:
    """NAME.json for each submission that has a score; the format has no word for one without."""
    files = {f"{report.submission}.json": text(report, points).encode() for report, points in of.scored()}
    return Exported(files, without_score(of))


def text(report: Report, points: float) -> str:
    """The text of one submission's results.json, in the language that is spoken."""
    return json.dumps(document(report, points), indent=1, ensure_ascii=False) + "\n"


def document(report: Report, points: float) -> dict[str, Any]:
    """The content of one submission's results.json; `points` override the sum of the tasks, so that lateness counts."""
    return {
        "score": points,
        "execution_time": round(report.seconds, 2),
        "output": "\n".join(say(line) for line in (report.message, lateness(report)) if line),
        "output_format": "text",
        "stdout_visibility": "hidden",
        "extra_data": {"topic": report.topic, "status": str(report.status), "isolation": report.isolation},
        "tests": [_test(number, task) for number, task in enumerate(report.tasks, 1)],
    }


def _test(number: int, task: TaskResult) -> dict[str, Any]:
    passed = task.status is Status.PASSED
    hint = f"Hint: {task.hint}" if task.hint and not passed else ""
    lines = [line for line in (task.message, task.diagnosis, hint) if line]
    return {
        "name": task.id, "number": str(number), "score": task.score, "max_score": task.max_score,
        "status": "passed" if passed else "failed", "output": "\n".join(map(say, lines)), "output_format": "text",
        "visibility": "visible",
    }  # fmt: skip
