"""The words of a stub in another language: its docstrings and its TODO comments. Its code stays as it is, byte for byte."""

from __future__ import annotations

import ast
import inspect
import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import KitError
from autograder.language.chosen import ENGLISH, OF_EXERCISES, catalogue

DOMAIN = "stubs"
_QUOTES = '"""'
_BETWEEN = re.compile(r"\n[ \t]*\n")
_COMMENT = re.compile(r"# (TODO: .+)")


@dataclass(frozen=True)
class _Words:
    """Where something is said: its lines, from 0, and the line behind; the column; and its paragraphs."""

    first: int
    behind: int
    column: int
    paragraphs: tuple[str, ...]
    is_docstring: bool


def said_in(text: str) -> Iterator[tuple[int, str]]:
    """Each paragraph of a docstring and each TODO of a stub, with its line."""
    for words in _words(text):
        yield from ((words.first + 1, paragraph) for paragraph in words.paragraphs)


def locale(root: Path) -> Path:
    """The folder of the stubs' catalogues of a course, which no learner's process needs to read."""
    return root / OF_EXERCISES / DOMAIN


def translations(root: Path, name: str) -> dict[str, str]:
    """What the stubs of the course at `root` say in the language; {} in English, or where it has no catalogue."""
    path = locale(root) / name / "LC_MESSAGES" / f"{DOMAIN}.mo"
    return catalogue(path) if name != ENGLISH and path.is_file() else {}


def translated(text: str, found: Mapping[str, str]) -> str:
    """The stub with what is `found` in place of its own words; what is not found, or does not parse, stays as it is.

    Raises:
        KitError: a translation would change the code, as one with quotes that end its docstring does.
    """
    try:
        words_here = list(_words(text)) if found else []
    except SyntaxError:
        return text
    lines = text.splitlines(keepends=True)
    for words in sorted(words_here, key=lambda words: -words.first):
        here = [found.get(paragraph, paragraph) for paragraph in words.paragraphs]
        if here != list(words.paragraphs):
            indent = lines[words.first][: words.column]
            last = lines[words.behind - 1]
            said = _docstring(here, indent) if words.is_docstring else f"{indent}# {here[0]}"
            lines[words.first : words.behind] = [said + last[len(last.rstrip("\r\n")) :]]
    result = "".join(lines)
    if words_here and _code(result) != _code(text):
        raise KitError("a translation of a stub's docstring changes its code: has it quotes or backslashes in it?")
    return result


def _docstring(paragraphs: list[str], indent: str) -> str:
    said = "\n\n".join(paragraphs).split("\n")
    body = "\n".join(f"{indent}{line}" if line and number else line for number, line in enumerate(said))
    return f"{indent}{_QUOTES}{body}" + (f"\n{indent}{_QUOTES}" if len(said) > 1 else _QUOTES)


def _words(text: str) -> Iterator[_Words]:
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            said = node.body[0]
            first, behind = said.lineno - 1, said.end_lineno or said.lineno
            written = "\n".join(lines[first:behind]).strip()
            if written.startswith(_QUOTES) and written.endswith(_QUOTES) and "\\" not in written:
                cleaned = inspect.cleandoc(written[len(_QUOTES) : -len(_QUOTES)])
                yield _Words(first, behind, said.col_offset, tuple(_BETWEEN.split(cleaned)), is_docstring=True)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and (comment := _COMMENT.fullmatch(token.string)):
            yield _Words(token.start[0] - 1, token.start[0], token.start[1], (comment[1],), is_docstring=False)


def _code(text: str) -> str:
    """What the text does: its syntax tree without the docstrings."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)
