"""Code that knows the public examples by heart: for inputs of an example's shapes it gives the example's numbers.

`autograder verify` tries a cheat that knows nothing else. This one is right wherever it has no number to give, so that it
finds a task whose hidden checks nowhere have the shapes of a public one.
"""

import json
import shutil
from pathlib import Path

import pytest

from autograder import course
from autograder.grading.verify import known_answers, public_answers

ROOT = course.find_root(Path(__file__).parent)
TOPICS = course.load(ROOT).topics[:3]
BY_SHAPE = {"parameter_table"}  # the answer follows from names and shapes, so that the example's is right

MODULE = """
import known_answers, right
from right import *

ANSWERS = {answers!r}

def knowing(name):
    function, by_heart = getattr(right, name), known_answers.by_heart(None, ANSWERS[name])

    def call(*args, **more):
        try:
            return by_heart(*args, **more)
        except NotImplementedError:
            return function(*args, **more)

    return call

for name in ANSWERS:
    globals()[name] = knowing(name)
"""


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_public_examples_numbers_pass_no_task(topic, run, tmp_path):
    found = public_answers.find(topic)
    assert found.lost == ()
    answers = {name: entries for name, entries in found.known.items() if entries}
    functions = public_answers.functions_of_something(topic.solution.read_text())
    assert list(answers) == [task.id for task in topic.tasks if task.id in functions]

    submission = tmp_path / "submissions" / "by_shape"
    submission.mkdir(parents=True)
    shutil.copy(topic.solution, submission / "right.py")
    shutil.copy(known_answers.__file__, submission)
    (submission / topic.module).write_text(MODULE.format(answers=answers))
    done = run("grade", submission.parent, "--topic", topic.name, "--out", tmp_path / "out", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    tasks = json.loads((tmp_path / "out" / "results" / "by_shape.json").read_text())["tasks"]
    passed = {task["id"] for task in tasks if task["status"] == "passed"}
    assert passed & {*answers} <= BY_SHAPE
