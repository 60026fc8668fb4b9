"""`autograder export`, `grade --export` and `autograder gradescope` from outside."""

import json
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import patient
import pytest

from autograder.course import load
from autograder.feedback import out_folder
from autograder.results import Report, SubmissionStatus, TaskResult

MINI = Path(__file__).parents[1] / "mini_course"


@pytest.fixture
def out(tmp_path):
    topic = load(MINI).topic("01_mini")
    tasks = tuple(TaskResult(task.id, "passed", task.points, task.points) for task in topic.tasks)
    good = Report("01_mini", "good", SubmissionStatus.GRADED, 6.0, 6.0, "", "full", 0.1, tasks)
    for item in (good, replace(good, submission="bad", status=SubmissionStatus.UNREADABLE, score=0.0, message="No file.")):
        out_folder.keep(tmp_path / "out", item)
    out_folder.finish(tmp_path / "out", topic, out_folder.held(tmp_path / "out"))
    return tmp_path / "out"


def test_results_are_exported_to_out_or_elsewhere_and_what_is_left_out_is_said(kit, out, tmp_path):
    done = kit.run("export", out, "gradescope", cwd=MINI)
    assert (done.returncode, done.stdout) == (0, f"Export: {out / 'exports/gradescope/good.json'}\n")
    assert done.stderr == "autograder: gradescope: without a score, and so left out: bad\n"
    assert json.loads((out / "exports/gradescope/good.json").read_text())["score"] == 6.0
    (tmp_path / "book.csv").write_text("Student,ID,SIS User ID,SIS Login ID,Section,01_mini (5)\nX,1,,good,A,\n")
    done = kit.run("export", out, "canvas", "--from", tmp_path / "book.csv", "--to", tmp_path / "new", cwd=MINI)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new/canvas.csv").read_text().endswith("X,1,,good,A,6\n")


def test_what_cannot_be_exported_is_one_line(kit, out, tmp_path):
    done = kit.run("export", out, "canvas", cwd=MINI)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("autograder: Canvas's gradebook is filled in: export it there")
    done = kit.run("export", out, "csv", "--topic", "01_mini", "--to", tmp_path / "out/grading.json", cwd=MINI)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_autograder_for_gradescope_grades_a_submission_there(kit, tmp_path):
    course = kit.course(tmp_path / "course")
    done = kit.run("gradescope", tmp_path / "up.zip", "--topic", "01_mini", cwd=course)
    assert done.returncode == 0, done.stderr
    there = tmp_path / "autograder"
    with zipfile.ZipFile(tmp_path / "up.zip") as archive:
        archive.extractall(there / "source")
        modes = {name: archive.getinfo(name).external_attr >> 16 & 0o111 for name in ("setup.sh", "run_autograder")}
    assert all(modes.values())
    for script in ("setup.sh", "run_autograder"):
        assert patient.run(["bash", "-n", there / "source" / script]).returncode == 0
    assert 'gradescope.run("01_mini")' in (there / "source/run_autograder").read_text()
    (there / "submission").mkdir()
    shutil.copy(course / "solutions/01_mini/mini.py", there / "submission/mini.py")
    call = f"sys.exit(gradescope.run('01_mini', Path({str(there)!r})))"
    code = f"import sys; from pathlib import Path; from autograder.frontends import gradescope; {call}"
    ran = patient.run([sys.executable, "-c", code], cwd=there / "source/course")
    assert ran.returncode == 0, ran.stderr
    result = json.loads((there / "results/results.json").read_text(encoding="utf-8"))
    assert (result["score"], [test["status"] for test in result["tests"]]) == (6.0, ["passed"] * 3)


def test_similar_submissions_are_shown_side_by_side_and_escaped(kit, out):
    copy = (MINI / "solutions/01_mini/mini.py").read_text() + "\n".join(
        f"def own_{n}(x):\n    return [x + {n} for x in range({n})] if x < {n} else {{'<b>{n}</b>': x * {n}}}" for n in range(20)
    )
    good = next(each for each in out_folder.held(out) if each.submission == "good")
    for name in ("good", "copy"):
        out_folder.keep(out, replace(good, submission=name, attachments={"source": copy}))
    done = kit.run("similar", out, cwd=MINI)
    assert (done.returncode, done.stdout) == (0, f"Similar: {out / 'similar.html'}, pairs to look at: 1\n")
    assert done.stderr == "autograder: 01_mini: 1 of 3 could not be read, and are not compared\n"
    text = (out / "similar.html").read_text(encoding="utf-8")
    assert "100 %: copy · good" in text
    assert "&lt;b&gt;7&lt;/b&gt;" in text
    assert "<b>7" not in text
    assert "never a score" in text
