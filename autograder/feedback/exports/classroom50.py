"""Classroom 50's result.json, one for each repository.

Format: https://github.com/foundation50/classroom50/wiki/Advanced-Autograding ("The result.json contract"). What the runner knows
and the results do not (URLs, the tag) comes from its environment where there is one, and is "" elsewhere; its scores are whole
numbers, so they are hundredths of a point.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping
from typing import Any

from autograder.feedback.exports.of_class import Exported, OfClass, without_score
from autograder.results import Report, Status

SCHEMA = "classroom50/result/v1"
HUNDREDTHS = 100


def export(of: OfClass) -> Exported:
    """NAME/result.json for each submission that has a score; the format has no word for one without."""
    found = {
        f"{report.submission}/result.json": json.dumps(document(report, points, os.environ), indent=1, ensure_ascii=False) + "\n"
        for report, points in of.scored()
    }
    return Exported({path: text.encode() for path, text in found.items()}, without_score(of))


def document(report: Report, points: float, environment: Mapping[str, str]) -> dict[str, Any]:
    """The content of one result.json, whose score is the sum of its tests: what lateness costs is a test of its own."""
    tests = [_test(task.id, task.score, task.max_score, task.status is Status.PASSED) for task in report.tasks]
    score = _whole(points)
    if rest := score - sum(test["score"] for test in tests):
        tests.append({"test-name": "days late", "passed": False, "score": rest, "max-score": 0, "days": report.late_days})
    return {
        "schema": SCHEMA,
        "classroom": environment.get("CLASSROOM", ""),
        "assignment": environment.get("ASSIGNMENT", report.topic),
        "assignment_type": environment.get("ASSIGNMENT_TYPE", "individual"),
        "owner": environment.get("OWNER", report.submission),
        "submission": environment.get("SUBMISSION_TAG", ""),
        "commit": environment.get("COMMIT_URL", ""),
        "release": environment.get("RELEASE_URL", ""),
        "review": environment.get("REVIEW_URL", environment.get("COMMIT_URL", "")),
        "datetime": _utc(report.handed_in),
        "score": score,
        "max-score": sum(test["max-score"] for test in tests),
        "tests": tests,
    }


def _test(name: str, score: float, most: float, passed: bool) -> dict[str, Any]:  # noqa: FBT001  a field of the format
    return {"test-name": name, "passed": passed, "score": _whole(score), "max-score": _whole(most)}


def _whole(points: float) -> int:
    return round(points * HUNDREDTHS)


def _utc(time: str) -> str:
    """The time as the format wants it; "" where it is not known."""
    try:
        known = dt.datetime.fromisoformat(time)
    except ValueError:
        return ""
    return known.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if known.tzinfo else f"{known:%Y-%m-%dT%H:%M:%SZ}"
