"""A new topic's files, and a new task's part of them. Nothing is written before all of it is known to fit."""

from __future__ import annotations

import ast
import keyword
import re
import sys
import textwrap
from collections.abc import Collection
from pathlib import Path

from autograder.course import Course, load
from autograder.course.fields import TASK_NAME
from autograder.errors import KitError
from autograder.files import write_atomically
from autograder.frontends.new import course_entry, texts
from autograder.frontends.new.imports import with_imports
from autograder.text import one_line

_TOPIC = re.compile(r"(\d\d)_([a-z][a-z0-9_]*)")
_MODULES = sys.stdlib_module_names | {"autograder", "numpy", "pytest", "torch", "torchvision"}
_USED = {"torch", "Tensor"}  # by the stub itself
_OTHER_FILES = {"conftest", "lesson", "mutants"}  # beside a topic's module or its solution


def new(course: Course, topic: str, *tasks: str) -> list[str]:
    """Make a topic with its first tasks, or add tasks to a topic that is there.

    Args:
        course: the course that gets them.
        topic: the folder's name, two digits and a word, as in 12_attention.
        tasks: the functions' names; a new topic without any gets a task of the topic's own name.

    Returns:
        What was written, a line each.

    Raises:
        KitError: a name cannot be used, the topic or the task is there already, or a file has no place for it.
    """
    there = {each.name for each in course.topics}
    if topic in there and not tasks:
        raise KitError(f"{topic} is there already: `autograder new {topic} TASK` adds a task to it")
    tasks = tasks or (topic[3:],)
    if topic not in there:
        _refuse_topic(topic)
    _refuse_tasks(topic, tasks, {each.id for each in course.topic(topic).tasks} if topic in there else set())
    written: dict[Path, str] = {}
    for number, task in enumerate(tasks):
        files = _with_task(load(course.root), topic, task) if topic in there or number else _topic(course, topic, task)
        for path, text in files.items():
            write_atomically(path, text)
        written |= files
    return [*(f"wrote {path.relative_to(course.root)}" for path in written),
            f"next: replace each TODO(author), then `autograder verify {topic}`"]  # fmt: skip


def _refuse_topic(name: str) -> None:
    """KitError if a new topic cannot be called that."""
    parts = _TOPIC.fullmatch(name)
    if not parts:
        raise KitError(f"{name}: a topic's name is two digits and a word in small letters, as in 12_attention")
    if parts[2] in _OTHER_FILES:
        raise KitError(f"{parts[2]}: a topic has a file of that name for something else: take another word")
    if parts[2] in _MODULES:
        raise KitError(f"{parts[2]}: Python or PyTorch has a module of that name, which {name}'s would hide: take another word")


def _refuse_tasks(topic: str, tasks: tuple[str, ...], known: Collection[str]) -> None:
    """KitError if a new task of the topic, which has those that are `known`, cannot be called so."""
    for number, task in enumerate(tasks):
        if not task.isidentifier() or keyword.iskeyword(task) or task.startswith("_") or task in _USED:
            raise KitError(f"{task}: a task's name is that of a function, as in train_step")
        if not re.fullmatch(TASK_NAME, task) or task.startswith("test"):
            rule = "so TASK does not begin with test, ends with no underline and has no two in a row"
            raise KitError(f"{task}: a check is called test_TASK__what, {rule}")
        if task in known:
            raise KitError(f"{topic} has a task {task} already")
        if task in tasks[:number]:
            raise KitError(f"{task}: you have named it twice")


def _topic(course: Course, name: str, task: str) -> dict[Path, str]:
    number, _, module = name.partition("_")
    root = course.root
    exercise, solution, hidden = (root / folder / name for folder in ("exercises", "solutions", "tests/hidden"))
    for folder in (exercise, solution, hidden):
        if folder.exists():
            raise KitError(f"{folder.relative_to(root)} is there already, though course.yaml has no topic {name}")
    title = module.replace("_", " ").capitalize()
    words = {"number": str(int(number)), "topic": name, "title": title, "module": f"{module}.py"}
    entry = texts.TOPIC_ENTRY.substitute(words) + textwrap.indent(texts.TASK_ENTRY.substitute(task=task), "    ")
    return {
        **{exercise / file: text.substitute(words) for file, text in texts.LESSON.items()},
        exercise / f"{module}.py": texts.STUB.substitute(words) + texts.STUB_TASK.substitute(task=task),
        exercise / f"test_{module}.py": texts.PUBLIC + texts.PUBLIC_TASK.substitute(task=task),
        solution / f"{module}.py": texts.SOLUTION.substitute(words) + texts.SOLUTION_TASK.substitute(task=task),
        solution / "mutants.py": _with_mutants(Path("mutants.py"), texts.MUTANTS, task),
        hidden / f"test_{module}.py": texts.HIDDEN + _hidden_task(task),
        root / "course.yaml": course_entry.with_topic(root / "course.yaml", entry),
    }


def _with_task(course: Course, name: str, task: str) -> dict[Path, str]:
    topic, root = course.topic(name), course.root
    public, mutants = topic.public_checks, topic.mutants
    entry = texts.TASK_ENTRY.substitute(task=task)
    return {
        topic.stub: with_imports(_text(topic.stub), "torch", "torch.Tensor") + texts.STUB_TASK.substitute(task=task),
        public: with_imports(_text(public), "torch", "autograder.expect_close") + texts.PUBLIC_TASK.substitute(task=task),
        topic.solution: with_imports(_text(topic.solution), "torch.Tensor") + texts.SOLUTION_TASK.substitute(task=task),
        topic.hidden_suite: with_imports(_text(topic.hidden_suite), "torch", "autograder.Reference") + _hidden_task(task),
        mutants: _with_mutants(mutants, _text(mutants), task),
        root / "course.yaml": course_entry.with_task(root / "course.yaml", name, entry),
    }


def _hidden_task(task: str) -> str:
    return texts.HIDDEN_TASK.substitute(task=task, constant=task.upper())


def _text(path: Path) -> str:
    """What stands in a file of Python; KitError if it cannot be read, or does not parse."""
    try:
        text = path.read_text(encoding="utf-8")
        ast.parse(text)
    except OSError as error:
        raise KitError(f"{path}: cannot be read ({error.strerror})") from None
    except (SyntaxError, ValueError) as error:
        raise KitError(f"{path}: does not parse: {one_line(error)}") from None
    return text


def _with_mutants(path: Path, text: str, task: str) -> str:
    """The text with mutants of the task at the end of MUTANTS."""
    values = [
        node.value for node in ast.parse(text).body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MUTANTS"
    ]
    if not values or not isinstance(values[0], ast.Tuple) or values[0].end_lineno is None:
        raise KitError(f"{path}: there is no MUTANTS = (…) to which mutants could be added")
    lines = text.splitlines(keepends=True)
    at, own = values[0].end_lineno - 1, texts.MUTANT_LINES.substitute(task=task)
    if not values[0].elts:
        lines[at] = lines[at].replace("()", f"(\n{own})")
    else:
        last = values[0].elts[-1].end_lineno or at
        if last > at or not lines[at].lstrip().startswith(")"):
            raise KitError(f"{path}: the closing parenthesis of MUTANTS has no line of its own")
        lines.insert(at, own)
    return "".join(lines)
