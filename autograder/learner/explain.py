"""What an exception means for the learner who reads it: a sentence with the place in their own code, or a Fault.

Whose an exception is, the frames of its traceback tell. One of the learner's own files: it is the learner's, at the innermost
such line. None of them, but one of a suite's probe (`SUITE`): the learner's code has run to its end, and what it returned
cannot do what the probe asks of it. Neither: the call itself went wrong.
"""

from __future__ import annotations

import dis
import linecache
import platform
import re
import traceback
import types
from pathlib import Path

from autograder.learner import at_import, forbidden_trap, newer_python
from autograder.results import PEER_LOST, Fault, Status
from autograder.text import clean, one_line

NOT_DONE = "Not done yet: it still raises NotImplementedError."
SUITE = "<suite>"  # the file name of a probe's code
NOT_HERE = "bad_function_call"  # what PyTorch raises where `sandbox.no_autograd` has taken the ability to differentiate
_CHECKED_WITH = f"it is checked with Python {platform.python_version()}"


def import_fault(error: BaseException, folder: Path, name: str, verb: str = "imported") -> Fault:
    """A sentence a student can act on for whatever was raised while `name` was being imported, or run."""
    kind = type(error).__name__
    place = learner_line(error, folder)
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).parent == folder:
        text = (error.text or "").strip()
        shown = f": `{clean(text, 120)}`" if text else ""
        if version := newer_python.needed(error):
            message = f"{Path(error.filename).name} needs {version}: line {error.lineno}{shown}; {_CHECKED_WITH}."
        elif re.match(r"Non-UTF-8 code|\(unicode error\) 'utf-8' codec", error.msg):  # Python's own place is off, and says little
            message = f"{Path(error.filename).name} is not UTF-8: save it again as UTF-8."
        else:
            message = f"{Path(error.filename).name} does not parse: {error.msg}, line {error.lineno}{shown}."
    elif isinstance(error, SystemExit):
        message = f"{name} ends the program while it is being {verb}{place}: remove sys.exit() or exit()."
    elif _asks_for_input(error, place):
        message = f"{name} asks for input() while it is being {verb}{place}: nobody answers when it is graded."
    elif version := newer_python.needed(error):
        message = f"{name} needs {version}{place}; {_CHECKED_WITH}."
    elif isinstance(error, ModuleNotFoundError):
        message = f"{name} imports {error.name!r}, which is not installed here{place}."
    elif not (message := at_import.asked_for(error, name, verb, place)):
        message = f"{name} cannot be {verb}: {kind}: {one_line(error)}{place}."
    return Fault(Status.ERROR, clean(message), kind)


def call_fault(error: BaseException, folder: Path) -> Fault:
    """What to tell the learner about an exception that a call, or a probe beside their module, raised.

    Args:
        error: the exception, with its traceback.
        folder: where the learner's files lie.

    Returns:
        MISSING for what is not written yet, FORBIDDEN for what the task rules out, ERROR for anything else.
    """
    kind, place = type(error).__name__, learner_line(error, folder)
    if isinstance(error, forbidden_trap.Forbidden):
        return Fault(Status.FORBIDDEN, clean(f"{error}{place}."), kind, place)
    if str(error) == NOT_HERE:
        used = forbidden_trap.sentence("PyTorch's autograd, which is not to be had in this process")
        return Fault(Status.FORBIDDEN, clean(f"{used}{place}."), kind, place)
    if isinstance(error, NotImplementedError) and _raised_by_learner(error, folder):
        return Fault(Status.MISSING, _not_done(error, folder), kind)
    if isinstance(error, AttributeError) and isinstance(error.obj, types.ModuleType | type) and not place:
        return Fault(Status.MISSING, f"`{error.name}` is not defined in your module.", kind)
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return Fault(Status.ERROR, f"Your code needs more memory than it may use{place}.", "MemoryError", place)
    return Fault(Status.ERROR, clean(_sentence(error, place)), PEER_LOST if _lost_peer(error) else kind, place)


def _not_done(error: BaseException, folder: Path) -> str:
    """What is not done yet: what was called, or another function or class of the learner's that it calls."""
    codes = [frame.f_code for frame in _frames(error)]
    first = next((code for code in codes if is_learners(code.co_filename, folder)), codes[-1])
    called, open_one = (code.co_qualname.partition(".")[0] for code in (first, codes[-1]))
    return NOT_DONE if called == open_one else f"It calls `{open_one}`, which is not done yet: write that first."


def _lost_peer(error: BaseException) -> bool:
    """Whether a process group's connection broke: gloo says so in words alone, where it raises a RuntimeError."""
    return isinstance(error, ConnectionError) or (isinstance(error, RuntimeError) and "onnection " in str(error))


_ARGUMENTS = re.compile(r"\(\) (takes|missing|got an unexpected|got multiple) ")  # Python's words, not those of a kernel


def _sentence(error: BaseException, place: str) -> str:
    if isinstance(error, SystemExit):
        return f"Your code ends the program{place}: remove sys.exit() or exit()."
    if isinstance(error, RecursionError):
        return f"Your code calls itself without end{place}."
    if version := newer_python.needed(error):
        return f"Your code needs {version}{place}; {_CHECKED_WITH}."
    if isinstance(error, ModuleNotFoundError):
        return f"Your code uses {error.name!r}, which is neither installed here nor among your files{place}."
    if _asks_for_input(error, place):
        return f"Your code asks for input(){place}: nobody answers when it is checked."
    probed = any(frame.f_code.co_filename == SUITE for frame in _frames(error))
    if isinstance(error, TypeError) and not place and (_ARGUMENTS.search(str(error)) if probed else "argument" in str(error)):
        return f"It cannot be called as the exercise says: {one_line(error)}."
    if not place and probed:
        return _probe_sentence(error)
    if isinstance(error, NotImplementedError | TypeError) and (found := _BITWISE.match(str(error))):
        return f"{_bitwise(found[1] or found[2])}{place}."
    return f"Your code raised {type(error).__name__}: {one_line(error)}{place}."


def is_learners(file: str, folder: Path) -> bool:
    """Whether a file of code is the learner's, in their folder; the checks that lie there are not."""
    path = Path(file)
    return path.parent == folder and not path.name.startswith("test_")


def learner_line(error: BaseException, folder: Path) -> str:
    """Where in the learner's files the exception came from: " (line 7 of net.py: `x = x @ w`)", or ""."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if is_learners(frame.filename, folder)]
    if not frames:
        return ""
    linecache.checkcache(frames[-1].filename)
    line, file = frames[-1].lineno, Path(frames[-1].filename).name
    text = clean((frames[-1].line or "").strip(), 120)
    return f" (line {line} of {file}: `{text}`)" if text else f" (line {line} of {file})"


def _asks_for_input(error: BaseException, place: str) -> bool:
    """Whether input() found nobody to ask: at the end of a file in a sandbox, refused by pytest in a self-check."""
    return isinstance(error, EOFError | OSError) and ("input(" in place or "reading from stdin" in str(error))


def _raised_by_learner(error: BaseException, folder: Path) -> bool:
    """Whether the innermost frame is the learner's and stands at a `raise`: PyTorch's kernels raise from below their line."""
    link = error.__traceback__
    while link is not None and link.tb_next is not None:
        link = link.tb_next
    if link is None or Path(link.tb_frame.f_code.co_filename).parent != folder:
        return False
    return link.tb_frame.f_code.co_code[link.tb_lasti] == dis.opmap["RAISE_VARARGS"]


_BITWISE = re.compile(r'"bitwise_(xor|and|or)\w*" not implemented|unsupported operand type\(s\) for ([\^&|])=?: ')


def _bitwise(operator: str) -> str:
    """What `^`, `&` and `|` are, for who gave them numbers that they are not made for."""
    if operator in ("xor", "^"):
        return "`^` is no power in Python: write `**`"
    sign = "&" if operator in ("and", "&") else "|"
    return f"`{sign}` joins truth values, and bits of whole numbers: compare first, in brackets, as in `(a > 0) {sign} (b > 0)`"


_CANNOT = re.compile(r"(?:cannot unpack non-iterable |')(\w+)'? object(?: (.*))?$")
_WORDS = {
    "is not callable": "which cannot be called",
    "is not iterable": "where several values are needed",
    "is not subscriptable": "where several values are needed",
    None: "where several values are needed",
}


def _probe_sentence(error: BaseException) -> str:
    """What the returned thing cannot do, for an exception that a probe raised after the learner's code had run."""
    name, text = _asked(error), one_line(error)
    who, found = f"`{name}`" if name else "your code", _CANNOT.match(text)
    if found and isinstance(error, TypeError | AttributeError):
        kind, cannot = found[1], _WORDS.get(found[2], f"which {found[2]}")
        if kind == "NoneType":
            said = f"{who} returned None, {cannot}: is a `return` missing?"
        elif kind == name:  # an object of the learner's own class
            said = f"{who} makes an object {cannot.replace('which', 'that')}."
        else:
            article = "an" if kind.lstrip("_")[:1].lower() in "aeiou" else "a"
            said = f"{who} returned {article} {kind}, {cannot}."
        return said[:1].upper() + said[1:]
    if isinstance(error, ValueError) and "values to unpack" in text:
        return f"What {who} returned has another number of items than the exercise says: {text}."
    speaker = _module_called(error) or type(error).__name__
    return f"What {who} returned cannot do what the exercise asks of it: {speaker}: {text}."


def _asked(error: BaseException) -> str:
    """The name of the learner's function or class that the probe uses, or "" where it uses several."""
    names = set()
    for frame in _frames(error):
        if frame.f_code.co_filename == SUITE:
            modules = [vars(value) for value in frame.f_locals.values() if type(value) is types.ModuleType]
            names |= {name for name in frame.f_code.co_names for module in modules if _is_own(module.get(name))}
    return names.pop() if len(names) == 1 else ""


def _is_own(value: object) -> bool:
    """Whether a module's attribute is a function or class that no library gave it."""
    home = getattr(value, "__module__", None)
    return isinstance(value, types.FunctionType | type) and isinstance(home, str) and not home.startswith("torch")


def _module_called(error: BaseException) -> str:
    """The class of PyTorch's module in whose forward the exception arose, such as MSELoss, or ""."""
    kinds = [type(frame.f_locals.get("self")) for frame in _frames(error)]
    return next((kind.__name__ for kind in kinds if kind.__module__.startswith("torch.nn.modules.")), "")


def _frames(error: BaseException) -> list[types.FrameType]:
    return [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
