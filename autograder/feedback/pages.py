"""The class's page and a page for each submission, as HTML files that need nothing else."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from autograder.feedback import html, pictures
from autograder.files import write_atomically
from autograder.results import Report, Status

CURVE_WIDTH, CURVE_HEIGHT = 640, 200


def write(out: Path, title: str, reports: Sequence[Report]) -> None:
    """Write OUT/index.html and OUT/pages/NAME.html."""
    for report in reports:
        try:
            text = _page(report, report.attachments)
        except Exception:  # noqa: BLE001  one submission's evidence must not cost the others their pages
            text = _page(report, {})
        write_atomically(out / "pages" / f"{report.submission}.html", text)
    rows = [{"report": r, "link": f"pages/{quote(r.submission)}.html", "text": r.remark} for r in reports]
    mean = sum(r.score for r in reports) / len(reports) if reports else 0.0
    index = html.render("index.html", title=title, rows=rows, mean=mean, tasks=_tasks(reports),
                        max_score=reports[0].max_score if reports else 0.0)  # fmt: skip
    write_atomically(out / "index.html", index)


def _page(report: Report, attached: Mapping[str, Any]) -> str:
    return html.render(
        "submission.html", report=report, losses=_curve(attached.get("losses", [])),
        confusion=_confusion(attached.get("confusion")), samples=attached.get("samples", []),
        accuracy=attached.get("accuracy"), draw=pictures.svg,
    )  # fmt: skip


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


def _curve(losses: Sequence[float]) -> dict[str, Any] | None:
    """What a line chart of the losses needs; a loss that is no number has no place in it."""
    losses = [loss for loss in losses if math.isfinite(loss)]
    if len(losses) < 2:
        return None
    low, high = min(losses), max(losses)
    span = (high - low) or 1.0
    points = " ".join(
        f"{i * CURVE_WIDTH / (len(losses) - 1):.1f},{CURVE_HEIGHT - (loss - low) / span * CURVE_HEIGHT:.1f}"
        for i, loss in enumerate(losses)
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
