"""Mutants: named misconceptions, each a one-place edit of the reference solution."""

from __future__ import annotations

import ast
import functools
import importlib.util
from dataclasses import dataclass
from typing import Any

from autograder.course.model import Topic
from autograder.errors import KitError


@dataclass(frozen=True)
class Mutant:
    """A misconception about `task`: in the source of the definition `within`, `old` is replaced by `new`.

    `phrase` completes "Your result is what comes out of code that …".
    """

    task: str
    phrase: str
    old: str
    new: str
    within: str = ""


def load(topic: Topic) -> tuple[Mutant, ...]:
    """The topic's mutants, in file order; none where the course was released without its solutions."""
    if not topic.mutants.is_file():
        return ()
    spec = importlib.util.spec_from_file_location(f"mutants_of_{topic.name}", topic.mutants)
    if spec is None or spec.loader is None:
        raise KitError(f"{topic.mutants}: cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise KitError(f"{topic.mutants}:{error.lineno}: does not parse: {error.msg}") from None
    except Exception as error:  # noqa: BLE001  whatever the author's file raises
        raise KitError(f"{topic.mutants}: cannot be loaded: {type(error).__name__}: {error}") from None
    found: Any = getattr(module, "MUTANTS", None)
    if not isinstance(found, tuple) or not all(isinstance(item, Mutant) for item in found):
        raise KitError(f"{topic.mutants}: MUTANTS must be a tuple of Mutant")
    return found


def source(mutant: Mutant, reference: str) -> str:
    """The reference module's text with the mutant's edit; KitError unless the edit fits in exactly one place."""
    name = mutant.within or mutant.task
    found = [definition for definition in definitions(reference) if definition.name == name]
    if len(found) != 1:
        raise KitError(f"mutant {mutant.phrase!r}: the reference has {len(found)} definitions named {name}")
    lines = reference.splitlines(keepends=True)
    first, last = found[0].lines
    before, body, after = "".join(lines[:first]), "".join(lines[first:last]), "".join(lines[last:])
    if body.count(mutant.old) != 1:
        raise KitError(f"mutant {mutant.phrase!r}: {mutant.old!r} is in {name} {body.count(mutant.old)} times, not once")
    return before + body.replace(mutant.old, mutant.new) + after


@dataclass(frozen=True)
class Definition:
    """A function or class of a module: its `lines`, the first one counted from 0, and the outermost one that it is `within`."""

    name: str
    within: str
    lines: tuple[int, int]


@functools.cache
def definitions(reference: str) -> tuple[Definition, ...]:
    """All functions and classes of a module, also those within others."""
    kinds = ast.FunctionDef | ast.ClassDef
    return tuple(
        Definition(node.name, getattr(outermost, "name", ""), (node.lineno - 1, node.end_lineno or node.lineno))
        for outermost in ast.parse(reference).body
        for node in ast.walk(outermost)
        if isinstance(node, kinds)
    )
