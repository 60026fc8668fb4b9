"""`autograder nbgrader init`: notebooks made from stubs, solutions and lessons, the same every time, without a secret."""

import ast
import copy
import json
import os
import re
import shutil
import sys
from pathlib import Path

import nbformat
import patient
import pytest
from babel.messages import mofile
from babel.messages.catalog import Catalog

from autograder.course import load
from autograder.frontends.nbgrader import parts, source

REPOSITORY = Path(__file__).parents[4]
TOPICS = tuple(topic.name for topic in load(REPOSITORY).topics)


@pytest.fixture(scope="module")
def whole_course(kit, tmp_path_factory):
    """What init makes of the course itself."""
    folder = tmp_path_factory.mktemp("whole") / "nb"
    done = kit.run("nbgrader", "init", folder, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    return folder


def texts(folder):
    return {path.relative_to(folder): path.read_text() for path in folder.rglob("*.*") if path.suffix in (".py", ".md", ".ipynb")}


def sources(path):
    return {c["id"]: "".join(c["source"]) for c in json.loads(path.read_text())["cells"]}


@pytest.mark.parametrize("topic", TOPICS)
def test_a_notebook_is_valid_and_has_a_test_cell_worth_each_task_s_points(whole_course, topic):
    notebook = nbformat.read(whole_course / f"source/{topic}/{topic}.ipynb", as_version=4)
    nbformat.validate(notebook)
    course = (REPOSITORY / "course.yaml").read_text().partition(f"  {topic}:\n")[2]
    marks = [c.metadata.nbgrader for c in notebook.cells if "nbgrader" in c.metadata]
    tests = [mark for mark in marks if mark.grade]
    for mark in tests:
        task = mark.grade_id.removeprefix("test_")
        found = re.search(rf"^      {task}:\n        points: (\S+)|^      {task}: {{points: ([^,]+)", course, re.MULTILINE)
        assert mark.points == float(found[1] or found[2])
        assert mark.locked
        assert not mark.solution
    assert len({mark.grade_id for mark in marks}) == len(marks)
    assert all(mark.schema_version == 3 for mark in marks)
    lesson = (REPOSITORY / f"exercises/{topic}/README.md").read_text()
    assert notebook.cells[0].source.splitlines()[0] == lesson.splitlines()[0]


@pytest.mark.parametrize("topic", TOPICS)
def test_nothing_that_is_hidden_is_in_a_notebook_or_beside_it(whole_course, topic):
    shown = "".join(texts(whole_course / "source" / topic).values())
    suite = next((REPOSITORY / "tests/hidden" / topic).glob("test_*.py"))
    known = "".join(texts(REPOSITORY / "exercises" / topic).values())
    lines = set(known.splitlines())
    for node in ast.parse(suite.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            own = [line for line in ast.get_source_segment(suite.read_text(), node).splitlines()[1:] if line not in lines]
            assert not own or "\n".join(own) not in shown
    mutants = (REPOSITORY / "solutions" / topic / "mutants.py").read_text()
    assert "Mutant" not in shown
    for phrase in re.findall(r'Mutant\(\s*"\w+",\s*"([^"]{20,})"', mutants):
        assert phrase not in shown or phrase in known


@pytest.mark.parametrize("topic", TOPICS)
def test_the_solution_passes_the_public_checks_in_its_notebook(school, whole_course, topic):
    said = school.nbgrader(whole_course / "source" / topic, "validate", f"{topic}.ipynb")
    assert "Success! Your notebook passes all the tests." in said


def test_functions_that_no_task_is_named_after_are_in_the_cell_of_a_task():
    found = {part.tasks: part for part in parts.parts(load(REPOSITORY).topic("06_simple_grad"))}
    assert re.findall(r"^def (\w+)", found[("total",)].source, re.MULTILINE) == ["total", "spread"]
    assert re.findall(r"^def (\w+)", found[("nonlinear",)].source, re.MULTILINE) == ["relu", "tanh"]
    assert re.findall(r"^def (\w+)", found[("matmul",)].source, re.MULTILINE) == ["matmul"]
    assert not any("raise NotImplementedError" in part.source for part in found.values())


def test_the_same_course_gives_the_same_notebooks(kit, whole_course, tmp_path):
    assert kit.run("nbgrader", "init", tmp_path / "again", cwd=REPOSITORY).returncode == 0
    again, once = texts(tmp_path / "again"), texts(whole_course)
    assert again.keys() == once.keys()
    assert {path for path in once if once[path] != again[path]} == {Path("nbgrader_config.py")}  # its seed is secret


def test_a_second_init_keeps_the_settings_and_refuses_to_lose_edits(kit, school, course):
    folder = course / "nb"
    assert kit.run("nbgrader", "init", folder, cwd=course).returncode == 0
    config, notebook = folder / "nbgrader_config.py", folder / "source/01_mini/01_mini.ipynb"
    config.write_text(config.read_text() + "\n# mine\n")
    solution = course / "solutions/01_mini/mini.py"
    solution.write_text(solution.read_text().replace("t.mean(1)", "t.sum(1) / t.shape[1]"))
    done = kit.run("nbgrader", "init", folder, cwd=course)
    assert f"left {folder}/nbgrader_config.py as it was" in done.stdout
    assert config.read_text().endswith("# mine\n")
    assert "t.sum(1) / t.shape[1]" in notebook.read_text()

    run = school.read(notebook)
    for cell in run["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [{"output_type": "stream", "name": "stdout", "text": "hi"}], 3
    notebook.write_text(json.dumps(run))
    assert kit.run("nbgrader", "init", folder, cwd=course).returncode == 0  # to run it is no edit

    edited = school.edited(school.read(notebook), slope="def slope(x):\n    return 2.0 * x")
    notebook.write_text(json.dumps(edited))
    done = kit.run("nbgrader", "init", folder, cwd=course)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "edited since they were made: 01_mini.ipynb" in done.stderr
    assert school.read(notebook) == edited
    assert kit.run("nbgrader", "init", folder, "--force", cwd=course).returncode == 0
    assert "2.0 * x" not in notebook.read_text()


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("solutions/01_mini/mini.py", "solutions/01_mini/mini.py: there is no such file yet"),
        ("exercises/01_mini/README.md", "README.md: there is no such file yet"),
        ("exercises/01_mini/test_mini.py", "expected the public checks in exactly one test_MODULE.py, found none"),
        ("exercises/01_mini/mini.py", "exercises/01_mini/mini.py: there is no such file yet"),
    ],
)
def test_a_topic_without_all_its_files_is_named_and_nothing_is_written(kit, course, missing, reason):
    (course / missing).unlink()
    done = kit.run("nbgrader", "init", "nb", cwd=course)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert reason in done.stderr
    assert not (course / "nb").exists()


def test_a_notebook_made_from_the_stub_alone_is_what_nbgrader_hands_out(released, tmp_path):
    bare = shutil.copytree(released.course, tmp_path / "bare", ignore=shutil.ignore_patterns("solutions", "nb"))
    made = source.notebook(load(bare).topic("01_mini"), for_students=True)
    by_nbgrader = copy.deepcopy(released.release)
    for cell in by_nbgrader["cells"]:
        for added in ("checksum", "cell_type"):
            cell["metadata"].get("nbgrader", {}).pop(added, None)
    assert [c["metadata"] for c in made["cells"]] == [c["metadata"] for c in by_nbgrader["cells"]]
    assert ["".join(c["source"]) for c in made["cells"]] == ["".join(c["source"]) for c in by_nbgrader["cells"]]


def test_what_only_the_solution_has_goes_into_the_solution(kit, course):
    """Helpers and imports that a student does not get must not stay behind when the solution is cut out."""
    (course / "solutions/01_mini/mini.py").write_text('''"""Reference."""
import math
from functools import partial, reduce

import torch
from torch import Tensor, nn

TWO = 2


def double(x):
    return TWO * x


def row_means(t: Tensor) -> Tensor:
    # the mean along a row
    return t.mean(1)


def slope(x: Tensor) -> Tensor:
    """Another docstring."""
    twice = partial(double)
    return twice(x)


class Scale(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor * math.exp(0)
''')
    assert kit.run("nbgrader", "init", "nb", cwd=course).returncode == 0
    cells = sources(course / "nb/source/01_mini/01_mini.ipynb")
    assert cells["given-1"] == "import torch\nfrom torch import Tensor, nn"
    assert (
        cells["row_means"]
        == '''def row_means(t: Tensor) -> Tensor:
    """The mean of each row: (R, C) -> (R,)."""
    # TODO: average over the columns
    ### BEGIN SOLUTION
    # the mean along a row
    return t.mean(1)
    ### END SOLUTION'''
    )
    assert (
        cells["slope"]
        == '''def slope(x: Tensor) -> Tensor:
    """The derivative of x**2, by hand."""
    ### BEGIN SOLUTION
    from functools import partial
    TWO = 2
    def double(x):
        return TWO * x
    twice = partial(double)
    return twice(x)
    ### END SOLUTION'''
    )
    assert "        import math\n        return x * self.factor * math.exp(0)\n" in cells["Scale"]


def test_a_method_that_only_one_of_stub_and_solution_has_is_named(kit, course):
    solution = course / "solutions/01_mini/mini.py"
    solution.write_text(solution.read_text() + "\n    def helper(self):\n        return 1\n")
    done = kit.run("nbgrader", "init", "nb", cwd=course)
    assert done.returncode == 2
    assert "Scale: stub and solution do not have the same methods: helper" in done.stderr


def test_a_students_notebook_says_titles_and_hints_in_their_language(kit, course, tmp_path):
    catalogue = Catalog(locale="zh_CN")
    catalogue.add("gives the mean of each row", "给出每一行的均值")
    catalogue.add("Which axis runs along a row?", "哪个轴沿着一行？")
    path = course / "exercises/locale/zh_CN/LC_MESSAGES/exercises.mo"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        mofile.write_mo(file, catalogue)
    assert kit.run("nbgrader", "init", course / "nb", cwd=course).returncode == 0
    theirs = shutil.copytree(course / "nb/source/01_mini", tmp_path / "elsewhere/01_mini")  # nbgrader copies what lies beside
    work = "from autograder.frontends.jupyter import check\ncheck('row_means', {'row_means': lambda t: t.mean(0)})"
    environment = {**os.environ, "AUTOGRADER_LANG": "zh_CN", "PYTHONIOENCODING": "utf-8"}
    done = patient.run([sys.executable, "-c", work], cwd=theirs, env=environment)
    assert "给出每一行的均值" in done.stdout, done.stdout + done.stderr
    assert "哪个轴沿着一行？" in done.stdout
