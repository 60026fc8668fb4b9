"""`-k TASK` selects the checks of that task and no others.

pytest's own `-k` looks for the word in the names of folders and files as well: in test_net.py, `-k Net` is everything. Here
an expression whose words are all names of tasks is about tasks; any other is left to pytest.
"""

from __future__ import annotations

import ast
from collections.abc import Collection


def chosen(expression: str, tasks: Collection[str]) -> frozenset[str] | None:
    """Which of the tasks the expression is true for; None if one of its words is no task's name.

    Upper and lower case are alike, as in pytest.
    """
    names = {task.casefold() for task in tasks}
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
        return frozenset(task for task in tasks if _holds(tree, task.casefold(), names))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _holds(node: ast.expr, task: str, names: Collection[str]) -> bool:
    match node:
        case ast.Name(id=word) if word.casefold() in names:
            return word.casefold() == task
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _holds(operand, task, names)
        case ast.BoolOp(op=ast.And(), values=values):
            return all([_holds(value, task, names) for value in values])  # noqa: C419  each word has to be looked at
        case ast.BoolOp(op=ast.Or(), values=values):
            return any([_holds(value, task, names) for value in values])  # noqa: C419  the same
    raise ValueError("not an expression of tasks' names")
