"""`autograder verify` finds each kind of unsoundness and names it."""

import ast
import json

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


def test_a_suite_that_trivial_cheats_pass_is_named(course, run):
    hidden = course / "tests/hidden/01_mini/test_mini.py"
    suite = hidden.read_text()
    start, end = suite.index("def test_row_means__values"), suite.index("def scaled")
    hidden.write_text(suite[:start] + KNOWN + suite[end:])
    done = run("verify", "--seeds", "1", "--json", cwd=course)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    cheated = [problem for problem in found["problems"] if problem.startswith("cheat on")]
    full = "it has full marks: the hidden suite does not notice it"
    assert cheated == [
        f"cheat on {what}: {how}"
        for what, how in (
            ("row_means, 'gives the first public answer to everything'", "it passes the main check, and has 1.5 points"),
            ("row_means, 'knows the answers of the public checks by heart'", full),
            ("row_means, 'gives the answer of a public check to all inputs of its shapes'", full),
            ("slope, 'gives an object that equals everything'", full),
            ("slope, 'gives the answer of the call before'", full),
        )
    ]
    assert [(row["task"], row["cheats"], row["dead"]) for row in found["rows"]] == [
        ("row_means", 5, 2),
        ("slope", 5, 3),
        ("Scale", 0, 0),
    ]
    assert not found["sound"]


KNOWN = '''\
def test_row_means__values(student, rng):
    """gives the mean of each row"""
    expect_close(student.call("row_means", torch.tensor([[1.0, 3.0], [5.0, 9.0]])), torch.tensor([2.0, 7.0]))


def test_row_means__ones(student, rng):
    """gives the mean of equal numbers"""
    expect_close(student.call("row_means", torch.ones(4, 3)), torch.ones(4))
    expect_close(student.call("row_means", torch.tensor([[1.0, 3.0], [5.0, 9.0]])), torch.tensor([2.0, 7.0]))


def twice(module, x):
    return bool(module.slope(x).sum() == 2 * x.sum())


def test_slope__values(student, rng):
    """gives the derivative of the square"""
    assert student.run(twice, torch.randn(6, generator=rng))


'''

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
