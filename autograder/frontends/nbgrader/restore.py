"""Gives a submitted notebook the cells that its release had: what it says of them itself is not believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode, from_dict

NOTE = "autograder"  # key of a cell's metadata for what was done to it


@dataclass(frozen=True)
class Known:
    """A cell as the gradebook knows it; `points` is None where nothing is graded."""

    cell_type: str
    source: str
    locked: bool
    solution: bool
    task: bool
    points: float | None
    checksum: str | None


def node(value: dict[str, Any]) -> NotebookNode:
    """The same as a part of a notebook."""
    made: NotebookNode = from_dict(value)  # type: ignore[no-untyped-call]  # nbformat is typed in part
    return made


def restored(cells: Sequence[NotebookNode], known: Mapping[str, Known]) -> list[NotebookNode]:
    """The submitted cells, in their order, with the locked ones as they were released, each once and in its place.

    `known` is in the order of the instructor's notebook. Code cells that claim a name which is unknown, or is there
    twice, become ordinary cells.
    """
    claims = [_claim(cell, known) for cell in cells]
    found: list[NotebookNode] = []
    for place, (cell, name) in enumerate(zip(cells, claims, strict=True)):
        if not (name and known[name].locked):
            own = name if name and name not in claims[place + 1 :] else ""
            found.append(_as_known(cell, own, known[own]) if own else _ordinary(cell))
    names = list(known)
    for place, name in enumerate(names):
        if known[name].locked or (known[name].points is not None and name not in claims):
            pristine = _as_known(node({"source": known[name].source}), name, known[name])
            note = _note([cell for cell, claim in zip(cells, claims, strict=True) if claim == name], known[name])
            if note:
                pristine.metadata[NOTE] = note
            found.insert(_after(found, names[:place]), pristine)
    return found


def _claim(cell: NotebookNode, known: Mapping[str, Known]) -> str:
    """The known name that the cell says it has, or ""."""
    marks = _mapping(_mapping(cell.get("metadata")).get("nbgrader"))
    name = marks.get("grade_id")
    return name if isinstance(name, str) and name in known else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _ordinary(cell: NotebookNode) -> NotebookNode:
    kept = {key: value for key, value in _mapping(cell.get("metadata")).items() if key not in (NOTE, "nbgrader")}
    cell["metadata"] = node(kept)
    return cell


def _as_known(cell: NotebookNode, name: str, truth: Known) -> NotebookNode:
    marks = {"cell_type": truth.cell_type, "grade": truth.points is not None and not truth.task, "grade_id": name,
             "locked": truth.locked, "schema_version": 3, "solution": truth.solution, "task": truth.task}  # fmt: skip
    if truth.points is not None:
        marks["points"] = truth.points
    if truth.checksum is not None:
        marks["checksum"] = truth.checksum
    code: dict[str, Any] = {"execution_count": None, "outputs": []} if truth.cell_type == "code" else {}
    made = node({
        "cell_type": truth.cell_type, "id": name, "metadata": {"nbgrader": marks, "deletable": False},
        "source": cell.get("source", ""), **code,
    })  # fmt: skip
    if truth.locked:
        made.metadata["editable"] = False
    return made


def _note(submitted: list[NotebookNode], truth: Known) -> str:
    if not submitted:
        return "This cell was missing from the submission and was put back."
    if len(submitted) > 1:
        return "This cell was in the submission more than once: it is here once, as it was released."
    if submitted[0].get("source") != truth.source or submitted[0].get("cell_type") != truth.cell_type:
        return "This cell had been changed in the submission: it is here as it was released."
    return ""


def _after(cells: list[NotebookNode], names: list[str]) -> int:
    """The place behind the last of the `names` that is there."""
    places = {cell.metadata.get("nbgrader", {}).get("grade_id"): place for place, cell in enumerate(cells)}
    return next((places[name] + 1 for name in reversed(names) if name in places), 0)
