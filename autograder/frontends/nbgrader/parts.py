"""A topic's module in parts, each of which becomes a cell: the stub's text, with the solution where the stub has a TODO."""

from __future__ import annotations

import ast
import functools
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from autograder.course import Topic
from autograder.errors import KitError

Definition = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Part:
    """Source text that stays together. `tasks` are done in it; `name` is the definition's, or "" for given code."""

    name: str
    tasks: tuple[str, ...]
    source: str


def groups(topic: Topic) -> dict[str, tuple[str, ...]]:
    """The tasks of each part of the stub that holds any, in the stub's order, by the name of the part's first definition."""
    found = _groups(topic, _parse(topic.stub.read_text(encoding="utf-8"), str(topic.stub)))
    return {nodes[0].name: tasks for nodes, tasks in found}


def _groups(topic: Topic, tree: ast.Module) -> list[tuple[list[Definition], tuple[str, ...]]]:
    """The stub's definitions that make a part, and the tasks that are done in it.

    A method counts to its class. Functions to be completed that no task is named after belong to the task that they stand
    behind; if the next task has no definition of its own, to that one. Without such functions it counts to the task before it.
    """
    homes: dict[str, Definition] = {}
    for node in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        homes.update({member.name: node for member in node.body if isinstance(member, ast.FunctionDef)})
    homes.update({node.name: node for node in tree.body if isinstance(node, Definition)})
    ids = [task.id for task in topic.tasks]
    held: list[tuple[list[Definition], list[str]]] = []
    last: list[str] = []  # the tasks of the part of the task before
    for task, following in zip(ids, [*ids[1:], ""], strict=True):
        home = homes.get(task)
        if home is None and not held:
            raise KitError(f"{topic.stub}: no function or class for the task {task}")
        behind = _behind(tree, home or held[-1][0][-1], ids)
        there = [tasks for nodes, tasks in held if home in nodes]
        if there or (home is None and not behind):
            last = there[0] if there else last
            last.append(task)
            continue
        last = [task]
        if home is None:
            held.append((behind, last))
        else:
            held.append(([home, *(behind if following in homes or not following else ())], last))
    return sorted(((nodes, tuple(tasks)) for nodes, tasks in held), key=lambda part: part[0][0].lineno)


def _behind(tree: ast.Module, node: Definition, tasks: Sequence[str]) -> list[Definition]:
    """The functions right behind a definition that are to be completed, and that no task is named after."""
    found: list[Definition] = []
    for each in tree.body[tree.body.index(node) + 1 :]:
        if not isinstance(each, ast.FunctionDef) or each.name in tasks or not _is_todo(each.body[-1]):
            break
        found.append(each)
    return found


def parts(topic: Topic) -> list[Part]:
    """The whole module, without its docstring, in order; KitError where solution and stub do not fit together."""
    stub, solution = topic.stub.read_text(encoding="utf-8"), topic.solution.read_text(encoding="utf-8")
    tree, reference = _parse(stub, str(topic.stub)), _parse(solution, str(topic.solution))
    solved = {node.name: node for node in reference.body if isinstance(node, Definition)}
    known = {ast.unparse(node) for node in _single(tree)}
    extras = [node for node in _single(reference) if ast.unparse(node) not in known
              and getattr(node, "name", "") not in solved.keys() & _names(tree)]  # fmt: skip

    def merged(node: Definition) -> str:
        if node.name not in solved:
            raise KitError(f"{topic.solution}: there is no {node.name}, which the stub has")
        return _merged(node, solved[node.name], stub, solution, extras)

    return _cut(topic, stub, tree, merged)


def handed_out(topic: Topic, stub: str) -> list[Part]:
    """The whole module without its docstring, as students receive it: read from the stub's text alone, in any language.

    Raises:
        KitError: a task is more than a stub, as after somebody has solved it in the course's own folder.
    """
    return _cut(topic, stub, _parse(stub, str(topic.stub)), functools.partial(_open, topic, stub))


def _cut(topic: Topic, stub: str, tree: ast.Module, text: Callable[[Definition], str]) -> list[Part]:
    """The stub in parts, with that text for each definition that holds tasks."""
    lines = stub.splitlines()
    found: list[Part] = []
    line = tree.body[0].end_lineno or 0 if _docstring(tree) else 0
    for nodes, tasks in _groups(topic, tree):
        found += _given(lines[line : _first_line(nodes[0]) - 1])
        line = nodes[-1].end_lineno or 0
        found.append(Part(nodes[0].name, tasks, "\n\n\n".join(map(text, nodes))))
    return [*found, *_given(lines[line:])]


def _open(topic: Topic, stub: str, node: Definition) -> str:
    """The definition as nbgrader hands it out: its words for each `raise NotImplementedError` that ends a function."""
    own = [member for member in node.body if isinstance(member, ast.FunctionDef)] if isinstance(node, ast.ClassDef) else [node]
    todo = [function.body[-1] for function in own if _is_todo(function.body[-1])]
    if not todo:
        raise KitError(f"{topic.stub}:{node.lineno}: {node.name} is no stub: nothing in it ends in `raise NotImplementedError`")
    lines = stub.splitlines()
    for last in reversed(todo):
        indent = " " * last.col_offset
        lines[last.lineno - 1 : last.end_lineno] = [f"{indent}# YOUR CODE HERE\n{indent}raise NotImplementedError()"]
    return "\n".join(lines[_first_line(node) - 1 : node.end_lineno])


def _is_todo(node: ast.stmt) -> bool:
    return isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node)


def introduction(stub: str, name: str) -> str:
    """The docstring of a stub's text without the sentences about files and commands, which a notebook does not have."""
    text = ast.get_docstring(_parse(stub, name)) or ""
    end, between = (r"(?<=。)\s*", "") if "。" in text else (r"(?<=[.:])\s+", " ")
    paragraphs = (re.split(end, paragraph) for paragraph in text.split("\n\n"))
    kept = (between.join(s for s in p if "pytest" not in s and "README" not in s) for p in paragraphs)
    return "\n\n".join(paragraph for paragraph in kept if paragraph)


def _parse(text: str, name: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise KitError(f"{name}:{error.lineno}: does not parse: {error.msg}") from None


def _single(tree: ast.Module) -> Iterator[ast.stmt]:
    """The module's statements after its docstring, with one import for each imported name."""
    for node in tree.body[_docstring(tree) :]:
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            yield from (ast.ImportFrom(node.module, [alias], node.level) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (ast.Import([alias]) for alias in node.names)
        elif not isinstance(node, ast.ImportFrom):
            yield node


def _names(tree: ast.Module) -> set[str]:
    return {node.name for node in tree.body if isinstance(node, Definition)}


def _docstring(node: ast.Module | Definition) -> int:
    """How many statements at the start are a docstring: 0 or 1."""
    return int(ast.get_docstring(node) is not None)


def _given(lines: list[str]) -> Iterator[Part]:
    text = re.sub(r"  # noqa\b.*", "", "\n".join(lines)).strip()
    if text:
        yield Part("", (), text)


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _merged(node: Definition, solved: Definition, stub: str, solution: str, extras: list[ast.stmt]) -> str:
    """The stub's definition, with the solution in the place of each `raise NotImplementedError` that ends a function."""
    pairs = [(node, solved)]
    if isinstance(node, ast.ClassDef):
        methods = {member.name: member for member in solved.body if isinstance(member, ast.FunctionDef)}
        own = [member for member in node.body if isinstance(member, ast.FunctionDef)]
        if missing := {member.name for member in own} ^ methods.keys():
            raise KitError(f"{node.name}: stub and solution do not have the same methods: {', '.join(sorted(missing))}")
        pairs = [(member, methods[member.name]) for member in own]
    lines = stub.splitlines()
    start, end = _first_line(node) - 1, node.end_lineno or 0
    for todo, done in reversed(pairs):
        last = todo.body[-1]
        if _is_todo(last):
            region = _region(todo, done, solution, extras)
            end += len(region) - 1
            lines[last.lineno - 1 : last.end_lineno] = region
    return "\n".join(lines[start:end])


def _region(todo: Definition, done: Definition, solution: str, extras: list[ast.stmt]) -> list[str]:
    """The solution's statements that the stub does not give already, between nbgrader's delimiters."""
    given = todo.body[_docstring(todo) : -1]
    own = done.body[_docstring(done) :]
    while given and own and ast.unparse(given[0]) == ast.unparse(own[0]):
        given, own = given[1:], own[1:]
    texts = solution.splitlines()
    line = _first_line(own[0]) - 1 if own else 0
    while own and texts[line - 1].lstrip().startswith("#"):
        line -= 1
    body = texts[line : done.end_lineno] if own else []
    indent = " " * todo.body[-1].col_offset
    needed = [ast.get_source_segment(solution, node) or ast.unparse(node) for node in _needed(own, extras)]
    helpers = textwrap.indent("\n".join(needed), indent).splitlines()
    return [f"{indent}### BEGIN SOLUTION", *helpers, *body, f"{indent}### END SOLUTION"]


def _needed(body: list[ast.stmt], extras: list[ast.stmt]) -> list[ast.stmt]:
    """Those of the extras whose names the body uses, directly or through others of them."""
    needed: list[ast.stmt] = []
    while True:
        used = {node.id for part in [*body, *needed] for node in ast.walk(part) if isinstance(node, ast.Name)}
        found = [node for node in extras if used & set(_binds(node))]
        if found == needed:
            return needed
        needed = found


def _binds(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, Definition):
        yield node.name
    else:
        yield from (n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
