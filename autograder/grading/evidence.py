"""What a result keeps for its page beside the verdict: what checks attached, the points of each check, the learner's own text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograder.course import Topic
from autograder.grading.check_run import CheckRun
from autograder.results import Status
from autograder.text import clean

MOST_SOURCE = 1 << 16  # letters of a module
_MOST_WIDE = 400  # letters of one of its lines


def attachments(topic: Topic, runs: Mapping[str, Sequence[CheckRun]], source: bytes) -> dict[str, Any]:
    """The evidence of one submission, by name: plain values, which JSON can hold."""
    attached = {name: value for of_task in runs.values() for run in of_task for name, value in run.attached.items()}
    checks = {task.id: found for task in topic.tasks if (found := _by_check(runs.get(task.id, ()), task.points))}
    return {**attached, "checks": checks, **({"source": text} if (text := _text(source)) else {})}


def _by_check(runs: Sequence[CheckRun], points: float) -> list[dict[str, Any]]:
    """A task's checks by what they say: how many passed, what they earned and what they could; see `results.summarise`.

    Checks after a main check that failed were not run, and are not there.
    """
    results = [run.result for run in runs if run.result.title]
    if not results:
        return []
    each = points / len(results)
    counts = results[0].status is Status.PASSED and all(r.status not in (Status.BROKEN, Status.FORBIDDEN) for r in results)
    found: dict[str, dict[str, Any]] = {}
    for result in results:
        entry = found.setdefault(result.title, {"title": result.title, "passed": 0, "of": 0, "points": 0.0, "most": 0.0})
        passed = result.status is Status.PASSED
        entry["of"] += 1
        entry["passed"] += passed
        entry["most"] = round(entry["most"] + each, 4)
        entry["points"] = round(entry["points"] + each * (passed and counts), 4)
    return list(found.values())


def _text(source: bytes) -> str:
    """The module's text, cut to a size that a page can show."""
    lines = source.decode("utf-8", "replace").expandtabs(4).splitlines()
    return "\n".join(clean(line, _MOST_WIDE) for line in lines)[:MOST_SOURCE]
