"""Reads public checks without pytest, for a notebook and for `autograder watch`: a run of pytest costs more than the checks.

What such checks may use of pytest is the kit's own fixtures and marks, and `pytest.mark.parametrize`; the names of their cases
are pytest's, for the random inputs follow from them.
"""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from autograder.checks.check import Check, Fixtures, title_of
from autograder.errors import KitError

OFFERED = (*(field.name for field in fields(Fixtures) if field.name != "attached"), "attach")


def read(path: Path, name: str = "public_checks") -> types.ModuleType:
    """The file of checks, imported afresh under that name. Raises whatever its code raises."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # noqa: PT018, S101  for the type checker: it is a Python file
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # so that the source of its probes can be found
    spec.loader.exec_module(module)
    return module


def checks(suite: types.ModuleType, topic: str, task: str, forbid: str) -> list[Check]:
    """The suite's checks of a task in the file's order, one for each case of a parametrized one."""
    found = []
    for name, function in vars(suite).items():
        if name.startswith(f"test_{task}__"):
            marks = list(getattr(function, "pytestmark", []))
            devices = next((mark.args[0] for mark in marks if mark.name == "devices"), None)
            for case, arguments in _cases(marks):
                call = _caller(name, function, arguments)
                found.append(Check(topic, task, name + case, title_of(function), call, devices, forbid))
    return found


def _caller(name: str, function: Callable[..., object], arguments: dict[str, Any]) -> Callable[[Fixtures], object]:
    def call(fixtures: Fixtures) -> object:
        wanted = [argument for argument in inspect.signature(function).parameters if argument not in arguments]
        if unknown := [argument for argument in wanted if argument not in OFFERED]:
            raise KitError(f"{name} asks for {', '.join(unknown)}, which only pytest offers")
        return function(**arguments, **{argument: getattr(fixtures, argument) for argument in wanted})

    return call


def _cases(marks: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The cases of a check: what pytest adds to its name, and the arguments; one of ("", {}) where it is not parametrized."""
    axes = []
    for mark in (mark for mark in marks if mark.name == "parametrize"):
        names = [name.strip() for name in mark.args[0].split(",")] if isinstance(mark.args[0], str) else list(mark.args[0])
        ids = mark.kwargs.get("ids")
        axis = []
        for index, row in enumerate(mark.args[1]):
            given, row_id = (row.values, row.id) if hasattr(row, "values") and hasattr(row, "marks") else (row, None)
            values = list(given) if len(names) > 1 or given is not row else [given]
            if row_id is None and isinstance(ids, list | tuple):
                row_id = ids[index]
            parts = [_shown(name, value, index, ids) for name, value in zip(names, values, strict=True)]
            axis.append(("-".join(parts) if row_id is None else str(row_id), dict(zip(names, values, strict=True))))
        axes.append(axis)
    for case in itertools.product(*axes):
        arguments = {name: value for _, given in case for name, value in given.items()}
        yield (f"[{'-'.join(shown for shown, _ in case)}]" if case else ""), arguments


def _shown(name: str, value: Any, index: int, ids: Any) -> str:
    """A value in a case's name, as pytest writes it."""
    if callable(ids) and (chosen := ids(value)) is not None:
        return str(chosen)
    if isinstance(value, str | int | float | complex | bool | None):
        return str(value)
    shown = getattr(value, "__name__", None)
    return shown if isinstance(shown, str) else f"{name}{index}"
