"""Imports a learner's module afresh, or runs the cells of a notebook in order, as Jupyter does.

A cell that fails leaves the others their turn.
"""

from __future__ import annotations
import __future__

import contextlib
import linecache
import signal
import sys
import time
import types
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from autograder.images.torchvision_shim import import_torchvision
from autograder.learner.explain import import_fault
from autograder.results import Fault
from autograder.submission import notebook

SHARE = 0.8  # of the time that is left, for one cell: even after one that never ends, the others get their turn


@dataclass(frozen=True)
class LoadedModule:
    """A learner's module, or the fault that kept it from being imported.

    `failed` has the source of each of a notebook's cells that could not be run, and why.
    """

    module: types.ModuleType | None
    fault: Fault | None
    folder: Path
    failed: Mapping[str, str] = field(default_factory=dict)


def load(path: Path, let_through: tuple[type[BaseException], ...] = (), seconds: float = 0.0) -> LoadedModule:
    """Import the module at `path` afresh, with its folder first on sys.path for helper modules beside it.

    The cells of a notebook run one by one. In `seconds`, if given, all cells get their turn, though one never ends.
    """
    folder = path.parent
    if str(folder) in sys.path:  # loaded before: helpers of another version must not be found again
        forget_helpers(folder)
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(folder))
    failed: Mapping[str, str] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            source = path.read_bytes()
            if any(b"torchvision" in file.read_bytes() for file in folder.glob("*.py")):
                import_torchvision()  # heals a wheel that a plain import would fail on
            of_notebook = notebook.cells(source.decode("utf-8", "replace"))
            if of_notebook:
                failed = run_cells(of_notebook, module, folder, let_through, seconds)
            else:
                exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)  # noqa: S102  the import
    except let_through:
        raise
    except BaseException as error:  # noqa: BLE001  whatever a module raises at import, sys.exit() included
        return LoadedModule(None, import_fault(error, folder, path.name), folder)
    finally:
        sys.path.remove(str(folder))
        # Helper modules may be imported lazily, inside a function: their folder stays findable, but last.
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    return LoadedModule(module, None, folder, failed)


def forget_helpers(folder: Path) -> None:
    """Make the next import of each module that lies in `folder` read its file again; test files keep theirs."""
    for name, module in list(sys.modules.items()):
        file = Path(getattr(module, "__file__", None) or "/")
        if file.parent == folder and not file.name.startswith(("test_", "conftest")):
            del sys.modules[name]


def run_cells(
    cells: list[notebook.Cell],
    module: types.ModuleType,
    folder: Path,
    let_through: tuple[type[BaseException], ...] = (),
    seconds: float = 0.0,
) -> dict[str, str]:
    """Run the cells in `module`, which fills it; `seconds`, if not 0, is the limit for all of them.

    Returns:
        the source of each cell that failed → what the learner should know of what it raised
    """
    module.__dict__["display"] = lambda *_, **__: None  # what IPython gives every notebook
    failed: dict[str, str] = {}
    future, end = 0, time.monotonic() + seconds
    for cell in cells:
        name = f"cell {cell.number}"
        file = str(folder / name)  # a traceback, and `explain.learner_line`, then speak of the cell
        linecache.cache[file] = (len(cell.source), None, cell.source.splitlines(keepends=True), file)
        try:
            with _stopped_after((end - time.monotonic()) * SHARE if seconds else 0.0):
                code = compile(cell.source, file, "exec", future, dont_inherit=True)
                future |= code.co_flags & __future__.annotations.compiler_flag
                exec(code, module.__dict__)  # noqa: S102  this is the import
        except let_through:
            raise
        except BaseException as error:  # noqa: BLE001  whatever a cell raises, sys.exit() included
            text = import_fault(error, folder, name, "run").message
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
