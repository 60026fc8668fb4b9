"""The class's page and a page for each submission, as HTML files that need nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from autograder.files import write_atomically
from autograder.results import Report, Status

TEMPLATES = Path(__file__).parent / "templates"
CURVE_WIDTH, CURVE_HEIGHT = 640, 200


def write(out: Path, title: str, reports: Sequence[Report]) -> None:
    """Write OUT/index.html and OUT/pages/NAME.html."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
    css = Markup((TEMPLATES / "page.css").read_text(encoding="utf-8"))  # noqa: S704  the kit's own file
    page = environment.get_template("submission.html")
    for report in reports:
        attached = report.attachments
        text = page.render(report=report, css=css, curve=_curve(attached.get("losses", [])),
                           confusion=_confusion(attached.get("confusion")), samples=attached.get("samples", []),
                           accuracy=attached.get("accuracy"))  # fmt: skip
        write_atomically(out / "pages" / f"{report.submission}.html", text)
    rows = [{"report": r, "link": f"pages/{quote(r.submission)}.html", "text": _not_yet(r)} for r in reports]
    mean = sum(r.score for r in reports) / len(reports) if reports else 0.0
    index = environment.get_template("index.html").render(
        topic=title, css=css, reports=rows, mean=mean, tasks=_tasks(reports),
        max_score=reports[0].max_score if reports else 0.0,
    )  # fmt: skip
    write_atomically(out / "index.html", index)


def _not_yet(report: Report) -> str:
    return report.message or ", ".join(task.id for task in report.tasks if task.status is not Status.PASSED)


def _tasks(reports: Sequence[Report]) -> list[dict[str, Any]]:
    """For each task: how many have it, and what the others did wrong most often."""
    found: dict[str, dict[str, Any]] = {}
    for report in reports:
        for task in report.tasks:
            row = found.setdefault(task.id, {"id": task.id, "passed": 0, "mistakes": Counter()})
            if task.status is Status.PASSED:
                row["passed"] += 1
            elif report.status == "graded":
                row["mistakes"][task.diagnosis or task.message or str(task.status)] += 1
    for row in found.values():
        row["share"] = round(100 * row["passed"] / len(reports))
        row["mistakes"] = row["mistakes"].most_common(3)
    return list(found.values())


def _curve(losses: Sequence[float]) -> Markup | None:
    """A line chart of a list of losses."""
    if len(losses) < 2:
        return None
    low, high = min(losses), max(losses)
    span = (high - low) or 1.0
    points = " ".join(
        f"{i * CURVE_WIDTH / (len(losses) - 1):.1f},{CURVE_HEIGHT - (loss - low) / span * CURVE_HEIGHT:.1f}"
        for i, loss in enumerate(losses)
    )
    return Markup(
        '<svg role="img" aria-label="training loss" viewBox="-60 -15 {} {}" width="{}"><polyline points="{}" fill="none" '
        'stroke="currentColor" stroke-width="2"/><text x="-8" y="5" text-anchor="end" font-size="13" '
        'fill="currentColor">{:.3f}</text><text x="-8" y="{}" text-anchor="end" font-size="13" '
        'fill="currentColor">{:.3f}</text></svg>'
    ).format(CURVE_WIDTH + 75, CURVE_HEIGHT + 30, CURVE_WIDTH, points, high, CURVE_HEIGHT, low)


def _confusion(found: Any) -> dict[str, Any] | None:
    """Rows for the table: {"classes": names, "counts": counts[true][predicted]}."""
    if not found:
        return None
    rows = []
    for name, counts in zip(found["classes"], found["counts"], strict=True):
        total = sum(counts) or 1
        rows.append({"name": name, "cells": [{"count": n, "share": round(80 * n / total)} for n in counts]})
    return {"classes": found["classes"], "rows": rows}
