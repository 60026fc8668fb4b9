"""Imports that a new task needs, in the place where a formatter would put them; all other lines as they were."""

from __future__ import annotations

import ast

_WIDTH = 130  # of this course's lines


def with_imports(text: str, *wanted: str) -> str:
    """A module's text with those names imported that it does not know yet: "torch" is a module, "torch.Tensor" a name of one."""
    text = text.rstrip("\n") + "\n"
    for name in wanted:
        package, _, part = name.rpartition(".")
        text = _with_name(text, package, part) if package else _with_module(text, part)
    return text


def _with_module(text: str, name: str) -> str:
    """The text with `import name`, before what is imported from it or behind all imports."""
    there = _imports(text)
    if name in _known(there):
        return text
    before = [node.lineno - 1 for node in there if isinstance(node, ast.ImportFrom) and node.module == name]
    return _inserted(text, before[0] if before else _behind_imports(text), f"import {name}\n")


def _with_name(text: str, package: str, name: str) -> str:
    """The text with the name imported from the package, in the line that imports others from there if there is one."""
    there = _imports(text)
    if name in _known(there):
        return text
    lines = text.splitlines(keepends=True)
    for node in there:
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        plain = not any(alias.asname for alias in node.names) and "#" not in "".join(lines[first:last])
        if isinstance(node, ast.ImportFrom) and node.module == package and plain:
            names = sorted([name, *(alias.name for alias in node.names)], key=_as_sorted)
            return "".join([*lines[:first], _from(package, names), *lines[last:]])
    return _inserted(text, _behind_imports(text), _from(package, [name]))


def _from(package: str, names: list[str]) -> str:
    line = f"from {package} import {', '.join(names)}\n"
    if len(line.rstrip()) <= _WIDTH:
        return line
    return f"from {package} import (\n" + "".join(f"    {name},\n" for name in names) + ")\n"


def _as_sorted(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, as isort has them."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def _imports(text: str) -> list[ast.Import | ast.ImportFrom]:
    return [node for node in ast.parse(text).body if isinstance(node, ast.Import | ast.ImportFrom)]


def _known(imports: list[ast.Import | ast.ImportFrom]) -> set[str]:
    return {alias.asname or alias.name for node in imports for alias in node.names}


def _behind_imports(text: str) -> int:
    """The number of the line, from 0, behind the last import, or the docstring where there is none."""
    docstring = [node for node in ast.parse(text).body if isinstance(node, ast.Expr)][:1]
    return next((node.end_lineno or 0 for node in (*reversed(_imports(text)), *docstring)), 0)


def _inserted(text: str, at: int, new: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:at], new, *lines[at:]])
