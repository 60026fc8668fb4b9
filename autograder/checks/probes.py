"""Packs a probe: a function of a suite that travels as code and runs beside the learner's module.

A probe may name what its module imports, other functions and classes of its module, and constants. What cannot travel (a
list, a dict, a tensor of its module) is refused here, with its name, before the learner's code has any part in it.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import marshal
import operator
import symtable
import textwrap
import types
from collections.abc import Callable, Iterator
from typing import Any

import torch

_GIVEN = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nimport numpy as np\n"


class ProbeError(Exception):
    """A probe cannot travel: a mistake of the suite's author."""


@functools.cache
def probe_code(probe: Callable[..., Any]) -> bytes:
    """The compiled source of a probe, compiled once and not by each child again.

    Marshalled code goes from the grader to a child and never the other way: to read it is to trust it.
    """
    return marshal.dumps(compile(probe_source(probe), "<suite>", "exec", dont_inherit=True))


def probe_source(probe: Callable[..., Any]) -> str:
    """Source text of the probe and of everything of its own suite that it names, fit to be run elsewhere.

    Raises:
        ProbeError: it names something that cannot travel.
    """
    packer = _Packer(probe)
    packer.definition(probe.__name__, probe)
    return _GIVEN + "\n".join(dict.fromkeys(packer.imports)) + "\n" + "\n\n".join(packer.parts.values())


class _Packer:
    """Gathers the imports and, in the order in which they must be defined, the definitions that a probe needs."""

    def __init__(self, probe: Callable[..., Any]) -> None:
        if not isinstance(probe, types.FunctionType) or probe.__name__ == "<lambda>":
            raise ProbeError(f"a probe must be a function that `def` defines, not {probe!r}")
        if probe.__closure__:
            raise ProbeError(f"the probe {probe.__name__} uses {', '.join(probe.__code__.co_freevars)} of the function around "
                             "it, which cannot travel: pass it as an argument")  # fmt: skip
        self._probe, self._names = probe.__name__, probe.__globals__
        self._module = "".join(inspect.findsource(probe)[0])
        self.imports: list[str] = []
        self.parts: dict[str, str] = {}

    def definition(self, name: str, value: Any) -> None:
        if name in self.parts:
            return
        text = _text(self._module, value.__qualname__) or _without_annotations(textwrap.dedent(inspect.getsource(value)))
        self.parts[name] = ""  # named already: a helper may call itself
        for other in sorted(set(_global_names(text)) & self._names.keys() - {name}):
            self.use(other, self._names[other])
        del self.parts[name]  # after what it needs
        self.parts[name] = text

    def use(self, name: str, value: Any) -> None:
        """Provide for what a definition calls `name`."""
        home = getattr(value, "__module__", None)
        if isinstance(value, types.ModuleType):
            self.imports.append(f"import {value.__name__} as {name}")
        elif home == self._names["__name__"] and isinstance(value, types.FunctionType | type):
            self.definition(name, value)
        elif text := _literal(value) or _path(value):
            self.parts.setdefault(name, f"{name} = {text}")
        elif home != "builtins":
            raise ProbeError(f"the probe {self._probe} uses {name}, a {type(value).__name__} of its module, which cannot "
                             "travel: pass it as an argument, or make it a function")  # fmt: skip


@functools.lru_cache(maxsize=512)
def _text(module: str, name: str) -> str:
    """The one definition of that name in the text of a module; "" if there is another. `inspect` would parse all for each."""
    found = [part for part in _parts(module) if part.name == name]
    return _without_annotations(ast.unparse(found[0])) if len(found) == 1 else ""


@functools.lru_cache(maxsize=8)
def _parts(module: str) -> list[ast.FunctionDef | ast.ClassDef]:
    return [part for part in ast.parse(module).body if isinstance(part, ast.FunctionDef | ast.ClassDef)]


def _without_annotations(text: str) -> str:
    return ast.unparse(_WithoutAnnotations().visit(ast.parse(text)))


class _WithoutAnnotations(ast.NodeTransformer):
    """Types are for the author's tools: where a probe runs, their names need not be known. A class keeps its fields' types."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [each if isinstance(each, ast.AnnAssign) else self.visit(each) for each in node.body]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return ast.copy_location(ast.Assign([node.target], node.value) if node.value else ast.Pass(), node)


def _global_names(text: str) -> Iterator[str]:
    """The names that a definition takes from its module, its own local names left out."""
    pending = [symtable.symtable(text, "<suite>", "exec")]
    while pending:
        table = pending.pop()
        pending.extend(table.get_children())
        top = table.get_type() == "module"
        yield from (s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global()))


def _path(value: Any) -> str:
    """An expression that finds a function or class where it was imported from; "" if it cannot be found there."""
    home, path = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    try:
        found = operator.attrgetter(path)(importlib.import_module(home)) if home and path else None
    except (ImportError, AttributeError):
        return ""
    return f"__import__('importlib').import_module({home!r}).{path}" if found is value else ""


def _literal(value: object) -> str | None:
    """Text that gives the same constant elsewhere; None if it is no constant."""
    if value is None or isinstance(value, bool | int | float | str | bytes | torch.dtype):
        return f"float({str(value)!r})" if isinstance(value, float) else repr(value)
    if type(value) is tuple:
        items = [_literal(item) for item in value]
        return None if None in items else f"({''.join(f'{item}, ' for item in items)})"
    return None
