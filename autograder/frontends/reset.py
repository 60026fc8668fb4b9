"""Puts a task's function back to the stub's, in the learner's module; the text that was there is kept beside it."""

from __future__ import annotations

import ast
import itertools
import re
import subprocess
from pathlib import Path

from autograder.course import ORIGINALS, Topic
from autograder.errors import KitError
from autograder.files import written_whole
from autograder.frontends.progress import FOLDER, folder

Span = tuple[int, int]  # the first line, from 0, and the line behind the last


def remember(topic: Topic) -> None:
    """Keep the module where a later reset finds it, if every task in it is still to be done; OSError if it cannot be written."""
    kept = _kept(topic)
    if not kept.exists() and topic.stub.is_file() and _untouched(topic, text := topic.stub.read_bytes()):
        folder(topic.root)
        with written_whole(kept) as file:
            file.write(text)


def owner(topic: Topic, task: str) -> str:
    """The function, the class or the method that a reset of the task replaces.

    Raises:
        KitError: the stub is not known, or has none.
    """
    lines = _lines(_stub(topic))
    names = [each.id for each in topic.tasks]
    for name in reversed(names[: names.index(task) + 1]):  # a task without one is done in that of the task before it
        if span(lines, name):
            return name
    raise KitError(f"the stub of {topic.module} has no {task}")


def reset(topic: Topic, task: str) -> Path:
    """Replace what `owner` names by the stub's, and return the file with the module's text of before.

    Raises:
        KitError: the stub is not known, or the module has no such function, or cannot be read or written.
    """
    name, stub = owner(topic, task), _lines(_stub(topic))
    try:
        before = topic.stub.read_bytes()
        lines = _lines(before)
        there, here = span(stub, name), span(lines, name)
        if there is None or here is None:
            raise KitError(f"{topic.module} has no {name} that could be replaced")
        ending = b"\r\n" if b"\r\n" in before else b"\n"
        fresh = [line.rstrip(b"\r\n") + ending for line in stub[slice(*there)]]
        kept = next(path for number in itertools.count(1)
                    if not (path := topic.stub.with_name(f"{topic.module}.kept{number}")).exists())  # fmt: skip
        with written_whole(kept) as file:
            file.write(before)
        with written_whole(topic.stub, topic.stub.stat().st_mode & 0o777) as file:
            file.write(b"".join([*lines[: here[0]], *fresh, *lines[here[1] :]]))
    except OSError as error:
        raise KitError(f"{topic.module} cannot be reset: {error.strerror}") from None
    return kept


def span(lines: list[bytes], name: str) -> Span | None:
    """Where the function, class or method of that name stands, its decorators included; None where there is none."""
    try:
        found = _definitions(ast.parse(b"".join(lines))).get(name)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # half-written, which may be why it is reset
        return _by_indentation(lines, name)
    if found is None:
        return None
    first = min([found.lineno, *(decorator.lineno for decorator in found.decorator_list)])
    return first - 1, found.end_lineno or found.lineno


def _definitions(tree: ast.Module) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Functions and classes of the module, and the methods of its classes, by name."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    top = [node for node in tree.body if isinstance(node, kinds)]
    methods = [node for owner in top if isinstance(owner, ast.ClassDef) for node in owner.body if isinstance(node, kinds)]
    return {node.name: node for node in [*methods, *top]}


def _by_indentation(lines: list[bytes], name: str) -> Span | None:
    """The same for text that does not parse: to the next line with as little before it that begins something else."""
    opens = re.compile(rb"([ \t]*)(?:async +def|def|class) +%b\b" % re.escape(name.encode()))
    for first, line in enumerate(lines):
        if found := opens.match(line):
            beyond = re.compile(rb"[ \t]{0,%d}(?:async\b|def\b|class\b|@|[A-Za-z_]+ *=|if\b|import\b|from\b)" % len(found[1]))
            last = next((n for n in range(first + 1, len(lines)) if beyond.match(lines[n])), len(lines))
            while first and lines[first - 1].startswith(found[1] + b"@"):
                first -= 1  # noqa: PLW2901  its decorators
            while not lines[last - 1].strip():
                last -= 1
            return first, last
    return None


def _untouched(topic: Topic, text: bytes) -> bool:
    lines = _lines(text)
    spans = [found for task in topic.tasks if (found := span(lines, task.id))]
    return bool(spans) and all(b"raise NotImplementedError" in b"".join(lines[slice(*found)]) for found in spans)


def _stub(topic: Topic) -> bytes:
    """The module as it was handed out: in a kit as it lies there; else as it was seen first or, in a clone, as git has it."""
    for path in (topic.root / ORIGINALS / topic.stub.relative_to(topic.root), _kept(topic)):
        if path.is_file():
            return path.read_bytes()
    name = f"./{topic.module}"
    for commit in _git(topic, "log", "--format=%H", "-n", "100", "--", name).split():
        text = _git(topic, "show", f"{commit.decode()}:{name}")
        if _untouched(topic, text):
            return text
    raise KitError(f"the stub of {topic.module} is not known here: get the file anew from where you have the course")


def _git(topic: Topic, *arguments: str) -> bytes:
    """What git says, or nothing where it cannot."""
    try:
        command = ["git", *arguments]
        return subprocess.run(command, cwd=topic.exercise, check=True, capture_output=True).stdout  # noqa: S603  our own
    except (OSError, subprocess.CalledProcessError):
        return b""


def _kept(topic: Topic) -> Path:
    return topic.root / FOLDER / "stubs" / topic.name / topic.module


def _lines(text: bytes) -> list[bytes]:
    return text.splitlines(keepends=True)
