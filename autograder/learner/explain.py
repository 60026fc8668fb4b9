"""What an exception means for the learner who reads it: a sentence with the place in their own code, or a Fault."""

from __future__ import annotations

import linecache
import traceback
import types
from pathlib import Path

from autograder.learner import forbidden_trap
from autograder.results import Fault, Status
from autograder.text import clean, one_line


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
