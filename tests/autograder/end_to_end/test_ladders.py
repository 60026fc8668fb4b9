"""The hints of the topics: three a task, whose examples run and which hold no line of the solution."""

import ast
import doctest
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from autograder.course import find_root, load
from autograder.grading.verify import HINTS_A_TASK, shown
from autograder.images.torchvision_shim import import_torchvision

LONG = 12  # characters: what is shorter, such as `return t` or `lrs = []`, gives nothing away
COURSE = load(find_root(Path(__file__).parent))
TASKS = [pytest.param(topic, task, id=f"{topic.name}/{task.id}") for topic in COURSE.topics for task in topic.tasks]


def lines_of_code(source):
    """The single statements of a module, in one spelling; what stands at the start of a block is a loop's or a condition's."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt) and not hasattr(node, "body") and not isinstance(node, ast.Import | ast.ImportFrom):
            yield ast.unparse(node).removeprefix("return ")


def spelled_alike(hint):
    """The hint, with its example in the spelling of `lines_of_code`."""
    prose, *_ = hint.partition(">>>")
    examples = doctest.DocTestParser().get_examples(hint)
    return "\n".join([prose, *(ast.unparse(ast.parse(example.source)) for example in examples)])


@pytest.fixture(scope="module")
def secrets():
    """By topic, the statements of its solution that no lesson shows and that say more than a name or a number."""
    lessons = "".join((topic.exercise / "README.md").read_text() for topic in COURSE.topics)
    return {topic.name: {line for line in lines_of_code(topic.solution.read_text())
                         if len(line) > LONG and line not in lessons and not line.startswith(("'", '"'))}
            for topic in COURSE.topics}  # fmt: skip


@pytest.mark.parametrize(("topic", "task"), TASKS)
def test_three_hints_and_the_last_has_an_example_that_runs(topic, task, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example may write a file
    assert len(task.hints) == HINTS_A_TASK
    assert not any(">>>" in hint for hint in task.hints[:2])
    if "torchvision" in task.hints[-1]:
        import_torchvision()
    names = {"torch": torch, "np": np, "nn": nn, "F": nn.functional}
    assert shown.run_examples(task.hints[-1], names, task.id), "there is no example"


@pytest.mark.parametrize(("topic", "task"), TASKS)
def test_no_hint_holds_a_line_of_the_solution(topic, task, secrets):
    for hint in task.hints:
        told = {line for line in secrets[topic.name] if line in spelled_alike(hint)}
        assert not told


def test_the_lines_of_a_solution_are_found_in_a_hint(secrets):
    assert "grad_out * (x > 0)" in secrets["02_autograd"]
    assert "grad_out * (x > 0)" in spelled_alike("A product with a mask does it:\n>>> y = grad_out*(x>0)\n")
