"""What a class reads of a grading holds nothing of the solution, the hidden suite, the mutants' edits or the secret."""

import ast
import json

import pytest

from autograder.course import load
from autograder.feedback import out_folder
from autograder.frontends.nbgrader import feedback

CANARY = "CANARY"
PLANTED = f"""
# {CANARY}
{CANARY} = "{CANARY}"
"""

# Checks that trip over what they get, in the grader and beside the submission, with secrets at hand.
TRIPS = f'''

def {CANARY}_of(module, x):
    """{CANARY}"""
    {CANARY}_known = ["{CANARY}"]  # {CANARY}
    return {CANARY}_known.index(str(type(module.slope(x)))) if module.slope(x) is None else module.slope(x).shape


def test_slope__shape(student, rng):
    """has the shape of its input"""
    {CANARY}_x = torch.full((3,), 7.125)  # {CANARY}
    expect_equal(student.run({CANARY}_of, {CANARY}_x), {CANARY}_x.shape, "the shape")
    {{"{CANARY}": 1}} if float(student.call("slope", {CANARY}_x)[0]) == 14.25 else {{"{CANARY}": 1}}["{CANARY}_2"]
'''

TELLS = "(_ for _ in ()).throw(ValueError(repr({})))"


class Planted(ast.NodeTransformer):
    """A local name and a sentence without effect at the start of every function."""

    def visit_FunctionDef(self, node):
        docstring = int(ast.get_docstring(node) is not None)
        node.body[docstring:docstring] = ast.parse(f"{CANARY} = '{CANARY}'\n'{CANARY}'").body
        return node


@pytest.fixture(scope="module")
def graded(kit, tmp_path_factory):
    """A class graded in a course with markers in all that is secret."""
    course = kit.course(tmp_path_factory.mktemp("secrets") / "course")
    for name in ("solutions/01_mini/mini.py", "tests/hidden/01_mini/test_mini.py", "solutions/01_mini/mutants.py"):
        path = course / name
        text = path.read_text().replace("import expect_close", "import expect_equal, expect_close")
        text = text + TRIPS if "hidden" in name else text
        path.write_text(ast.unparse(Planted().visit(ast.parse(text))) + PLANTED)
    text = (course / "course.yaml").read_text()
    (course / "course.yaml").write_text(f"# {CANARY}\n{text.replace('limits: {', 'limits: {grader_seconds: 29, ')}")
    s = kit.solution
    submissions = {
        "right": s,
        "stub": (course / "exercises/01_mini/mini.py").read_text(),
        "mutant": s.replace("2 * x", "x * x").replace("t.mean(1)", "t.sum(1)").replace("x * self.factor", "x + self.factor"),
        "raises": s.replace("2 * x", "{}[1]").replace("t.mean(1)", "t @ t").replace("super()", "super(int)"),
        "none": s.replace("2 * x", "None").replace("t.mean(1)", "None").replace("return x * self.factor", "pass"),
        "types": s.replace("2 * x", "'x'").replace("t.mean(1)", "{'a': [t]}").replace("x * self.factor", "3j"),
        "shapes": s.replace("2 * x", "x[:1]")
        .replace("t.mean(1)", "t.mean(1, keepdim=True)")
        .replace("x * self.factor", "x.T @ x"),
        "nosy": "import inspect, sys\n"
        + s.replace("2 * x", TELLS.format("sys._getframe(2).f_locals")).replace("t.mean(1)", TELLS.format("inspect.stack()")),
        "returns_nosy": "import inspect, sys\n"
        + s.replace("2 * x", "repr([sys._getframe(n).f_locals for n in range(4)])").replace("t.mean(1)", "repr(inspect.stack())"),
        "trips_probe": s.replace("2 * x", "2 * x if x.std() else None"),
        "trips_check": s.replace("2 * x", "2 * x if x.std() else 3 * x"),
        "trips_nosy": "import sys\n" + s.replace("2 * x", f"2 * x if x.std() else {TELLS.format('sys._getframe(2).f_locals')}"),
        "ends": "import sys\n" + s.replace("2 * x", "sys.exit(3)").replace("t.mean(1)", "__import__('os')._exit(4)"),
        "unreadable": s + "\n)",
    }
    kit.grade(course, submissions, "--workers", "1")
    return course


def test_no_result_page_or_table_of_a_class_holds_a_secret(graded, kit):
    out = graded / "out"
    results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (out / "results").glob("*.json")}
    found = {name: {task["status"] for task in result["tasks"]} for name, result in results.items()}
    assert found["right"] == {"passed"}
    assert "passed" not in {task["status"] for name in found if "trips" in name for task in results[name]["tasks"][1:2]}
    assert found["stub"] == {"missing"}
    assert "crashed" in found["ends"] or "error" in found["ends"]
    assert any("gives the square" in task["diagnosis"] for task in results["mutant"]["tasks"])  # named, without its edit
    secret = (out / "secret").read_text().strip()
    shown = {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != "secret"}
    assert len(shown) >= 2 * len(found) + 3
    for path, content in shown.items():
        assert CANARY.encode() not in content, path
        assert secret.encode() not in content, path


def test_no_cell_of_nbgrader_s_feedback_holds_a_secret(graded):
    topic = load(graded).topic("01_mini")
    reports = out_folder.held(graded / "out")
    cells = [feedback.outputs(report, task, 1.0, "", 1) for report in reports for task in report.tasks]
    assert len(cells) >= 3 * 8
    assert CANARY not in json.dumps(cells)
    assert CANARY not in " ".join(feedback.comment_on(report, task) for report in reports for task in report.tasks)
    assert topic.hidden_suite.read_text().count(CANARY) > 20
