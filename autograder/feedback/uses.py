"""What the text of a learner's module tells: which tasks call which, and which are still the stub. Nothing of it is run."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def defined(source: bytes) -> frozenset[str] | None:
    """Names of the functions and classes of the module's top level; None where the text cannot tell (it may import more)."""
    tree = _tree(source)
    if tree is None or any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree)):
        return None
    return frozenset(node.name for node in tree.body if isinstance(node, Definition))


def uses(source: bytes, tasks: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The other tasks that each task of the module calls, itself or through a helper that is no task, in alphabetical order."""
    tree = _tree(source)
    definitions = {node.name: node for node in (tree.body if tree else ()) if isinstance(node, Definition)}
    found = {}
    for task in definitions.keys() & set(tasks):
        seen, waiting = {task}, [task]
        while waiting:
            name = waiting.pop()
            for called in definitions.keys() & _called(definitions[name]) - seen:
                seen.add(called)
                if called not in tasks:
                    waiting.append(called)
        found[task] = tuple(sorted((seen & set(tasks)) - {task}))
    return found


def untouched(source: bytes) -> frozenset[str]:
    """Names of the module's top level that are still the stub: all they do is to raise NotImplementedError."""
    tree = _tree(source)
    definitions = [node for node in (tree.body if tree else ()) if isinstance(node, Definition)]
    names = [node.name for node in definitions]
    return frozenset(node.name for node in definitions if names.count(node.name) == 1 and _only_raises(node))


def written(tree: ast.Module) -> frozenset[str]:
    """Names of the functions and classes of the module's top level whose text does more than to raise NotImplementedError."""
    last = {node.name: node for node in tree.body if isinstance(node, Definition)}
    return frozenset(name for name, node in last.items() if not _only_raises(node))


def _only_raises(definition: Definition) -> bool:
    first, *rest = definition.body
    body = rest if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) else definition.body
    if definition.decorator_list or not body:
        return False
    if isinstance(definition, ast.ClassDef):
        return all(isinstance(node, ast.FunctionDef) and _only_raises(node) for node in body)
    raised = body[0].exc if isinstance(body[0], ast.Raise) else None
    kind = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(kind, ast.Name) and kind.id == "NotImplementedError"


def _tree(source: bytes) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _called(definition: Definition) -> set[str]:
    """Names that are called in a definition and are not its own."""
    return set(_calls(definition)) - set(_own_names(definition))


def _calls(definition: Definition) -> Iterator[str]:
    for node in ast.walk(definition):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def _own_names(definition: Definition) -> Iterator[str]:
    for node in ast.walk(definition):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, Definition) and node is not definition:
            yield node.name
