"""Runs the cells of a submitted notebook in order, as Jupyter does: a cell that fails leaves the others their turn."""

from __future__ import annotations
import __future__

import contextlib
import linecache
import signal
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from autograder.results import Fault
    from autograder.submission.notebook import Cell

SHARE = 0.8  # of the time that is left, for one cell: even after one that never ends, the others get their turn


def run(
    cells: list[Cell],
    module: types.ModuleType,
    folder: Path,
    explain: Callable[[BaseException, Path, str, str], Fault],
    let_through: tuple[type[BaseException], ...] = (),
    seconds: float = 0.0,
) -> dict[str, str]:
    """Run the cells in `module`, which fills it; `seconds`, if not 0, is the limit for all of them.

    Returns:
        the source of each cell that failed → `explain`'s message for what it raised
    """
    module.__dict__["display"] = lambda *_, **__: None  # what IPython gives every notebook
    failed: dict[str, str] = {}
    future, end = 0, time.monotonic() + seconds
    for cell in cells:
        name = f"cell {cell.number}"
        file = str(folder / name)  # a traceback, and `learner_line`, then speak of the cell
        linecache.cache[file] = (len(cell.source), None, cell.source.splitlines(keepends=True), file)
        try:
            with _stopped_after((end - time.monotonic()) * SHARE if seconds else 0.0):
                code = compile(cell.source, file, "exec", future, dont_inherit=True)
                future |= code.co_flags & __future__.annotations.compiler_flag
                exec(code, module.__dict__)  # noqa: S102  this is the import
        except let_through:
            raise
        except BaseException as error:  # noqa: BLE001  whatever a cell raises, sys.exit() included
            text = explain(error, folder, name, "run").message
            failed[cell.source] = text[:1].upper() + text[1:]
    return failed


@contextlib.contextmanager
def _stopped_after(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block after so many seconds; 0 stands for no limit."""

    def stop(*_: object) -> NoReturn:
        raise TimeoutError(f"it took longer than {seconds:.1f} s, is there a loop that never ends?")

    if not seconds:
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.01))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
