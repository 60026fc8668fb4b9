"""The code of a notebook as one module: its code cells in order, with magics and shell lines as comments.

The module's first line gives each cell's number and count of lines, so that `loading.load` can run the cells one by
one, as Jupyter does. Cells are numbered as a fresh "Run All" numbers them: code cells that hold something, from 1.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from autograder.submission import marimo

CHECKS_FILE = "public_checks.py"  # beside a notebook: the checks that its test cells show

_HEADER = "# notebook cells:"
_PYTHON_MAGICS = ("%%capture", "%%prun", "%%time")  # below the first line, their cells are ordinary Python
_ASSIGNED = re.compile(r"[\w.,\t ]+=[ \t]*[%!]")
_CONVERTED = re.compile(r"^# In ?\[[\d ]*\]:[ \t]*\n", re.MULTILINE)  # as nbconvert begins a cell
_AWAITS = re.compile(r"^(?:[\w.,\t ]+=[ \t]*)?(?:await|async (?:with|for)) ", re.MULTILINE)
_LINE_MAGIC = re.compile(r"^[ \t]*[%!?]|=[ \t]*[%!]", re.MULTILINE)
_WRITEFILE = re.compile(r"%%(?:writefile|file)[ \t]+(-a[ \t]+)?(\S+)[ \t]*")
_WRITE = (  # in one line, so that the others keep their numbers
    "__import__('os').makedirs({folder!r}, exist_ok=True); _file = open({path!r}, {mode!r}, encoding='utf-8'); "
    "_file.write({body!r}); _file.close(); __import__('importlib').invalidate_caches()"
)
_TOKEN = re.compile(r"#.*|\\$|'''|\"\"\"|'(?:\\.|[^'\\])*'?|\"(?:\\.|[^\"\\])*\"?|[][(){}]")
_REST = {quote: re.compile(rf"(?:\\.|[^\\])*?{quote}") for quote in ("'''", '"""')}


@dataclass(frozen=True)
class Cell:
    """One code cell; `first_line` is the line of the module's text that holds its first line."""

    number: int
    source: str
    first_line: int


def module_of_notebook(content: bytes, module: str = "") -> str:
    """Source text of the notebook's code cells without the graded test cells; ValueError says why it is no notebook.

    A cell that writes the file `module`, if there is one of that name, is code of that module.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:4]:
        raise ValueError("it is UTF-16: save it again as UTF-8")
    try:
        document = json.loads(content.decode("utf-8-sig"))
        cells = [(_text(cell), _is_test(cell)) for cell in _all_cells(document) if cell["cell_type"] == "code"]
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"it is not JSON ({type(error).__name__})") from None
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ValueError("it has no list of cells") from None
    numbered = enumerate((cell for cell in cells if cell[0].strip()), 1)
    return _module((number, f"{_without_magics(text, module)}\n") for number, (text, test) in numbered if not test)


def module_of_script(text: str) -> str:
    """A Python file's text, or that of its cells if marimo wrote it, or nbconvert from one in which a cell awaits.

    Lines that only IPython understands, as Colab leaves them in it, become comments.
    """
    of_marimo = marimo.cells(text)
    if of_marimo:
        return _module((number, source) for number, (source, _) in enumerate(of_marimo, 1))
    above, *converted = _CONVERTED.split(text)
    if not (converted and _AWAITS.search(text)):
        if not _LINE_MAGIC.search(text) or _parses(text):
            return text
        lines = "\n".join(_commented(text.split("\n")))
        return lines if _parses(lines) else text
    return _module((number, f"{source.rstrip()}\n") for number, source in enumerate((above + converted[0], *converted[1:]), 1))


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _module(numbered: Iterable[tuple[int, str]]) -> str:
    own = [(number, f"# cell {number}\n{text}") for number, text in numbered]
    lengths = [f" {number}:{text.count(chr(10))}" for number, text in own]
    return "".join([_HEADER, *lengths, "\n", *(text for _, text in own)])


def _all_cells(document: dict[str, Any]) -> list[dict[str, Any]]:
    if "cells" in document:
        found: list[dict[str, Any]] = document["cells"]
        return found
    first, *others = document["worksheets"]  # nbformat 3
    return [cell for sheet in (first, *others) for cell in sheet["cells"]]


def _text(cell: dict[str, Any]) -> str:
    text = "".join(cell.get("source") or cell.get("input") or "").replace("\r\n", "\n").replace("\r", "\n")
    return text.encode("utf-8", "replace").decode()  # JSON can hold half a surrogate pair, a file cannot


def _is_test(cell: dict[str, Any]) -> bool:
    marks = (cell.get("metadata") or {}).get("nbgrader") or {}
    return bool(marks.get("grade")) and not marks.get("solution")


def cells(module: str) -> list[Cell]:
    """The cells of a module that was made of them, or of a file that marimo wrote; none if the text is another module."""
    header, _, body = module.partition("\n")
    if not re.fullmatch(rf"{_HEADER}(?: \d+:\d+)*", header):
        return [Cell(number, source, line) for number, (source, line) in enumerate(marimo.cells(module), 1)]
    lines, found, line = body.split("\n"), [], 0
    for pair in header.removeprefix(_HEADER).split():
        number, length = map(int, pair.split(":"))
        found.append(Cell(number, "\n".join(lines[line + 1 : line + length]) + "\n", line + 3))
        line += length
    return found


def parsable(module: str) -> str:
    """The module with its cells that do not parse as comments, for a look at the rest."""
    lines = module.split("\n")
    for cell in cells(module):
        if not _parses(cell.source):
            for line in range(cell.first_line - 1, cell.first_line - 1 + cell.source.count("\n")):
                lines[line] = f"# {lines[line]}"
    return "\n".join(lines)


def place(module: str, line: int, file: str) -> tuple[str, int]:
    """The cell and its line, ("cell 3", 2), that a line of the module's text is; `file` and the line of other modules."""
    for cell in reversed(cells(module)):
        if line >= cell.first_line:
            return f"cell {cell.number}", line - cell.first_line + 1
    return file, line


def code_of_magic(magic: str, line: str, body: str, module: str) -> str:
    """What a cell with that magic in its first line is as Python, as `get_ipython().run_cell_magic` asks for it."""
    return _without_magics(f"%%{magic} {line}".rstrip() + f"\n{body}", module)


def _without_magics(text: str, module: str) -> str:
    """The cell's text with the same lines, those that only IPython understands as comments."""
    first, *rest = text.split("\n")
    if first.startswith("%%") and first.split()[0] in _PYTHON_MAGICS:
        return "\n".join([f"# {first}", *_commented(rest)])
    if written := _WRITEFILE.fullmatch(first):
        mode, path, body = "a" if written[1] else "w", written[2].strip("'\""), "".join(f"{line}\n" for line in rest)
        if path.removeprefix("./") == module:
            return "\n".join([f"# {first}", *rest])
        return "\n".join(
            [
                _WRITE.format(folder=PurePosixPath(path).parent.as_posix(), path=path, mode=mode, body=body),
                *(f"# {line}" for line in rest),
            ]
        )
    if first.startswith("%%"):
        return "\n".join(f"# {line}" for line in (first, *rest))
    return "\n".join(_commented([first, *rest]))


def _commented(lines: list[str]) -> Iterator[str]:
    """Only a line where a statement may start can be a magic: `% b` inside brackets, or in a text, is not."""
    depth, quote, magic, joined = 0, "", False, False
    for line in lines:
        if not (depth or quote) and (magic if joined else _is_magic(line)):
            code = line.lstrip()
            indent = line[: len(line) - len(code)]
            yield f"{indent}pass  # {code}" if indent and not joined else f"# {line}"
            magic, joined = True, line.endswith("\\")
            continue
        yield line
        depth, quote, joined = _scan(line, depth, quote)
        magic = False


def _is_magic(line: str) -> bool:
    """Whether only IPython understands the line; in time that grows with its length alone."""
    code = line.strip(" \t")
    asks = code.endswith("?") and not any(sign in code for sign in "#'\"")
    return code.startswith(("%", "!", "?")) or asks or _ASSIGNED.match(line) is not None


def _scan(line: str, depth: int, quote: str) -> tuple[int, str, bool]:
    """How deep in brackets and in which triple quote a line of Python ends; whether a backslash joins the next line."""
    at = 0
    while at < len(line):
        if quote:
            closing = _REST[quote].match(line, at)
            if closing is None:
                return depth, quote, False
            at, quote = closing.end(), ""
            continue
        token = _TOKEN.search(line, at)
        if token is None:
            break
        at = token.end()
        text = token[0]
        if text in _REST:
            quote = text
        elif text == "\\":
            return depth, "", True
        elif text in "([{":
            depth += 1
        elif text in ")]}":
            depth = max(depth - 1, 0)
    return depth, quote, False
