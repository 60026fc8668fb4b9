"""The notebook of a topic as instructors keep it in source/: the lesson, the tasks with their solutions, their tests."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from autograder.course import Task, Topic
from autograder.errors import KitError
from autograder.frontends.nbgrader.parts import Part, handed_out, introduction, parts
from autograder.language import CHINESE, ENGLISH, Language, stubs
from autograder.submission.notebook import CHECKS_FILE

Cell = dict[str, Any]
Document = dict[str, Any]
LESSON = "README.md"
_LESSONS = {ENGLISH: LESSON, CHINESE: "README.zh.md"}
_HOW = (
    "Complete the cells below, each where it says `YOUR CODE HERE`. The cell after it shows whether the public checks of "
    "the task pass, for the code in this notebook. When you hand in, further checks decide your points. You may add "
    f"cells. Before you hand in, restart and run all. Keep `{CHECKS_FILE}` beside the notebook."
)


def test_cell(task: str) -> str:
    """The grade id of the task's locked test cell."""
    return f"test_{task}"


def notebook(topic: Topic, *, for_students: bool = False, language: str = ENGLISH) -> Document:
    """The notebook as JSON data, the same at every call; KitError where the topic's files do not fit together.

    `for_students` it is what nbgrader makes of it for them, and the solution is not even read; that in any `language` in which
    the topic has its lesson, or else in English.
    """
    solution = () if for_students else (topic.solution,)
    if not (topic.exercise / _LESSONS[language]).is_file():
        language = ENGLISH
    for path in (topic.public_checks, topic.stub, topic.exercise / LESSON, *solution):
        if not path.is_file():
            raise KitError(f"{path}: there is no such file yet, so there can be no notebook")
    stub = stub_text(topic, language if for_students else ENGLISH)
    found = handed_out(topic, stub) if for_students else parts(topic)
    cells = list(_cells(topic, stub, found, Language(language)))
    if for_students:
        cells = [_locked(cell) for cell in cells]
    return {
        "cells": cells,
        "metadata": {
            "autograder": {"topic": topic.name, "fingerprint": fingerprint(cells)},
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def stub_text(topic: Topic, language: str) -> str:
    """The stub's text with its docstrings and TODOs in the language, as far as the course has them."""
    return stubs.translated(topic.stub.read_text(encoding="utf-8"), stubs.translations(topic.root, language))


def text(document: Document) -> str:
    """The content of the .ipynb file."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def fingerprint(cells: list[Cell]) -> str:
    """Changes when somebody edits the cells, not when they are run or saved."""
    essence = [["".join(cell["source"]), cell["cell_type"], cell["metadata"].get("nbgrader")] for cell in cells]
    return hashlib.sha256(json.dumps(essence, sort_keys=True).encode()).hexdigest()[:16]


def public_checks(topic: Topic) -> str:
    """The public checks as a file beside the notebook, with what `autograder.frontends.jupyter` wants to know of the tasks."""
    tasks = {task.id: {"hint": task.hint, "forbid": task.forbid, **_time(topic, task)} for task in topic.tasks}
    lines = ",\n".join(f"    {name!r}: {known!r}" for name, known in tasks.items())
    suite = topic.public_checks.read_text(encoding="utf-8").rstrip()
    return f"{suite}\n\n\nTOPIC = {topic.name!r}\nTASKS = {{\n{lines},\n}}\n"


def _time(topic: Topic, task: Task) -> dict[str, Any]:
    """How long a check of the task may take, and how much it trains, if it does; on which images is the course's own affair."""
    if topic.training is None or not task.trains:
        return {"seconds": task.limits.check_seconds}
    _, budget = topic.training.chosen()
    return {"seconds": budget["seconds"], "training": budget}


def _cells(topic: Topic, stub: str, found: list[Part], words: Language) -> Iterator[Cell]:
    for number, section in enumerate(_sections(topic, words), 1):
        yield _markdown(f"lesson-{number}", section)
    yield _markdown(
        "tasks", "\n\n".join(filter(None, [words.say("## The tasks"), introduction(stub, str(topic.stub)), words.say(_HOW)]))
    )
    given = 0
    for part in found:
        if not part.tasks:
            given += 1
            yield _code(f"given-{given}", part.source, {})
            continue
        points = ", ".join(f"`{task}` ({words.say(_points(topic.task(task).points))})" for task in part.tasks)
        yield _markdown(f"about-{part.name}", f"### {points}")
        yield _code(part.name, part.source, {"grade_id": part.name, "solution": True})
        for task in part.tasks:
            call = f"from autograder.frontends.jupyter import check\n\ncheck({task!r}, globals())"
            marks = {"grade_id": test_cell(task), "grade": True, "locked": True, "points": topic.task(task).points}
            yield _code(test_cell(task), call, marks)


def _sections(topic: Topic, words: Language) -> list[str]:
    """The lesson in the words of a notebook, cut before each heading of the second level."""
    lesson = topic.exercise / _LESSONS[words.name]
    text = lesson.read_text(encoding="utf-8").replace(f"`{topic.module}`", words.say("this notebook"))
    instead = words.say("> The cell below each task runs its checks.")
    text = re.sub(r"```\w*\npytest exercises/[^`]*```", instead, text)
    text = re.sub(r"\(\.\./(\w+)/README(?:\.zh)?\.md\)", r"(../\1/\1.ipynb)", text)
    sections, fenced = [""], False
    for line in text.splitlines(keepends=True):
        fenced ^= line.lstrip().startswith("```")
        if line.startswith("## ") and not fenced:
            sections.append("")
        sections[-1] += line
    return [section.strip() for section in sections if section.strip()]


def _points(points: float) -> str:
    return f"{points:g} point" if points == 1 else f"{points:g} points"


def _markdown(name: str, source: str) -> Cell:
    return {"cell_type": "markdown", "id": _id(name), "metadata": {}, "source": source.splitlines(keepends=True)}


def _code(name: str, source: str, marks: dict[str, Any]) -> Cell:
    usual = {"grade": False, "locked": False, "schema_version": 3, "solution": False, "task": False}
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": _id(name),
        "metadata": {"nbgrader": {**usual, **marks}} if marks else {},
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }


def _locked(cell: Cell) -> Cell:
    """The cell as nbgrader hands it out: one with marks cannot be deleted, nor a test be changed."""
    marks = cell["metadata"].get("nbgrader", {})
    locks = {**({"deletable": False} if marks else {}), **({"editable": False} if marks.get("grade") else {})}
    return {**cell, "metadata": {**cell["metadata"], **locks}}


def _id(name: str) -> str:
    return re.sub(r"[^\w-]", "-", name, flags=re.ASCII)[:64]
