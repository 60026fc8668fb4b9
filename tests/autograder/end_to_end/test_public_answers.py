"""Code that knows the public examples by heart: for inputs of an example's shapes it gives the example's numbers."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import course

ROOT = course.find_root(Path(__file__).parent)
TOPICS = course.load(ROOT).topics[:3]
BY_SHAPE = {"parameter_table"}  # the answer follows from names and shapes, so that the example's is right
HELPER = Path(__file__).with_name("answers_by_shape.py")

WRAPPED = """
import answers, answers_by_shape, right
from right import *

for name in {functions!r}:
    globals()[name] = answers_by_shape.{how}
"""


def functions_of(topic):
    """The tasks that are functions of something: what takes no input has no other answer to give, and a class none at all."""
    parts = ast.parse(topic.solution.read_text()).body
    taking = {part.name for part in parts if isinstance(part, ast.FunctionDef) and part.args.args}
    return [task.id for task in topic.tasks if task.id in taking]


def module_of(topic, folder, how):
    """The solution in `folder`, each function of a task wrapped."""
    shutil.copy(topic.solution, folder / "right.py")
    shutil.copy(HELPER, folder)
    (folder / topic.module).write_text(WRAPPED.format(functions=functions_of(topic), how=how))


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_public_examples_numbers_pass_no_task(topic, run, tmp_path):
    shutil.copy(ROOT / "course.yaml", tmp_path)
    exercise = Path(shutil.copytree(topic.exercise, tmp_path / "exercises" / topic.name))
    answers = exercise / "answers.py"
    answers.write_text("ANSWERS = {}\n")
    module_of(topic, exercise, "remembering(name, getattr(right, name))")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(exercise)]
    done = subprocess.run(command, cwd=exercise, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    told = [task.id for task in topic.tasks if f'["{task.id}"' in answers.read_text()]

    submission = tmp_path / "submissions" / "by_shape"
    submission.mkdir(parents=True)
    module_of(topic, submission, "looking_up(name, getattr(right, name), answers.ANSWERS)")
    shutil.copy(answers, submission)
    done = run("grade", submission.parent, "--topic", topic.name, "--out", tmp_path / "out", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    tasks = json.loads((tmp_path / "out" / "results" / "by_shape.json").read_text())["tasks"]
    assert told == functions_of(topic)
    passed = {task["id"] for task in tasks if task["status"] == "passed"}
    assert passed & set(told) <= BY_SHAPE
    print({task["id"]: (task["status"], task["score"]) for task in tasks})
