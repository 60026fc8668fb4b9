"""What in a submission's source looks into the process it runs in, or changes it for others.

Names of frames, closures, the collector and foreign functions, which `sandbox.witness` reports as they run, and those that
Python does not audit; and functions of PyTorch and NumPy that are replaced. Nothing in a course needs one of them.
"""

from __future__ import annotations

import ast
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from autograder.learner.forbidden_scan import Found
from autograder.learner.parsing import Parser
from autograder.text import clean

NAMES = frozenset({
    "_getframe", "_current_frames", "settrace", "setprofile", "addaudithook", "currentframe", "f_back", "f_globals", "f_locals",
    "f_builtins", "tb_frame", "gi_frame", "cr_frame", "ag_frame", "__globals__", "__closure__", "__code__", "__subclasses__",
    "__traceback__", "exc_info", "get_objects", "get_referrers", "get_referents", "ctypes", "_ctypes",
})  # fmt: skip


def look(sources: Mapping[str, str], parser: Parser | None = None) -> Found | None:
    """The first such name in the files, by their names; a file that does not parse has none."""
    parser = parser or Parser()
    for file in sorted(sources):
        found = min(_used(parser.of(sources[file]).nodes), default=None)
        if found is not None:
            line, name = found
            text = re.split(r"\r\n|\r|\n", sources[file])[line - 1].strip()
            return Found(file, line, clean(text, 120), name)
    return None


def _path(node: ast.expr, imported: Mapping[str, str]) -> str:
    """The import path that a chain of attributes stands for; "" if it does not begin with an import."""
    match node:
        case ast.Name(id=name):
            return imported.get(name, "")
        case ast.Attribute(value=owner, attr=name):
            path = _path(owner, imported)
            return f"{path}.{name}" if path else ""
    return ""


def _is_function(path: str) -> bool:
    """Whether PyTorch or NumPy has a function, or a class, of that name: settings are no functions."""
    if path.partition(".")[0] not in ("torch", "numpy"):
        return False
    try:
        return callable(pkgutil.resolve_name(path))
    except (ImportError, AttributeError, ValueError):
        return False


def _imports(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, str]]:
    """The names that imports bind, and what each stands for."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((a.asname, a.name) if a.asname else (a.name.partition(".")[0],) * 2 for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((a.asname or a.name, f"{node.module}.{a.name}") for a in node.names)


def _used(nodes: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    imported = dict(_imports(nodes))
    for node in nodes:
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.Constant(value=str(name)) if name in NAMES:
                yield node.lineno, name
            case (
                ast.Attribute(value=owner, attr=name, ctx=ast.Store())
                | ast.Call(func=ast.Name(id="setattr"), args=[owner, ast.Constant(value=str(name)), *_])
            ) if _is_function(path := f"{_path(owner, imported)}.{name}"):
                yield node.lineno, f"{path} replaced"
            case ast.alias(name=path) | ast.ImportFrom(module=str(path)) if not NAMES.isdisjoint(path.split(".")):
                yield node.lineno, path
