"""`autograder verify` finds each kind of unsoundness and names it."""

import json
import shutil
import subprocess
import sys

import pytest

HIDDEN = "tests/hidden/01_mini/test_mini.py"
MUTANTS, SOLUTION = "solutions/01_mini/mutants.py", "solutions/01_mini/mini.py"
PUBLIC = "exercises/01_mini/test_mini.py"
SAME_INPUTS = """

from autograder import Reference

SLOPE = Reference("slope", lambda x: 2 * x, lambda rng, *shape, dtype=torch.float32: (torch.ones(shape),), "the slope", ("x",))
test_slope__values = SLOPE.values((2,), says="gives twice x")
"""


@pytest.fixture
def course(course):
    """The miniature course with three hints a task and two calls in a check of each function, as a sound one has."""
    edit(course, "course.yaml", 'hint: "Which axis runs along a row?"', 'hint: ["Which axis?", "The last.", ">>> 1 + 1\\n2"]')
    edit(course, "course.yaml", 'hint: "The derivative of x squared."', 'hint: ["What?", "Twice.", ">>> 2 * 3\\n6"]')
    edit(course, "course.yaml", 'hint: "Keep the factor as an attribute."', 'hint: ["Where?", "In it.", ">>> 3 * 3\\n9"]')
    edit(course, HIDDEN, "    t = torch.randn(1, 5, generator=rng)\n    expect_close(",
         "    for t in torch.randn(2, 1, 5, generator=rng):\n        expect_close(")  # fmt: skip
    edit(course, HIDDEN, '"""gives the same when it is called twice"""\n    x = torch.randn(3, generator=rng)',
         '"""gives each of two calls its own slope"""\n    x, other = torch.randn(2, 3, generator=rng)')  # fmt: skip
    edit(course, HIDDEN, 'student.call("slope", x)], [2 * x.double()] * 2)',
         'student.call("slope", other)], [2 * x.double(), 2 * other.double()])')  # fmt: skip
    return course


def edit(course, file, old, new):
    path = course / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_sound_course_passes(course, run):
    done = run("verify", cwd=course)
    assert done.returncode == 0, done.stdout
    assert "9 mutants, 9 diagnosed" in done.stdout
    assert "8 cheats, 8 dead, 5 seeds, 1 other right solution: sound" in done.stdout
    assert "cheats left out: 4 of Scale: no function that takes an input" in done.stdout


def test_another_right_solution_is_asked_for_the_tasks_that_it_names(course, run):
    other = course / "solutions/01_mini/alternatives/short/mini.py"
    other.parent.mkdir(parents=True)
    other.write_text("def row_means(t):\n    return t.sum(1) / t.shape[1]\n")
    done = run("verify", "--seeds", "1", cwd=course)
    assert done.returncode == 0, done.stdout
    assert "remark: slope is not in 1 of the 2 other right solutions" in done.stdout
    other.write_text("def row_means(t):\n    return t.sum(1) / t.shape[1]\n\n\ndef slope(x):\n    return x + x + x\n")
    done = run("verify", "--seeds", "1", cwd=course)
    assert done.returncode == 1, done.stdout
    assert "alternative short: slope is failed: " in done.stdout
    assert "alternative short: Scale" not in done.stdout


def test_topics_that_are_named_are_proved_once_each_and_no_others(course, run):
    text = (course / "course.yaml").read_text()
    entry = text[text.index("  01_mini") :]
    for name in ("02_mini", "03_mini"):
        for place in ("exercises", "solutions", "tests/hidden"):
            shutil.copytree(course / place / "01_mini", course / place / name)
        text += entry.replace("01_mini", name)
    (course / "course.yaml").write_text(text)
    done = run("verify", "03_mini", "01_mini", "03_mini", "--seeds", "1", "--json", cwd=course)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(json.loads(line)["topic"] for line in done.stdout.splitlines()) == ["01_mini", "03_mini"]


def test_what_learners_are_shown_has_to_run_and_others_have_to_be_right(course, run):
    edit(course, "course.yaml", '["What?", "Twice.", ">>> 2 * 3\\n6"]', '"What?"')
    edit(course, "course.yaml", ">>> 1 + 1\\n2", ">>> 1 + 1\\n3")
    (course / "exercises/01_mini/README.md").write_text(
        "# Mini\n\n```python\nprint(1)  # 1\n```\n\n```python\nx = missing\n```\n"
    )
    (course / "exercises/01_mini/README.zh.md").write_text("# Mini\n\n```python\nprint(1)  # 1\n```\n\n```python\nx = 2\n```\n")
    other = course / "solutions/01_mini/alternatives/short/mini.py"
    other.parent.mkdir(parents=True)
    other.write_text((course / SOLUTION).read_text().replace("2 * x", "3 * x"))
    edit(course, "exercises/01_mini/test_mini.py", "torch.tensor([3.0, 3.0])", "torch.tensor([3.0, 4.0])")
    done = run("verify", "--seeds", "1", "--workers", "1", "--json", cwd=course)
    assert done.returncode == 1, done.stderr
    problems = json.loads(done.stdout)["problems"]
    beginnings = (
        "tasks with fewer than 3 hints in course.yaml (a question, the idea, the API with an example): slope (1)",
        "alternative short: slope is failed: ",
        "the solution, test_Scale__example of the public checks: it is failed: ",
        "hint 3 of row_means: ",
        f"{course}/exercises/01_mini/README.md:8: NameError: name 'missing' is not defined",
        f"{course}/exercises/01_mini/README.zh.md:8: its code is not that of README.md, line 8",
    )
    assert len(problems) == len(beginnings), problems
    for problem, beginning in zip(problems, beginnings, strict=True):
        assert problem.startswith(beginning)


@pytest.mark.parametrize(
    ("code", "words"),
    [("os.write(2, b'gone')\nos._exit(3)", "README.md: the process that ran it ended with 3: gone"),
     ("while True: pass", "README.md: its blocks, or the hints' examples, take longer than 1 s")],
)  # fmt: skip
def test_a_lesson_that_ends_its_process_or_never_ends_is_named(course, code, words):
    (course / "exercises/01_mini/README.md").write_text(f"# Mini\n\n```python\nimport os\n{code}\n```\n")
    soon = "from autograder.grading.verify import shown; shown.SECONDS = 1.0; shown.main()"
    done = subprocess.run([sys.executable, "-c", soon, str(course), "01_mini"], capture_output=True, text=True, check=True)
    (problem,) = json.loads(done.stdout)["01_mini"]
    assert problem.endswith(words)


def test_what_a_lesson_takes_for_granted_stands_beside_the_solution(course, run):
    (course / "exercises/01_mini/README.md").write_text("# Mini\n\n```python\nprint(at_hand)  # 7\n```\n")
    (course / "solutions/01_mini/lesson.py").write_text("at_hand = 7\n")
    done = run("verify", "--seeds", "1", cwd=course)
    assert done.returncode == 0, done.stdout


def test_a_mistake_that_has_the_name_of_another_is_told(course, run):
    edit(course, MUTANTS, '"gives the square", "2 * x", "x * x"', '"halves it", "2 * x", "x.clone()"')
    done = run("verify", "--seeds", "1", "--workers", "1", "--json", cwd=course)
    found = json.loads(done.stdout)
    assert found["sound"]
    assert found["remarks"] == [
        "mutant of slope, 'halves it': it is told that it 'forgets the factor', as another mutant is that answers like it"
    ]


def test_every_unsoundness_is_named(course, run):
    edit(course, "solutions/01_mini/mutants.py", '"adds the factor", "x * self.factor", "x + self.factor"',
         '"does nothing wrong", "x * self.factor", "self.factor * x"')  # fmt: skip
    edit(course, "solutions/01_mini/mutants.py", '"gives the square", "2 * x"', '"is out of date", "2 * y"')
    edit(course, "solutions/01_mini/mutants.py",
         '    Mutant("row_means", "averages over the rows", "t.mean(1)", "t.mean(0)"),\n', "")  # fmt: skip
    edit(course, "exercises/01_mini/mini.py", 'by hand."""\n    raise NotImplementedError', 'by hand."""\n    return 2 * x')
    done = run("verify", "--seeds", "1", "--workers", "1", cwd=course)
    assert done.returncode == 1
    for words in (
        "'does nothing wrong': it loses nothing",
        "'is out of date': '2 * y' is in slope 0 times",
        "row_means has 2 mutants; it needs 3",
        "the stub earns 2 points for slope",
    ):
        assert words in done.stdout, done.stdout


def test_what_is_empty_or_mistyped_is_named(course, run):
    edit(course, MUTANTS, '"gives the square", "2 * x", "x * x"', '"  ", "2 * x", "x * x"')
    edit(course, MUTANTS, '"x / self.factor"', '"x / selff.factor"')
    edit(course, MUTANTS, '"x + self.factor"', '"x * self.factor"')
    edit(course, MUTANTS, '"x * int(self.factor)"', '"x * int(self.factor"')
    edit(course, "course.yaml", '"Which axis?"', '""')
    (course / "exercises/01_mini/README.zh.md").write_text("\n")
    done = run("verify", "--seeds", "1", "--json", cwd=course)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["problems"] == [
        f"{course}/{MUTANTS}: a mutant of slope has no phrase",
        "course.yaml: hint 1 of row_means is empty",
        f"{course}/exercises/01_mini/README.zh.md: the lesson is empty",
        f"{course}/{MUTANTS}: mutant 'adds the factor': what it puts in the place of 'x * self.factor' is the same",
        f"{course}/{MUTANTS}: mutant 'divides by the factor': it uses selff, which nothing defines",
        (
            "mutant of Scale, 'truncates the factor': it is unreadable: mini.py does not parse: '(' was never closed, line 21: "
            "`return x * int(self.factor`."
        ),
    ]


def test_a_reference_of_a_name_that_nothing_has_is_named(course, run):
    misspelt = SAME_INPUTS.replace('"slope",', '"slpoe",').replace("ones(shape)", "randn(shape, generator=rng)")
    (course / HIDDEN).write_text((course / HIDDEN).read_text() + misspelt)
    done = run("verify", "--seeds", "1", "--json", cwd=course)
    assert done.returncode == 1, done.stderr
    problem = json.loads(done.stdout)["problems"][0]
    assert problem.startswith("the solution, seed 0: slope is missing: ")
    assert problem.endswith(" (… is a name that neither the stub nor a task has: is it spelt right in the suite?)")


def test_a_suite_that_breaks_is_told_of_the_solution_alone(course, run):
    edit(course, HIDDEN, 'its own slope"""\n', 'its own slope"""\n    1 / 0\n')
    done = run("verify", "--seeds", "1", "--workers", "1", "--json", cwd=course)
    assert done.returncode == 1, done.stderr
    (problem,) = json.loads(done.stdout)["problems"]
    assert problem.startswith("the solution, seed 0: slope is broken: ")
    assert "division by zero" in problem


def test_a_wrong_solution_and_a_mutant_that_costs_another_task_are_named(course, run):
    edit(course, "solutions/01_mini/mini.py", "def slope(x: Tensor) -> Tensor:\n    return 2 * x",
         "def slope(x: Tensor) -> Tensor:\n    return 2 * x * row_means(torch.ones(1, 2))")  # fmt: skip
    edit(course, "solutions/01_mini/mini.py", "x * self.factor", "x * self.factor + 1")
    done = run("verify", "--seeds", "1", "--workers", "1", cwd=course)
    assert done.returncode == 1
    assert "it also loses slope" in done.stdout
    assert "the solution, seed 0: Scale is failed" in done.stdout


def test_a_suite_that_trivial_cheats_pass_is_named(course, run):
    hidden = course / "tests/hidden/01_mini/test_mini.py"
    suite = hidden.read_text()
    start, end = suite.index("def test_row_means__values"), suite.index("def scaled")
    hidden.write_text(suite[:start] + KNOWN + suite[end:])
    done = run("verify", "--seeds", "1", "--workers", "1", "--json", cwd=course)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    cheated = [problem for problem in found["problems"] if problem.startswith("cheat on")]
    full = "it has full marks: the hidden suite does not notice it"
    assert cheated == [
        f"cheat on {what}: {how}"
        for what, how in (
            ("row_means, 'gives the first public answer to everything'", "it passes the main check, and has 1.5 points"),
            ("row_means, 'knows the answers of the public checks by heart, and gives them to all inputs of their shapes'", full),
            ("slope, 'gives an object that equals everything'", full),
            ("slope, 'gives the answer of the call before'", full),
        )
    ]
    assert [(row["task"], row["cheats"], row["dead"]) for row in found["rows"]] == [
        ("row_means", 4, 2),
        ("slope", 4, 2),
        ("Scale", 0, 0),
    ]
    assert not found["sound"]


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (HIDDEN, "test_Scale__", "test_slope__", "test_mini.py: no check, and so no main one, of Scale: it needs test_Scale__…"),
        (HIDDEN, "", SAME_INPUTS, "cannot be run: slope: the generator of its inputs gives the same ones twice"),
        (HIDDEN, "", "x = (", "test_mini.py: the hidden suite cannot be run: SyntaxError: '(' was never closed (line 45)"),
        (HIDDEN, "", "x = torhc", "the hidden suite cannot be run: NameError: name 'torhc' is not defined (line 45)"),
        (HIDDEN, "test_Scale__", "test_Scaled__", "cannot be run: topic 01_mini has no task 'Scaled'"),
        (MUTANTS, "", "x = (", "solutions/01_mini/mutants.py:14: does not parse"),
        (MUTANTS, "", "1 / 0", "solutions/01_mini/mutants.py: cannot be loaded: ZeroDivisionError"),
        (SOLUTION, "", "x = (", "solutions/01_mini/mini.py:22: does not parse"),
        (SOLUTION, "", "1 / 0", "solutions/01_mini/mini.py: mini.py cannot be imported: ZeroDivisionError"),
        (PUBLIC, "", "x = (", "exercises/01_mini/test_mini.py: cannot be read: SyntaxError"),
        (PUBLIC, "test_slope__", "test_slpoe__", "test_mini.py: test_slpoe__example is of no task of 01_mini"),
        (PUBLIC, '"""gives twice x"""', "", "test_mini.py: test_slope__example needs a docstring"),
        ("exercises/01_mini/mini.py", None, None, "exercises/01_mini/mini.py: there is no stub"),
        (SOLUTION, None, None, "solutions/01_mini/mini.py: there is no reference solution"),
    ],
)
def test_what_cannot_be_verified_is_one_line_that_names_the_place(course, run, file, old, new, words):
    path = course / file
    text = path.read_text()
    if new is None:
        path.unlink()
    else:
        path.write_text(text.replace(old, new) if old else f"{text}{new}\n")
    done = run("verify", "--seeds", "1", cwd=course)
    assert (done.returncode, done.stdout) == (2, ""), done.stdout
    (line,) = done.stderr.strip().splitlines()
    assert words in line


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
