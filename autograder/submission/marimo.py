"""The code of a marimo notebook, which is a Python file, as cells.

marimo writes each cell as a function whose parameters are the names that it takes from other cells and whose `return` hands on
those that it defines (docs.marimo.io, "Reusable functions and classes"); a cell that defines one function or class may stand
as that definition, and the imports in a `with app.setup:`. Imported as it is, the file defines nothing of this.
"""

from __future__ import annotations

import ast
import textwrap

_WHOLE = {"function", "class_definition"}  # what follows is the cell


def cells(text: str) -> list[tuple[str, int]]:
    """Each cell's source, in the file's order, and the line that it begins at; none if the text is no marimo notebook."""
    if "__generated_with" not in text:
        return []
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    if not any(isinstance(node, ast.Assign) and any(_is_name(n, "__generated_with") for n in node.targets) for node in body):
        return []
    lines = text.split("\n")
    return [cell for node in body if (cell := _cell(node, lines))]


def _cell(node: ast.stmt, lines: list[str]) -> tuple[str, int] | None:
    if isinstance(node, ast.With) and any(_of_app(item.context_expr) == "setup" for item in node.items):
        return _source(node.body, lines)
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return None
    kind = next((kind for decorator in node.decorator_list if (kind := _of_app(decorator))), None)
    if kind in _WHOLE:
        node.decorator_list = [decorator for decorator in node.decorator_list if _of_app(decorator) is None]
        return _source([node], lines)
    returns = isinstance(node.body[-1], ast.Return)  # marimo's own
    return _source(node.body[:-1] if returns else node.body, lines) if kind == "cell" else None


def _source(body: list[ast.stmt], lines: list[str]) -> tuple[str, int] | None:
    """The statements as a module's."""
    if not body:
        return None
    first = min([body[0].lineno, *(decorator.lineno for decorator in getattr(body[0], "decorator_list", ()))])
    return textwrap.dedent("\n".join(lines[first - 1 : body[-1].end_lineno])) + "\n", first


def _of_app(node: ast.expr) -> str | None:
    """The attribute of `app` that is used: `app.cell`, or `app.cell(hide_code=True)`."""
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) and _is_name(node.value, "app") else None


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
