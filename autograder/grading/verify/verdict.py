"""What verifying one topic found."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """One task: how many mutants of it there are, how many are diagnosed, and how many cheats on it were tried and lost."""

    task: str
    points: float
    hints: int
    mutants: int
    diagnosed: int
    cheats: int
    dead: int


@dataclass(frozen=True)
class Verdict:
    """What verifying one topic found: each problem is a sentence that names its place; a remark makes nothing unsound.

    Attributes:
        rows: the tasks, in order.
        seeds: under how many the solution was graded.
        right: how many other right modules were.
        undiagnosed: the mutants that grading does not name, a sentence each.
        left_out: for each task on which cheats were not tried a sentence that says why.
    """

    topic: str
    rows: tuple[Row, ...]
    seeds: int
    right: int
    undiagnosed: tuple[str, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def to_json(verdict: Verdict) -> str:
    """One line."""
    return json.dumps({"sound": not verdict.problems, **asdict(verdict)}, ensure_ascii=False)
