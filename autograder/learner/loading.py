"""Answers one request with a learner's module: the same code in a self-check and in the sandboxed child.

A request and its reply are wire frames, so a self-check hands over copies exactly as grading does.
"""

from __future__ import annotations

import linecache
import marshal
import sys
import traceback
import types
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from autograder.images.torchvision_shim import import_torchvision
from autograder.learner import cells, forbidden_trap
from autograder.results import Fault, Status
from autograder.submission import notebook
from autograder.text import clean, one_line
from autograder.wire import values


@dataclass(frozen=True)
class Loaded:
    """A learner's module, or the fault that kept it from being imported.

    `failed` has the source of each of a notebook's cells that could not be run, and why.
    """

    module: types.ModuleType | None
    fault: Fault | None
    folder: Path
    failed: Mapping[str, str] = field(default_factory=dict)


def load(path: Path, let_through: tuple[type[BaseException], ...] = (), seconds: float = 0.0) -> Loaded:
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
                failed = cells.run(of_notebook, module, folder, import_fault, let_through, seconds)
            else:
                exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)  # noqa: S102  the import
    except let_through:
        raise
    except BaseException as error:  # noqa: BLE001  whatever a module raises at import, sys.exit() included
        return Loaded(None, import_fault(error, folder, path.name), folder)
    finally:
        sys.path.remove(str(folder))
        # Helper modules may be imported lazily, inside a function: their folder stays findable, but last.
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    return Loaded(module, None, folder, failed)


def forget_helpers(folder: Path) -> None:
    """Make the next import of each module that lies in `folder` read its file again; test files keep theirs."""
    for name, module in list(sys.modules.items()):
        file = Path(getattr(module, "__file__", None) or "/")
        if file.parent == folder and not file.name.startswith(("test_", "conftest")):
            del sys.modules[name]


def import_fault(error: BaseException, folder: Path, name: str, verb: str = "imported") -> Fault:
    """A sentence a student can act on for whatever was raised while `name` was being imported, or run."""
    kind = type(error).__name__
    where = learner_line(error, folder)
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).parent == folder:
        text = (error.text or "").strip()
        shown = f": `{clean(text, 120)}`" if text else ""
        message = f"{Path(error.filename).name} does not parse: {error.msg}, line {error.lineno}{shown}."
    elif isinstance(error, SystemExit):
        message = f"{name} ends the program while it is being {verb}{where}: remove sys.exit() or exit()."
    elif isinstance(error, EOFError | OSError) and "input" in where:
        message = f"{name} asks for input() while it is being {verb}{where}: nobody answers when it is graded."
    elif isinstance(error, ModuleNotFoundError):
        message = f"{name} imports {error.name!r}, which is not installed here{where}."
    else:
        message = f"{name} cannot be {verb}: {kind}: {one_line(error)}{where}."
    return Fault(Status.ERROR, clean(message), kind)


def serve(loaded: Loaded, frame: bytes, max_bytes: int, let_through: tuple[type[BaseException], ...] = ()) -> bytes:
    """The reply frame to one request frame. Exceptions in `let_through` are not the learner's and pass."""
    try:
        request = values.decode(frame, layout=True)
        with forbidden_trap.trap(request["forbid"], loaded.folder):  # reading a lazy result runs the learner's code as well
            return values.encode(_perform(loaded, request), max_bytes)
    except let_through:
        raise
    except values.WireError as error:
        return _fault_frame(Fault(Status.ERROR, f"What your code returned cannot be read: {error}.", "WireError"))
    except BaseException as error:  # noqa: BLE001  whatever the learner's code raises is its own
        fault = call_fault(error, loaded.folder)
        if fault.status is Status.MISSING and isinstance(error, AttributeError):
            fault = replace(fault, message=clean(f"{fault.message} {_failed_cells(loaded, str(error.name))}".strip()))
        return _fault_frame(fault)


def _failed_cells(loaded: Loaded, name: str) -> str:
    """Why a notebook has no `name`: the first of its cells that failed, and the first that names it."""
    naming = [text for source, text in loaded.failed.items() if name in source]
    return " ".join(dict.fromkeys([*list(loaded.failed.values())[:1], *naming[:1]]))


def _fault_frame(fault: Fault) -> bytes:
    return values.encode({"fault": [str(fault.status), fault.message, fault.kind]})


def _perform(loaded: Loaded, request: dict[str, Any]) -> dict[str, Any]:
    if loaded.module is None:
        assert loaded.fault is not None  # noqa: S101  for the type checker: one of the two is set
        return {"fault": [str(loaded.fault.status), loaded.fault.message, loaded.fault.kind]}
    name, args, kwargs = request["name"], [resident(a) for a in request["args"]], request["kwargs"]
    if request["probe"]:
        namespace: dict[str, Any] = {}
        exec(marshal.loads(request["probe"]), namespace)  # noqa: S102, S302  the suite's own code, from the grader
        function, args = namespace[name], [loaded.module, *args]
    else:
        function = getattr(loaded.module, name)
    torch.default_generator.manual_seed(request["seed"])  # torch.manual_seed formats the stack for every absent device
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = function(*args, **kwargs)
    return {"value": value, "args": args} if request["observe"] else {"value": value}


def resident(value: Any) -> Any:
    """The data set that a Resident stands for; anything else is itself."""
    if not isinstance(value, values.Resident):
        return value
    from autograder.images import store  # noqa: PLC0415  most topics need no data set

    return store.resident(value.name)


def call_fault(error: BaseException, folder: Path) -> Fault:
    """What to tell the learner about an exception that a call raised."""
    kind, where = type(error).__name__, learner_line(error, folder)
    if isinstance(error, forbidden_trap.Forbidden):
        return Fault(Status.FORBIDDEN, clean(f"{error}{where}."), kind)
    if isinstance(error, NotImplementedError) and where and _innermost_is_learners(error, folder):
        return Fault(Status.MISSING, "Not done yet: it still raises NotImplementedError.", kind)
    if isinstance(error, AttributeError) and isinstance(error.obj, types.ModuleType | type) and not where:
        return Fault(Status.MISSING, f"`{error.name}` is not defined in your module.", kind)
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return Fault(Status.ERROR, f"Your code needs more memory than it may use{where}.", "MemoryError")
    if isinstance(error, SystemExit):
        return Fault(Status.ERROR, f"Your code ends the program{where}: remove sys.exit() or exit().", kind)
    if isinstance(error, RecursionError):
        return Fault(Status.ERROR, f"Your code calls itself without end{where}.", kind)
    if isinstance(error, TypeError) and not where and "argument" in str(error):
        return Fault(Status.ERROR, f"It cannot be called as the exercise says: {one_line(error)}.", kind)
    return Fault(Status.ERROR, clean(f"Your code raised {kind}: {one_line(error)}{where}."), kind)


def learner_line(error: BaseException, folder: Path) -> str:
    """Where in the learner's files the exception came from: " (line 7 of net.py: `x = x @ w`)", or ""."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).parent == folder and not Path(frame.filename).name.startswith("test_")
    ]
    if not frames:
        return ""
    linecache.checkcache(frames[-1].filename)
    text = clean((frames[-1].line or "").strip(), 120)
    return f" (line {frames[-1].lineno} of {Path(frames[-1].filename).name}{f': `{text}`' if text else ''})"


def _innermost_is_learners(error: BaseException, folder: Path) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and Path(frames[-1].filename).parent == folder
