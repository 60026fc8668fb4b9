"""What `autograder verify` shows of a topic: a line, a table of its tasks, and what was found."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from autograder.grading.verify import Verdict

_COLUMNS = ("points", "hints", "mutants", "diagnosed", "cheats", "dead")


def show(console: Console, verdict: Verdict, *, undiagnosed: bool) -> None:
    """Print a verdict; the mutants that grading does not name only if they are asked for."""
    state = "sound" if not verdict.problems else _several(len(verdict.problems), "problem")
    console.print(f"{verdict.topic}: {', '.join(_counted(verdict))}: {state}", soft_wrap=True)
    console.print(_table(verdict))
    for problem in verdict.problems:
        console.print(f"  {problem}", soft_wrap=True, markup=False)
    for remark in verdict.remarks:
        console.print(f"  remark: {remark}", soft_wrap=True, markup=False)
    if verdict.left_out:
        console.print(f"  cheats left out: {'; '.join(verdict.left_out)}", soft_wrap=True, markup=False)
    for line in verdict.undiagnosed if undiagnosed else ():
        console.print(f"  not diagnosed: {line}", soft_wrap=True, markup=False)


def _counted(verdict: Verdict) -> Iterator[str]:
    rows = verdict.rows
    yield _several(len(rows), "task")
    yield _several(sum(row.mutants for row in rows), "mutant")
    yield f"{sum(row.diagnosed for row in rows)} diagnosed"
    yield _several(sum(row.cheats for row in rows), "cheat")
    yield f"{sum(row.dead for row in rows)} dead"
    yield _several(verdict.seeds, "seed")
    yield _several(verdict.right, "other right solution")


def _several(count: int, what: str) -> str:
    return f"{count} {what}" + "s" * (count != 1)


def _table(verdict: Verdict) -> Table:
    table = Table("task", box=None, padding=(0, 2))
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for row in verdict.rows:
        table.add_row(row.task, *(f"{getattr(row, name):g}" for name in _COLUMNS))
    return table
