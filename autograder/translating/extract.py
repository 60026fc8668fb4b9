"""Collects the sentences of a domain from its sources, as patterns with named holes.

A sentence is written where it is said, as an ordinary text or f-string; a hole gets the name of what is filled in:
`f"{capitalised(name)} should have shape {shape_of(x)}."` is "{name} should have shape {shape}." So nothing has to be marked,
and nothing can be forgotten. Texts that are no words (names, patterns, code) are left out by rules that see no more than the
text and where it stands.
"""

from __future__ import annotations

import ast
import re
import runpy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from babel.messages.catalog import Catalog

from autograder.language import stubs
from autograder.language.sentences import HOLE

_WORDS = re.compile(
    r"^(an?|\d|\{\w+\}) [a-z]+$|[A-Za-z]{2,}[,;:]? [A-Za-z`'\"{(\d]|^[A-Z]?[a-z]+[.:!?]$"
    r"|[a-z] · [a-z]|[a-z]{2,} ?\{\w+\}|\{\w+\} ?[a-z]{2,}"
)
_CODE = re.compile(r"^\s*(import|from|def|class|@|#|<|%|--)\b|\\[dwsb.(\[]|\(\?|\n {4,}|^[\w./*-]+$|==|:=|^\w+ = ")
_SAY = re.compile(r"""\b(?:say|said)\((?:"([^"]+)"|'([^']+)')""")  # in a page's template
_NO_SENTENCES = {"ValueError", "TypeError", "RuntimeError", "OSError", "SandboxError", "WireError", "getattr", "setattr",
                 "compile", "match", "fullmatch", "search", "sub", "split", "read_text", "warn", "add_argument"}  # fmt: skip
_GENERIC = {"str", "int", "float", "repr", "join", "marked", "clean", "capitalised", "one_line", "short", "len", "list", "sorted",
            "tuple", "type", "next", "max", "min", "map", "item", "tolist", "strip", "get"}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Where sentences come from.

    Attributes:
        path: a file.
        kind: what of it: "code" for its texts, "suite" for these and the sentences of its checks, "course" for the hints and
            titles of a course.yaml, "mutants" for what a diagnosis says, "template" for what a page's template says, "stub" for
            a stub's docstrings and TODOs, "words" for `words` alone.
        words: single words that it puts into sentences.
    """

    path: Path
    kind: str = "code"
    words: tuple[str, ...] = ()


def sentences(sources: Iterable[Source], root: Path, project: str) -> Catalog:
    """A catalogue without translations, in the order of the sources."""
    catalog = Catalog(project=project, charset="utf-8", fuzzy=False)
    for source in sources:
        found = [(1, word) for word in source.words] if source.kind == "words" else _READERS[source.kind](source.path)
        for line, text in found:
            catalog.add(text.strip(), locations=[(source.path.relative_to(root).as_posix(), line)], context=None)
    return catalog


def _of_code(path: Path) -> Iterator[tuple[int, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = _silent(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name.endswith("Status"):  # its values are shown as words
            yield from ((part.lineno, str(ast.literal_eval(part.value))) for part in node.body if isinstance(part, ast.Assign))
        if id(node) in skipped:
            continue
        text = pattern(node)
        if text is not None and _is_said(text):
            yield getattr(node, "lineno", 0), text


def _of_suite(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a suite, and the docstrings of its checks, which complete "Expected: it …"."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and (title := ast.get_docstring(node)):
            yield node.lineno, " ".join(title.split()).removesuffix(".")
    yield from _of_code(path)


def _of_course(path: Path) -> Iterator[tuple[int, str]]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    yield 1, document["title"]
    for topic in document["topics"].values():
        yield 1, topic["title"]
        for task in topic["tasks"].values():
            hints = task["hint"]
            yield from ((1, hint.strip()) for hint in ([hints] if isinstance(hints, str) else hints))


def _of_mutants(path: Path) -> Iterator[tuple[int, str]]:
    yield from ((1, mutant.phrase) for mutant in runpy.run_path(str(path))["MUTANTS"])


def _of_stub(path: Path) -> Iterator[tuple[int, str]]:
    return stubs.said_in(path.read_text(encoding="utf-8"))


def _of_template(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        yield from ((number, found[1] or found[2]) for found in _SAY.finditer(line))


_READERS: dict[str, Callable[[Path], Iterator[tuple[int, str]]]] = {
    "code": _of_code,
    "suite": _of_suite,
    "course": _of_course,
    "template": _of_template,
    "mutants": _of_mutants,
    "stub": _of_stub,
}


def pattern(node: ast.AST) -> str | None:
    """The pattern of a text in the source; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if not isinstance(node, ast.JoinedStr):
        return None
    used: set[str] = set()
    pieces = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            pieces.append(f"{{{_unused(_name(part.value), used)}}}")
        elif isinstance(part, ast.Constant):
            pieces.append(str(part.value))
    return "".join(pieces)


def _silent(tree: ast.Module) -> set[int]:
    """The nodes whose texts nobody reads: docstrings, pieces of f-strings, keys, exceptions of the kit's own, patterns."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node) is not None and isinstance(node.body[0], ast.Expr):
                found.add(id(node.body[0].value))
        elif isinstance(node, ast.JoinedStr):
            found |= {id(part) for part in node.values if isinstance(part, ast.Constant)}
            found |= {id(n) for part in node.values if isinstance(part, ast.FormattedValue) and part.format_spec
                      for n in ast.walk(part.format_spec)}  # fmt: skip
        elif isinstance(node, ast.Call) and _callee(node.func) in _NO_SENTENCES:
            found |= {id(n) for argument in [*node.args, *(k.value for k in node.keywords)] for n in ast.walk(argument)}
        elif isinstance(node, ast.Subscript):
            found |= {id(n) for n in ast.walk(node.slice)}
    return found


def _callee(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_said(text: str) -> bool:
    return bool(_WORDS.search(HOLE.sub("{x}", text))) and not _CODE.search(text) and any(map(str.islower, HOLE.sub("", text)))


def _name(node: ast.expr) -> str:
    """A name for what an expression fills in."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return (
            node.attr
            if node.attr not in ("shape", "dtype", "value", "__name__")
            else f"{_name(node.value)}_{node.attr.strip('_')}"
        )
    if isinstance(node, ast.Call):
        callee = _callee(node.func)
        if callee in _GENERIC and node.args:
            return _name(node.args[0]) if callee != "len" else f"number_of_{_name(node.args[0])}"
        if callee in _GENERIC and isinstance(node.func, ast.Attribute):
            return _name(node.func.value)
        return callee.removesuffix("_of").strip("_") or "value"
    if isinstance(node, ast.Subscript | ast.Starred):
        return _name(node.value)
    if isinstance(node, ast.BinOp):
        return _name(node.left)
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        return _name(node.generators[0].iter)
    return "which" if isinstance(node, ast.IfExp) else "value"


def _unused(name: str, used: set[str]) -> str:
    number, free = 1, name
    while free in used:
        number += 1
        free = f"{name}_{number}"
    used.add(free)
    return free
