"""The class's page and two pages for each submission, as HTML files that need nothing else."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import markupsafe

from autograder.course import Topic
from autograder.feedback import balancing, drawn, drift, html, own_lines, pictures, tape, written
from autograder.feedback.class_view import Around, view
from autograder.feedback.lesson import Lesson, lesson
from autograder.feedback.scoring import score
from autograder.files import write_atomically
from autograder.results import Report, Status, TaskResult

CURVE_WIDTH, CURVE_HEIGHT = 640, 200
FOLDERS = ("pages", "students")  # for the instructor, and to hand back


@dataclass(frozen=True)
class Evidence:
    """A check of a task as the instructor's page shows it: how many of its runs passed, and what they earned."""

    title: str
    passed: int
    of: int
    points: float
    most: float


def write(out: Path, title: str, reports: Sequence[Report], around: Around | None = None, topic: Topic | None = None) -> None:
    """Write OUT/index.html, and of each submission OUT/pages/NAME.html for the instructor, OUT/students/NAME.html to hand back.

    `around` is what the class's page knows beside the reports; the topic's lesson is quoted where there is one.
    """
    around, taught = around or Around(), lesson(topic) if topic else Lesson()
    for report in reports:
        for folder in FOLDERS:
            write_atomically(out / folder / f"{report.submission}.html", page(report, taught, around, backed=folder == "pages"))
    write_index(out, title, reports, around)


def write_index(out: Path, title: str, reports: Sequence[Report], around: Around) -> None:
    """Write OUT/index.html, which needs no other file but the submissions' pages for its links."""
    script = (html.TEMPLATES / "class.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text = html.render("index.html", title=title, view=view(reports, around), script_digest=digest,
                       script=markupsafe.Markup(script))  # fmt: skip  # noqa: S704  the kit's own script
    write_atomically(out / "index.html", text)


def page(report: Report, taught: Lesson, around: Around, *, backed: bool) -> str:
    """A submission's page; `backed` for the instructor, with what only they should see and a link back to the class."""
    try:
        return _page(report, taught, around, report.attachments, backed=backed)
    except Exception:  # noqa: BLE001  one submission's evidence must not cost the others their pages
        return _page(report, taught, around, {}, backed=backed)


def _page(report: Report, taught: Lesson, around: Around, attached: Mapping[str, Any], *, backed: bool) -> str:
    places = {task.id: _section(task, taught) for task in report.tasks}
    sections = {at: taught.sections[at] for at in sorted({at for at in places.values() if at is not None})}
    source = attached.get("source", "") if backed else ""
    tasks = [
        (
            task,
            own_lines.lines_of(source, task.id, task.message) if source and task.status is not Status.PASSED else None,
            [Evidence(**check) for check in attached.get("checks", {}).get(task.id, ())] if backed else [],
            places[task.id],
        )
        for task in report.tasks
    ]
    return html.render(
        "submission.html", report=report, tasks=tasks, sections=sections, backed=backed, halves=_halves, draw=pictures.svg,
        unscored=score(report, zero_unreadable=around.zero_unreadable) is None,
        samples=attached.get("samples", []),
        accuracy=attached.get("accuracy"),
        **{name: draw(attached.get(name, ())) for name, draw in _PICTURES.items()},
    )  # fmt: skip


def _section(task: TaskResult, taught: Lesson) -> int | None:
    """The place of the lesson's section on a task that is not passed."""
    return None if task.status is Status.PASSED or taught.of_task is None else taught.of_task.get(task.id)


def _halves(message: str) -> list[str]:
    """What was expected and what came, each a paragraph of its own; a message of another kind is one."""
    if not message.startswith("Expected: "):
        return [message] if message else []
    expected, _, came = message.partition(". ")
    return [f"{expected}.", came] if came else [message]


def _curve(values: Sequence[float]) -> dict[str, Any] | None:
    """What a line chart of losses, learning rates or accuracies needs; what is no number has no place in it."""
    values = [value for value in values if math.isfinite(value)]
    if len(values) < 2:
        return None
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    points = " ".join(
        f"{i * CURVE_WIDTH / (len(values) - 1):.1f},{CURVE_HEIGHT - (value - low) / span * CURVE_HEIGHT:.1f}"
        for i, value in enumerate(values)
    )
    return {"points": points, "width": CURVE_WIDTH, "height": CURVE_HEIGHT, "low": low, "high": high}


def _confusion(found: Any) -> dict[str, Any] | None:
    """Rows for the table: {"classes": names, "counts": counts[true][predicted]}."""
    if not found:
        return None
    rows = []
    for name, counts in zip(found["classes"], found["counts"], strict=True):
        total = sum(counts) or 1
        rows.append({"name": name, "cells": [{"count": n, "share": round(80 * n / total)} for n in counts]})
    return {"classes": found["classes"], "rows": rows}


_PICTURES: dict[str, Callable[[Any], Any]] = {  # what a check attaches under that name, as the page's template wants it
    "losses": _curve, "rates": _curve, "top1": _curve, "confusion": _confusion, "tape": tape.svg, "drift": drift.svg,
    "balance": balancing.svg, "drawn": drawn.view, "written": written.view,
}  # fmt: skip
