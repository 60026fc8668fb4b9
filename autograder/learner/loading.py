"""Imports a learner's module afresh, or runs the cells of a notebook in order, as Jupyter does.

A cell that fails leaves the others their turn; one that misses a name has a second turn after them, for cells can be run in
another order than they stand in. A statement leaves the others theirs too, where a module is loaded apart: see `load`.
"""

from __future__ import annotations
import __future__

import ast
import asyncio
import contextlib
import functools
import inspect
import linecache
import selectors
import sys
import time
import types
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from autograder.images.torchvision_shim import import_torchvision
from autograder.learner import absent, helpers, settings, undrawn
from autograder.learner.explain import NOT_HERE, import_fault
from autograder.learner.forbidden_trap import Forbidden
from autograder.learner.stopping import stopped_after
from autograder.results import Fault
from autograder.submission import notebook
from autograder.text import one_line

_NOT_AT_IMPORT = "where a task is done by hand, PyTorch does not differentiate at import either"
SHARE = 0.8  # of the time that is left, for one cell: even after one that never ends, the others get their turn


@dataclass(frozen=True)
class LoadedModule:
    """A learner's module, or the fault that kept it from being imported.

    `failed` has the source of each cell of a notebook, or statement loaded apart, that could not be run, and why; `settings`
    names what the module has set for the whole process, which has been put back.
    """

    module: types.ModuleType | None
    fault: Fault | None
    folder: Path
    failed: Mapping[str, str] = field(default_factory=dict)
    settings: tuple[str, ...] = ()


def load(
    path: Path, let_through: tuple[type[BaseException], ...] = (), seconds: float = 0.0, *, apart: bool = False
) -> LoadedModule:
    """Import the module at `path` afresh, with its folder first on sys.path for helper modules beside it.

    The cells of a notebook run one by one. In `seconds`, if given, all cells get their turn, though one never ends. With
    `apart` one statement runs after the other, whatever became of those before it: a process for by-hand tasks cannot
    differentiate, and what a learner has tried at the end of the module must not cost the functions above it.
    """
    folder = path.parent
    if str(folder) in sys.path:  # loaded before: helpers of another version must not be found again
        helpers.forget(folder)
    setattr(torch, "compile", _eager)  # noqa: B010  a type checker forbids the assignment
    helpers.come_first(folder)
    absent.stand_in(folder)
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(folder))
    module.__dict__["get_ipython"] = lambda: _Shell(module)  # in code of a notebook; nbconvert writes it for magics
    arguments, sys.argv = sys.argv, [str(path)]
    failed: dict[str, str] = {}
    try:
        with warnings.catch_warnings(), settings.kept() as changed:
            warnings.simplefilter("ignore")
            source = path.read_bytes()
            if any(b"torchvision" in file.read_bytes() for file in folder.glob("*.py")):
                import_torchvision()  # heals a wheel that a plain import would fail on
            of_notebook = notebook.cells(source.decode("utf-8", "replace"))
            if of_notebook:
                failed = run_cells(of_notebook, module, folder, let_through, seconds, apart=apart)
            elif apart:
                failed, _ = _run_apart(source, str(path), module, 0, lenient=False)
            else:
                exec(_compiled(source, str(path)), module.__dict__)  # noqa: S102  the import
    except let_through:
        raise
    except BaseException as error:  # noqa: BLE001  whatever a module raises at import, sys.exit() included
        return LoadedModule(None, import_fault(error, folder, path.name), folder)
    finally:
        sys.argv = arguments
        sys.path.remove(str(folder))
        # Helper modules may be imported lazily, inside a function: their folder stays findable, but last.
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    return LoadedModule(module, None, folder, failed, tuple(changed))


@functools.lru_cache(maxsize=256)
def _compiled(source: bytes, file: str) -> types.CodeType:
    """The code of a module; a module of the course is loaded afresh for each check."""
    code: types.CodeType = compile(source, file, "exec", dont_inherit=True)
    return code


class _Shell(undrawn.Nothing):
    """IPython's shell, as far as nbconvert leaves the code of a cell to it."""

    def __init__(self, module: types.ModuleType) -> None:
        self.__dict__["_module"] = module

    def run_cell_magic(self, magic: str, line: str = "", body: str = "") -> None:
        """Run the cell as a notebook's is run."""
        code = notebook.code_of_magic(magic, line, body, f"{self._module.__name__}.py")
        exec(compile(code, str(self._module.__file__), "exec", dont_inherit=True), self._module.__dict__)  # noqa: S102  the import


def _eager(model: Any = None, *_: object, **__: object) -> Any:
    """torch.compile, which needs a C compiler and longer than a check may take: the same values without it."""
    return (lambda later: later) if model is None else model


def run_cells(
    cells: list[notebook.Cell],
    module: types.ModuleType,
    folder: Path,
    let_through: tuple[type[BaseException], ...] = (),
    seconds: float = 0.0,
    *,
    apart: bool = False,
) -> dict[str, str]:
    """Run the cells in `module`, which fills it; `seconds`, if not 0, is the limit for all of them.

    Returns:
        the source of each cell that failed → what the learner should know of what it raised
    """
    module.__dict__["display"] = lambda *_, **__: None  # what IPython gives every notebook
    end = time.monotonic() + seconds
    failed: dict[str, str] = {}
    again: dict[int, dict[str, str]] = {}
    waiting = list(cells)
    for last in (False, True):
        future, turn, waiting = 0, waiting, []
        for cell in turn:
            name = f"cell {cell.number}"
            file = str(folder / name)  # a traceback, and `explain.learner_line`, then speak of the cell
            linecache.cache[file] = (len(cell.source), None, cell.source.splitlines(keepends=True), file)
            try:
                with _limited((end - time.monotonic()) * SHARE, folder) if seconds else contextlib.nullcontext():
                    if apart:
                        left_out, future = _run_apart(cell.source, file, module, future, lenient=bool(failed))
                        failed = {source: text for source, text in failed.items() if source not in again.get(cell.number, ())}
                        failed |= left_out
                        if not last and any("is not defined" in text for text in left_out.values()):
                            again[cell.number] = left_out
                            waiting.append(cell)
                        continue
                    code = compile(cell.source, file, "exec", future | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
                    future |= code.co_flags & __future__.annotations.compiler_flag
                    _run(code, module)
            except let_through:
                raise
            except BaseException as error:  # noqa: BLE001  whatever a cell raises, sys.exit() included
                text = import_fault(error, folder, name, "run").message
                failed[cell.source] = text[:1].upper() + text[1:]
                if isinstance(error, NameError) and not last:  # it may have been run after one that stands below it
                    waiting.append(cell)
            else:
                failed.pop(cell.source, None)
    return failed


def _run_apart(
    source: str | bytes, file: str, module: types.ModuleType, future: int, *, lenient: bool
) -> tuple[dict[str, str], int]:
    """Run each statement on its own; what was left out, as `run_cells` says it, and the flags for what comes next.

    A statement that differentiates is left out, and then what fails for want of it; anything else that is raised is raised.
    """
    left_out: dict[str, str] = {}
    for statement in ast.parse(source, file).body:
        try:
            code = compile(ast.Module([statement], []), file, "exec", future | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            future |= code.co_flags & __future__.annotations.compiler_flag
            _run(code, module)
        except TimeoutError:
            raise
        except BaseException as error:  # whatever a statement raises, sys.exit() included
            differentiates = isinstance(error, Forbidden) or str(error) == NOT_HERE
            if not (differentiates or lenient or left_out):
                raise
            reason = _NOT_AT_IMPORT if differentiates else one_line(error)
            left_out[ast.unparse(statement)] = f"Line {statement.lineno} of {Path(file).name} could not be run: {reason}."
    return left_out, future


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that needs no socket, which a sandbox rightly refuses: no other thread can wake it."""

    def __init__(self) -> None:
        super().__init__(selectors.SelectSelector())

    def _make_self_pipe(self) -> None:
        self._ssock = self._csock = None

    def _close_self_pipe(self) -> None:
        pass


class _Policy(asyncio.DefaultEventLoopPolicy):
    _loop_factory = _Loop


def run_async_without_sockets() -> None:
    """Let `asyncio.run` work in this process, where no socket is to be had."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asyncio.set_event_loop_policy(_Policy())


def _run(code: types.CodeType, module: types.ModuleType) -> None:
    if code.co_flags & inspect.CO_COROUTINE:  # it awaits, as IPython lets a cell do
        with asyncio.Runner(loop_factory=_Loop) as runner:
            runner.run(eval(code, module.__dict__))  # noqa: S307  this is the import
    else:
        exec(code, module.__dict__)  # noqa: S102  this is the import


def _limited(seconds: float, folder: Path) -> contextlib.AbstractContextManager[None]:
    """Raise TimeoutError in the block after so many seconds."""
    message = f"it took longer than {seconds:.1f} s, is there a loop that never ends?"
    return stopped_after(max(seconds, 0.01), folder, functools.partial(TimeoutError, message))
