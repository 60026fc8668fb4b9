"""`autograder new`: a topic and a task with TODOs, which `verify` accepts once these are filled in."""

import ast
import json
import re
from pathlib import Path

import pytest

from autograder import course as courses
from autograder.errors import KitError
from autograder.frontends import cli
from autograder.frontends.new import new

FILLED = {
    '"TODO(author): the numbers"': "1.0, 4.0",
    "raise NotImplementedError  # TODO(author): the reference solution": "return x**2",
    '"TODO(author): a mistake that learners make", "TODO(author): 1 old", "TODO(author): 1 new"': '"doubles", "x**2", "x * 2"',
    '"TODO(author): another one", "TODO(author): 2 old", "TODO(author): 2 new"': '"cubes", "x**2", "x**3"',
    '"TODO(author): a third one", "TODO(author): 3 old", "TODO(author): 3 new"': '"squares in place", "x**2", "x.mul_(x)"',
    "raise NotImplementedError  # TODO(author): the right result, in float64, found in another way": "return x * x",
}


@pytest.fixture
def mini(tmp_path, kit):
    return kit.course(tmp_path / "course")


def fill(course, words="decided"):
    """Do what each TODO(author) asks for, as an author would, for tasks that square; whatever is only read becomes `words`."""
    for path in (path for path in course.rglob("*") if path.suffix in (".py", ".md", ".yaml")):
        text = path.read_text(encoding="utf-8")
        for todo, done in FILLED.items():
            text = text.replace(todo, done)
        path.write_text(text.replace("TODO(author)", words), encoding="utf-8")


def test_a_new_topic_is_whole_and_verify_accepts_it_once_its_todos_are_filled(mini, kit):
    lines = new(courses.load(mini), "02_square_it")
    topic = courses.load(mini).topic("02_square_it")
    assert [task.id for task in topic.tasks] == ["square_it"]
    assert (topic.module, len(topic.tasks[0].hints)) == ("square_it.py", 3)
    written = [line.removeprefix("wrote ") for line in lines if line.startswith("wrote")]
    assert all("TODO(author)" in (mini / path).read_text(encoding="utf-8") for path in written)
    assert {
        "exercises/02_square_it/README.zh.md",
        "solutions/02_square_it/mutants.py",
        "tests/hidden/02_square_it/test_square_it.py",
    } < {*written}
    fill(mini)
    after = kit.run("verify", "02_square_it", "--seeds", "1", "--workers", "1", cwd=mini)
    assert (after.returncode, "3 mutants, 3 diagnosed" in after.stdout) == (0, True), after.stdout + after.stderr


def test_verify_names_each_place_where_something_is_left_to_decide(mini, kit):
    new(courses.load(mini), "02_square_it")
    fill(mini, words="TODO(author)")
    left = kit.run("verify", "02_square_it", "--seeds", "1", "--workers", "1", "--json", cwd=mini)
    problems = json.loads(left.stdout)["problems"]
    assert left.returncode == 1
    places = {str(path.relative_to(mini)) for path in mini.rglob("*") if path.is_file() and b"TODO(author)" in path.read_bytes()}
    assert {str(Path(problem.split(": ")[0]).relative_to(mini)) for problem in problems} == places
    assert len(places) == 8
    assert f"{mini}/exercises/02_square_it/README.md: TODO(author) in line 3" in problems
    assert f"{mini}/exercises/02_square_it/square_it.py: TODO(author) in lines 1, 11, 13, 15" in problems
    assert f"{mini}/course.yaml: TODO(author) in hints 1, 2, 3 of square_it" in problems


def test_a_new_task_is_added_to_a_topic_and_changes_nothing_else(mini):
    paths = [path for path in mini.rglob("*") if path.suffix in (".py", ".yaml")]
    before = {path: path.read_text(encoding="utf-8") for path in paths}
    new(courses.load(mini), "01_mini", "square_it")
    fill(mini)
    for path, text in before.items():
        left = path.read_text(encoding="utf-8").splitlines()
        assert all(line in left for line in text.splitlines() if not line.startswith("from autograder import")), path
        if path.suffix == ".py":
            ast.parse(path.read_text(encoding="utf-8"))
    topic = courses.load(mini).topic("01_mini")
    assert [task.id for task in topic.tasks] == ["row_means", "slope", "Scale", "square_it"]
    hidden = topic.hidden_suite.read_text(encoding="utf-8")
    assert re.search(r"^from autograder import (\w+, )*Reference\b", hidden, re.MULTILINE)
    assert hidden.index("import Reference") < hidden.index("SQUARE_IT = Reference")
    assert topic.mutants.read_text(encoding="utf-8").count('Mutant("square_it"') == 3


def test_several_tasks_come_in_the_order_in_which_they_are_named(mini):
    lines = new(courses.load(mini), "02_shapes", "square_it", "cube_it", "halve_it")
    topic = courses.load(mini).topic("02_shapes")
    assert [task.id for task in topic.tasks] == ["square_it", "cube_it", "halve_it"]
    assert re.findall(r"^def (\w+)", topic.stub.read_text(encoding="utf-8"), re.MULTILINE) == ["square_it", "cube_it", "halve_it"]
    assert len(lines) == len(set(lines)) == 9
    new(courses.load(mini), "01_mini", "square_it", "cube_it")
    assert [task.id for task in courses.load(mini).topic("01_mini").tasks][-2:] == ["square_it", "cube_it"]


@pytest.mark.parametrize(
    "block",
    [
        "hint: One line.",
        "hint:\n          - |\n            Two lines:\n            # the second",
        "hint:\n          - >-\n            folded\n            text",
    ],
)
def test_the_entry_stands_behind_the_last_ones_lines_and_before_comments(mini, block):
    text = "title: X\ntopics:\n  01_mini:\n    title: Two\n    tasks:\n"
    text += "      row_means:\n        points: 3\n        BLOCK\n\n# the end\n"
    (mini / "course.yaml").write_text(text.replace("BLOCK", block), encoding="utf-8")
    new(courses.load(mini), "01_mini", "slope")
    changed = (mini / "course.yaml").read_text(encoding="utf-8")
    assert changed.startswith(
        text.replace("BLOCK", block).removesuffix("\n\n# the end\n") + "\n      slope:\n        points: 1\n"
    )
    assert changed.endswith("\n\n# the end\n")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("01_mini",), "is there already: `autograder new 01_mini TASK` adds a task"),
        (("01_mini", "slope"), "01_mini has a task slope already"),
        (("mini",), "two digits and a word"),
        (("02_Big",), "two digits and a word"),
        (("../02_x",), "two digits and a word"),
        (("02_x", "not-a-name"), "not-a-name: a task's name is that of a function"),
        (("02_class", "class"), "class: a task's name is that of a function"),
        (("02_random",), "random: Python or PyTorch has a module of that name"),
        (("02_torch", "rate"), "torch: Python or PyTorch has a module of that name"),
        (("02_x", "Tensor"), "Tensor: a task's name is that of a function"),
        (("03_there",), "exercises/03_there is there already"),
        (("02_x", "one", "two", "one"), "one: you have named it twice"),
        (("02_x", "a__b"), "a__b: a check is called test_TASK__what"),
        (("02_x", "a_"), "a_: a check is called test_TASK__what"),
        (("01_mini", "test_y"), "test_y: a check is called test_TASK__what"),
        (("02_a__b",), "a__b: a check is called test_TASK__what"),
        (("02_mutants",), "mutants: a topic has a file of that name for something else"),
        (("02_lesson", "rate"), "lesson: a topic has a file of that name for something else"),
        (("02_x", "one", "not-a-name"), "not-a-name: a task's name is that of a function"),
        (("01_mini", "one", "slope"), "01_mini has a task slope already"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_written(mini, names, words, monkeypatch, capsys):
    (mini / "exercises/03_there").mkdir()
    before = sorted(mini.rglob("*"))
    monkeypatch.chdir(mini)
    assert cli.main(["new", *names]) == 2
    assert words in capsys.readouterr().err
    assert sorted(mini.rglob("*")) == before


@pytest.mark.parametrize(
    ("place", "text", "words"),
    [
        ("exercises/01_mini/mini.py", None, "cannot be read"),
        ("solutions/01_mini/mutants.py", None, "cannot be read"),
        ("tests/hidden/01_mini/test_mini.py", None, "cannot be read"),
        ("exercises/01_mini/mini.py", "def :", "does not parse"),
        ("solutions/01_mini/mini.py", "x = '", "does not parse"),
    ],
)
def test_a_file_that_is_not_there_or_does_not_parse_is_one_line_that_names_it(mini, place, text, words):
    if text is None:
        (mini / place).unlink()
    else:
        (mini / place).write_text(text, encoding="utf-8")
    with pytest.raises(KitError, match=f"{place}: {words}"):
        new(courses.load(mini), "01_mini", "square_it")


@pytest.mark.parametrize("text", ["MUTANTS = []\n", "MUTANTS = (\n    1,\n    2)\n", "OTHER = ()\n"])
def test_mutants_that_stand_in_no_tuple_of_lines_are_one_line(mini, text):
    (mini / "solutions/01_mini/mutants.py").write_text(text, encoding="utf-8")
    with pytest.raises(KitError, match="MUTANTS"):
        new(courses.load(mini), "01_mini", "square_it")


def test_tasks_in_one_line_are_left_to_the_author(mini):
    text = (mini / "course.yaml").read_text(encoding="utf-8")
    (mini / "course.yaml").write_text(
        re.sub(r"tasks:\n.*", "tasks: {slope: {points: 1, hint: x}}\n", text, flags=re.DOTALL), encoding="utf-8"
    )
    with pytest.raises(KitError, match="add it by hand"):
        new(courses.load(mini), "01_mini", "square_it")
