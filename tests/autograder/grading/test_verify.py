"""`autograder verify` finds each kind of unsoundness and names it."""

import ast

from autograder.course.mutants import Mutant
from autograder.grading.verify import jobs


def edit(course, file, old, new):
    path = course / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_sound_course_passes(course, run):
    done = run("verify", cwd=course)
    assert done.returncode == 0, done.stdout
    assert "9 mutants, 9 diagnosed" in done.stdout
    assert "remark: tasks with fewer than 3 hints" in done.stdout
    assert "row_means (1), slope (1), Scale (1)" in done.stdout


def test_every_unsoundness_is_named(course, run):
    edit(course, "solutions/01_mini/mutants.py", '"adds the factor", "x * self.factor", "x + self.factor"',
         '"does nothing wrong", "x * self.factor", "self.factor * x"')  # fmt: skip
    edit(course, "solutions/01_mini/mutants.py", '"gives the square", "2 * x"', '"is out of date", "2 * y"')
    edit(course, "solutions/01_mini/mutants.py",
         '    Mutant("row_means", "averages over the rows", "t.mean(1)", "t.mean(0)"),\n', "")  # fmt: skip
    edit(course, "exercises/01_mini/mini.py", 'by hand."""\n    raise NotImplementedError', 'by hand."""\n    return 2 * x')
    done = run("verify", "--seeds", "1", cwd=course)
    assert done.returncode == 1
    for words in (
        "'does nothing wrong': it loses nothing",
        "'is out of date': '2 * y' is in slope 0 times",
        "row_means has 2 mutants; it needs 3",
        "the stub earns 2 points for slope",
    ):
        assert words in done.stdout, done.stdout


def test_a_wrong_solution_and_a_mutant_that_costs_another_task_are_named(course, run):
    edit(course, "solutions/01_mini/mini.py", "def slope(x: Tensor) -> Tensor:\n    return 2 * x",
         "def slope(x: Tensor) -> Tensor:\n    return 2 * x * row_means(torch.ones(1, 2))")  # fmt: skip
    edit(course, "solutions/01_mini/mini.py", "x * self.factor", "x * self.factor + 1")
    done = run("verify", "--seeds", "1", cwd=course)
    assert done.returncode == 1
    assert "it also loses slope" in done.stdout
    assert "the solution, seed 0: Scale is failed" in done.stdout


REFERENCE = """\
def helped(x):
    return x + 1


def one(x):
    return helped(x)


class Two:
    def step(self, x):
        return helped(x)
"""


def test_the_solution_without_what_a_mutant_changes_shows_which_tasks_come_to_it():
    edits = {Mutant("one", "p", "x + 1", "x", within="helped"): "helped", Mutant("one", "p", "helped(x)", "x"): "one",
             Mutant("Two", "p", "helped(x)", "x", within="step"): "Two"}  # fmt: skip
    for mutant, name in edits.items():
        assert jobs.definition(mutant, REFERENCE) == name
        left = {node.name for node in ast.parse(jobs.without(REFERENCE, name)).body}
        assert left == {"helped", "one", "Two"} - {name}
