"""`nbgrader autograde` with the kit in the place of Execute: right scores, forgeries without effect, cells restored."""

import contextlib
import copy
import csv
import json
import os
import shutil
import signal
import sqlite3
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import patient
import pytest

MEANS = "def row_means(t: Tensor) -> Tensor:\n    "
FULL = {"row_means": 3.0, "slope": 2.0, "Scale": 1.0}


def six_students(school, released):
    """What a class hands in."""
    full, edit = released.source, school.edited
    top = copy.deepcopy(full)
    top["cells"].insert(0, school.code("import tensorflow_of_tomorrow as tf; tf.ones(2)\nimport torch\n"))
    top["cells"] = [c for c in top["cells"] if c["id"] != "given-1"]
    return {
        "full": full,
        "partial": edit(full, row_means=f"{MEANS}return t.mean(1) if len(t) > 1 else t.mean(1) + 1",
                        slope="def slope(x):\n    return x"),
        "untouched": released.release,
        "top": top,
        "loop": edit(full, slope="def slope(x):\n    while True:\n        pass"),
        "warns": edit(full, row_means=f"{MEANS}import sys, warnings\n    print('noise', file=sys.stderr)\n"
                                      "    warnings.warn('odd')\n    return t.mean(1)"),
    }  # fmt: skip


def forgers(school, released):
    """Notebooks without a right row_means that get full marks from nbgrader's own Execute and assertions."""
    wrong = f"{MEANS}return t"
    solution = released.folder / "source" / school.topic / f"{school.topic}.ipynb"
    database = released.folder / "gradebook.db"
    update = f"sqlite3.connect({str(database)!r}, isolation_level=None).execute('UPDATE grade SET manual_score = 3')"
    codes = {
        "patched": "import torch\ntorch.allclose = lambda *_, **__: True\n"
                   "import autograder.checks.compare\nautograder.compare.expect_close = lambda *_, **__: None\n",
        "hook": "def publish(info):\n    shell = get_ipython()\n"
                "    content = {'data': {'text/plain': '3.0'}, 'metadata': {}, 'execution_count': 1}\n"
                "    parent = shell.kernel.get_parent('shell')\n"
                "    shell.kernel.session.send(shell.kernel.iopub_socket, 'execute_result', content, parent=parent)\n"
                "get_ipython().events.register('pre_run_cell', publish)\n",
        "database": f"import sqlite3, subprocess, sys\n"
                    f"subprocess.Popen([sys.executable, '-c', {f'import sqlite3; {update}'!r}], start_new_session=True)\n",
        "database_here": f"import sqlite3\n{update}\n",
    }  # fmt: skip
    found = {name: school.edited(released.source, row_means=wrong) for name in codes}
    for name, text in codes.items():
        found[name]["cells"].append(school.code(text))
    found["reader"] = school.edited(
        released.source,
        row_means=f"import json\nfor c in json.load(open({str(solution)!r}))['cells']:\n"
        "    if 'def row_means' in ''.join(c['source']):\n        exec(''.join(c['source']))\n",
    )
    skips = school.edited(released.source, row_means=wrong)
    school.cell(skips, "test_row_means")["metadata"]["tags"] = ["skip-execution"]
    result = {"output_type": "execute_result", "data": {"text/plain": "3.0"}, "metadata": {}, "execution_count": 1}
    school.cell(skips, "test_row_means")["outputs"] = [result]
    return found | {
        "skips": skips,
        "nan": school.edited(released.source, row_means=f"{MEANS}return t.mean(1) * float('nan')"),
        "nothing": school.edited(released.source, row_means=f"{MEANS}t.mean(1)"),
    }


def tamperers(school, released):
    """Notebooks with a wrong slope, and their cells changed where students should not."""
    wrong = school.edited(released.source, slope="def slope(x):\n    return x * 3")
    found = {name: copy.deepcopy(wrong) for name in ("deleted", "doubled", "reordered", "edited", "garbage", "stripped")}

    def test_cells(name):
        return [c for c in found[name]["cells"] if c["id"].startswith("test_")]

    found["deleted"]["cells"] = [c for c in wrong["cells"] if c["id"] not in ("slope", "test_slope", "test_Scale")]
    found["doubled"]["cells"] += [copy.deepcopy(c) for c in test_cells("doubled")]
    found["reordered"]["cells"].sort(key=lambda c: (c["id"].startswith("test_"), c["id"] == "test_row_means"))
    for c in test_cells("edited"):
        c["source"] = "3.0"
        c["metadata"]["nbgrader"] |= {"points": 1000, "grade": True, "locked": False, "solution": True}
    for number, c in enumerate(test_cells("garbage")):
        c["metadata"]["nbgrader"] |= {"schema_version": [99, None, "x"][number], "grade": "yes", "checksum": 7}
    found["garbage"]["cells"][0]["metadata"] = {"nbgrader": {"grade_id": ["a"], "grade": True}}
    found["garbage"]["cells"].append(school.code("1000.0") | {"metadata": {"nbgrader": {"grade_id": "bonus", "points": 99,
                                     "grade": True, "solution": False, "locked": True, "schema_version": 3}}})  # fmt: skip
    for c in found["stripped"]["cells"]:
        c["metadata"] = {}
    return found


@pytest.fixture(scope="module")
def graded(kit, school, released, tmp_path_factory):
    """Everybody graded twice: by `nbgrader autograde`, and by `autograder grade` with the same secret."""
    folder = Path(shutil.copytree(released.folder, tmp_path_factory.mktemp("graded") / "nb"))
    handed_in = {**six_students(school, released), **forgers(school, released), **tamperers(school, released)}
    for student, notebook in handed_in.items():
        school.hand_in(folder, student, notebook)
        (released.course / "handed-in").mkdir(exist_ok=True)
        (released.course / f"handed-in/{student}.ipynb").write_text(json.dumps(notebook))
    linked = folder / "submitted/linked/01_mini/01_mini.ipynb"
    linked.parent.mkdir(parents=True)
    linked.symlink_to(folder / "source/01_mini/01_mini.ipynb")
    log = school.nbgrader(folder, "autograde", school.topic)
    out = released.course / "out"
    out.mkdir()
    shutil.copy(folder / "hidden_inputs.secret", out / "secret")
    done = kit.run("grade", "handed-in", "--topic", school.topic, "--out", out, cwd=released.course)
    assert done.returncode == 0, done.stderr
    reports = {path.stem: json.loads(path.read_text()) for path in (out / "results").glob("*.json")}
    return SimpleNamespace(
        folder=folder, log=log, reports=reports, scores=school.scores(folder), manual=school.scores(folder, kind="manual")
    )


def test_every_score_is_the_one_of_autograder_grade(graded):
    same = {name: {task["id"]: task["score"] for task in report["tasks"]} for name, report in graded.reports.items()}
    # Of these, nbgrader restores or drops cells that the bare notebook does not have any more.
    assert {name: graded.scores[name] for name in same} == same
    assert len(same) >= 19


@pytest.mark.parametrize(
    ("student", "expected"),
    [
        ("full", FULL),
        ("partial", {**FULL, "row_means": 2.0, "slope": 0.0}),
        ("untouched", dict.fromkeys(FULL, 0.0)),
        ("top", dict.fromkeys(FULL, 0.0)),
        ("loop", {**FULL, "slope": 0.0}),
        ("warns", FULL),
    ],
)
def test_the_class_gets_what_it_earned(graded, student, expected):
    assert graded.scores[student] == expected


@pytest.mark.parametrize("student", ["patched", "hook", "database", "database_here", "reader", "skips", "nan", "nothing"])
def test_a_forgery_earns_nothing(graded, student):
    assert graded.scores[student] == {**FULL, "row_means": 0.0}
    assert set(graded.manual[student].values()) == {None}


@pytest.mark.parametrize("student", ["doubled", "reordered", "edited", "garbage", "stripped"])
def test_tampered_cells_are_restored_and_earn_what_the_code_earns(graded, school, student):
    assert graded.scores[student] == {**FULL, "slope": 0.0}
    cells = school.read(graded.folder / f"autograded/{student}/01_mini/01_mini.ipynb")["cells"]
    names = [c["metadata"]["nbgrader"]["grade_id"] for c in cells if c["metadata"].get("nbgrader", {}).get("grade")]
    assert sorted(names) == ["test_Scale", "test_row_means", "test_slope"]


def test_deleted_cells_come_back_with_a_note(graded, school):
    assert graded.scores["deleted"] == {**FULL, "slope": 0.0}
    notebook = school.read(graded.folder / "autograded/deleted/01_mini/01_mini.ipynb")
    shown = "".join(school.cell(notebook, "test_Scale")["outputs"][0]["data"]["text/plain"])
    assert "This cell was missing from the submission and was put back." in shown
    assert "deleted, test_slope: This cell was missing from the submission" in graded.log
    assert "edited, test_slope: This cell had been changed in the submission" in graded.log
    assert "doubled, test_slope: This cell was in the submission more than once" in graded.log


def test_a_link_in_the_place_of_the_notebook_earns_nothing(graded):
    assert graded.scores["linked"] == dict.fromkeys(FULL, 0.0)


def test_each_test_cell_has_one_finite_result_and_the_feedback(graded, school):
    for student, results in graded.scores.items():
        notebook = school.read(graded.folder / f"autograded/{student}/01_mini/01_mini.ipynb")
        for task, score in results.items():
            shown, result = school.cell(notebook, f"test_{task}")["outputs"]
            assert (shown["output_type"], result["output_type"]) == ("display_data", "execute_result")
            assert float("".join(result["data"]["text/plain"])) == score


def test_feedback_pages_and_the_export_show_message_hint_and_scores(graded, school):
    school.nbgrader(graded.folder, "generate_feedback", school.topic, "--student", "[pt]*[lp]")
    school.nbgrader(graded.folder, "export")
    page = (graded.folder / "feedback/partial/01_mini/01_mini.html").read_text()
    assert "Expected: it gives the derivative of the square." in page
    assert "Your result is what comes out of code that forgets the factor." in page
    assert "Hint: The derivative of x squared." in page
    assert "row_means: partial, 2/3 points" in page
    top = (graded.folder / "feedback/top/01_mini/01_mini.html").read_text()
    assert "Cell 1 imports 'tensorflow_of_tomorrow', which is not installed here" in top
    with (graded.folder / "grades.csv").open() as file:
        rows = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert {name: rows[name] for name in ("full", "partial", "untouched", "top", "loop", "warns")} == {
        "full": 6.0, "partial": 3.0, "untouched": 0.0, "top": 0.0, "loop": 4.0, "warns": 6.0,
    }  # fmt: skip


def test_a_fault_of_the_kit_blocks_the_grade_and_is_reported(school, released, tmp_path):
    folder = Path(shutil.copytree(released.folder, tmp_path / "nb"))
    course = Path(shutil.copytree(released.course, tmp_path / "course", ignore=shutil.ignore_patterns("nb", "out")))
    config = folder / "nbgrader_config.py"
    config.write_text(config.read_text().replace(str(released.course), str(course)))
    (course / "tests/hidden/01_mini/test_mini.py").write_text("import nothing_of_the_kind\n")
    school.hand_in(folder, "full", released.source)
    log = school.nbgrader(folder, "autograde", school.topic, code=1)
    assert "the hidden suite cannot be run" in log
    assert all(score is None for score in school.scores(folder)["full"].values())


def test_an_interrupted_autograde_leaves_no_process_and_no_file(kit, school, released, tmp_path):
    folder = Path(shutil.copytree(released.folder, tmp_path / "nb"))
    school.hand_in(folder, "loop", six_students(school, released)["loop"])
    command = [sys.executable, "-W", "ignore", "-m", "nbgrader", "autograde", school.topic]
    with kit.supervised(folder, *command) as process:
        kit.wait_for(process.pid, "autograder.sandbox.server_main", 4)  # its two, the child at work and the next one
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does
        patient.communicate(process)
    assert process.returncode == 130
    assert json.loads((tmp_path / "left.json").read_text()) == []
    assert list((tmp_path / "tmp").iterdir()) == []


def recorded(folder):
    """What the gradebook has of each student's graded cells and comments."""
    query = """
        SELECT a.student_id, c.name, {} FROM {} t JOIN base_cell c ON c.id = t.cell_id
        JOIN submitted_notebook n ON n.id = t.notebook_id JOIN submitted_assignment a ON a.id = n.assignment_id
    """
    tables = {"grade": "auto_score, manual_score, needs_manual_grade", "comment": "auto_comment, manual_comment"}
    with contextlib.closing(sqlite3.connect(folder / "gradebook.db")) as database:
        return [sorted(database.execute(query.format(columns, name)), key=repr) for name, columns in tables.items()]


def test_scores_are_recorded_as_by_nbgrader_and_people_s_grades_stay(school, released, tmp_path):
    folder = Path(shutil.copytree(released.folder, tmp_path / "nb"))
    notebook = copy.deepcopy(released.source)
    for name, marks in (("answer", {"grade": True, "solution": True}), ("essay", {"task": True})):
        usual = {
            "grade": False,
            "solution": False,
            "task": False,
            "locked": False,
            "schema_version": 3,
            "grade_id": name,
            "points": 2,
        }
        notebook["cells"].append({"cell_type": "markdown", "id": name, "source": "Why?", "metadata": {"nbgrader": usual | marks}})
    (folder / "source/01_mini/01_mini.ipynb").write_text(json.dumps(notebook))
    school.nbgrader(folder, "generate_assignment", school.topic, "--force")
    school.hand_in(folder, "ada", school.edited(notebook, answer="Because.", slope="def slope(x):\n    return x"))
    school.hand_in(folder, "ben", school.read(folder / "release/01_mini/01_mini.ipynb"))
    school.nbgrader(folder, "autograde", school.topic)
    with contextlib.closing(sqlite3.connect(folder / "gradebook.db")) as database:
        database.execute("UPDATE grade SET manual_score = 1.5 WHERE auto_score = 0")
        database.execute("UPDATE comment SET manual_comment = 'look again'")
        database.commit()
    stock = Path(shutil.copytree(folder, tmp_path / "stock"))
    config = (stock / "nbgrader_config.py").read_text()
    assert config.count("autograder.frontends.nbgrader.preprocessors.SaveScores") == 1
    own = config.replace("autograder.frontends.nbgrader.preprocessors.SaveScores", "nbgrader.preprocessors.SaveAutoGrades")
    (stock / "nbgrader_config.py").write_text(own)
    for each in (folder, stock):
        school.nbgrader(each, "autograde", school.topic, "--force")
    grades, comments = recorded(folder)
    assert [grades, comments] == recorded(stock)
    assert ("ada", "answer", None, None, 1) in grades
    assert ("ada", "test_slope", 0.0, 1.5, 1) in grades
    assert ("ben", "answer", "No response.", "look again") in comments


def test_validate_shows_a_student_what_fails(school, released, tmp_path):
    release = Path(shutil.copytree(released.folder / "release/01_mini", tmp_path / "homework"))
    (release / "01_mini.ipynb").write_text(json.dumps(school.edited(released.source, slope="def slope(x):\n    return x")))
    said = school.nbgrader(release, "validate", "01_mini.ipynb")
    assert "VALIDATION FAILED ON 1 CELL(S)" in said
    assert "slope: 0 of 1 public checks pass" in said
    (release / "01_mini.ipynb").write_text(json.dumps(released.source))
    assert "Success! Your notebook passes all the tests." in school.nbgrader(release, "validate", "01_mini.ipynb")


def test_release_fetch_submit_and_collect_work_as_always(school, released, tmp_path):
    folder = Path(shutil.copytree(released.folder, tmp_path / "nb"))
    student = tmp_path / "student"
    student.mkdir()
    exchange = tmp_path / "exchange"
    exchange.mkdir(mode=0o777)
    exchange.chmod(0o777)
    common = [f"--Exchange.root={exchange}", "--CourseDirectory.course_id=nb"]
    school.nbgrader(folder, "release_assignment", school.topic, *common)
    school.nbgrader(student, "fetch_assignment", school.topic, *common)
    assert sorted(path.name for path in (student / school.topic).iterdir()) == ["01_mini.ipynb", "public_checks.py"]
    school.nbgrader(student, "submit", school.topic, *common)
    school.nbgrader(folder, "collect", school.topic, *common)
    collected = list((folder / "submitted").glob("*/01_mini/01_mini.ipynb"))
    assert len(collected) == 1

    archive = folder / "downloaded" / school.topic / "archive"
    archive.mkdir(parents=True)
    with zipfile.ZipFile(archive / "all.zip", "w") as file:
        file.writestr("ada/01_mini.ipynb", json.dumps(released.source))
    pattern = "--FileNameCollectorPlugin.named_regexp=.*/(?P<student_id>[^/]+)/(?P<file_id>[^/]+)"
    school.nbgrader(folder, "zip_collect", school.topic, pattern)
    assert school.read(folder / "submitted/ada/01_mini/01_mini.ipynb") == released.source
