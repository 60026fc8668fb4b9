"""`autograder grade` into an OUT that holds results: what is there stays, what is missing or changed is graded."""

import csv
import fcntl
import json
import os
import resource
import shutil
import signal
import sys
from pathlib import Path

import patient
import pytest

GRADE = ("grade", "handed-in", "--topic", "01_mini", "--out", "out")


def logged(out):
    """The submissions that were graded, in order, from the log."""
    lines = [line.split("\t") for line in (out / "log.txt").read_text().splitlines()]
    return [line[2] for line in lines if line[1] == "graded"]


def scores(out):
    with (out / "scores.csv").open() as file:
        return {row["submission"]: row["score"] for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def school(kit, tmp_path_factory):
    """A course whose class was graded once."""
    course = kit.course(tmp_path_factory.mktemp("resume") / "course")
    kit.grade(course, {"amira": kit.solution, "bo": kit.solution.replace("2 * x", "3 * x"), "chen": "1 +"})
    return course


@pytest.fixture
def graded(school, tmp_path):
    return Path(shutil.copytree(school, tmp_path / "course"))


@pytest.fixture
def again(kit, graded):
    """Grade the class again; the folder has moved with the course, as it may."""
    record = json.loads((graded / "out/grading.json").read_text())
    ((_, names),) = record["submissions"].items()
    record["submissions"] = {str(graded / "handed-in"): names}
    (graded / "out/grading.json").write_text(json.dumps(record, indent=1) + "\n")
    return lambda *options, **how: kit.run(*GRADE, *options, cwd=graded, **how)


def test_the_record_is_of_what_was_graded_and_how(school):
    record = json.loads((school / "out/grading.json").read_text())
    results = {path.stem: json.loads(path.read_text()) for path in (school / "out/results").iterdir()}
    assert record["submissions"] == {str(school / "handed-in"): {name: each["digest"] for name, each in results.items()}}
    assert (record["topic"], record["course"], record["settings"]["isolation"]) == ("01_mini", "A miniature course", "full")
    assert scores(school / "out") == {"amira": "6.0", "bo": "4.0", "chen": ""}


def test_the_same_command_again_grades_nothing_and_needs_no_torch(graded, again):
    before = {path: path.read_bytes() for path in (graded / "out").rglob("*.*")}
    (graded / "torch.py").write_text("raise ImportError('torch is not needed')")
    done = again("--json")
    assert (done.returncode, done.stderr) == (0, "autograder: 3 kept, 0 to grade\n")
    assert [json.loads(line)["submission"] for line in done.stdout.splitlines()] == ["amira", "bo", "chen"]
    after = {path: path.read_bytes() for path in (graded / "out").rglob("*.*")}
    assert after == before


def test_whom_a_person_has_looked_at_stays_cleared_until_the_files_change(kit, graded, again):
    def cleared():
        return sorted(json.loads((graded / "out/grading.json").read_text())["cleared"])

    assert again("--cleared", "bo").stderr == "autograder: 2 kept, 1 to grade\n"
    assert again().stderr == "autograder: 3 kept, 0 to grade\n"
    assert again("--cleared", "amira").stderr == "autograder: 2 kept, 1 to grade\n"
    assert cleared() == ["amira", "bo"]
    module = next((graded / "handed-in").glob("bo*/**/*.py"))
    module.write_text(module.read_text() + "\n# another one\n")
    assert kit.run("regrade", "out", "--write", cwd=graded).returncode == 0
    assert cleared() == ["amira"]
    assert again().stderr == "autograder: 3 kept, 0 to grade\n"
    assert cleared() == ["amira"]


def test_to_clear_nobody_is_one_line_and_nothing_is_graded(graded, again):
    before = (graded / "out/grading.json").read_bytes()
    done = again("--cleared", "bo", "--cleared", "bob")
    assert (done.returncode, done.stderr) == (2, "autograder: --cleared bob: there is no submission of that name\n")
    assert (graded / "out/grading.json").read_bytes() == before


def test_what_cannot_be_read_has_no_score_in_the_log(graded, again):
    (graded / "handed-in/dalia").mkdir()
    (graded / "handed-in/dalia/mini.py").write_text("x = (")
    again()
    (line,) = [line for line in (graded / "out/log.txt").read_text().splitlines() if "dalia" in line]
    assert line.split("\t")[-2] == "no score"


def test_what_a_grader_left_that_was_killed_after_its_last_result_is_removed_though_nothing_is_to_grade(
    again, tmp_path, monkeypatch
):
    left = tmp_path / "tmp/autograder-scratch-1-left"
    left.mkdir(parents=True)
    os.utime(left, (0, 0))  # long ago
    monkeypatch.setenv("TMPDIR", str(left.parent))
    assert again().stderr == "autograder: 3 kept, 0 to grade\n"
    assert not left.exists()


def test_only_what_is_missing_changed_or_broken_is_graded_and_who_has_left_is_set_aside(kit, graded, again):
    out = graded / "out"
    kit.write(graded / "handed-in", {"bo": kit.solution, "dalia": kit.solution})
    shutil.rmtree(graded / "handed-in/chen")
    amira = out / "results/amira.json"
    amira.write_text(json.dumps({**json.loads(amira.read_text()), "status": "broken"}))
    done = again("--zero-unreadable")
    assert done.returncode == 0, done.stderr
    assert f"1 no longer handed in: their results are kept in {Path('out/left')}" in done.stderr
    assert sorted(logged(out)[3:]) == ["amira", "bo", "dalia"]
    assert scores(out) == {"amira": "6.0", "bo": "6.0", "dalia": "6.0"}
    assert "chen" not in done.stdout + (out / "index.html").read_text()
    assert (out / "left/results/chen.json").is_file()
    kit.write(graded / "handed-in", {"chen": "1 +"})
    done = again()
    assert done.stderr == "autograder: 4 kept, 0 to grade\n"  # and chen's result is back
    assert scores(out) == {"amira": "6.0", "bo": "6.0", "chen": "0.0", "dalia": "6.0"}  # zero-unreadable is remembered
    course = graded / "course.yaml"
    course.write_text(
        course.read_text().replace("    tasks:", "    deadline: 2020-01-01 00:00\n    late: {per_day: 100%}\n    tasks:")
    )
    assert again().stderr == "autograder: 4 kept, 0 to grade\n"  # though what lateness costs is taken off
    assert set(scores(out).values()) == {"0.0"}


def refused(done):
    assert (done.returncode, done.stdout) == (2, ""), done.stdout
    (line,) = done.stderr.splitlines()
    return line


def test_other_settings_are_refused_until_force_grades_all_of_it(kit, graded, again):
    before = {path: path.read_bytes() for path in (graded / "out").rglob("*.*")}
    assert refused(again("--seed", "3")) == (
        "autograder: out was graded otherwise (seed: drawn, now 3): give another OUT, or --force to grade all of it again"
    )
    assert {path: path.read_bytes() for path in (graded / "out").rglob("*.*")} == before
    few = kit.write(graded / "few", {"amira": kit.solution})
    done = kit.run("grade", few, *GRADE[2:], "--seed", "3", "--force", "--quiet", cwd=graded)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert scores(graded / "out") == {"amira": "6.0"}  # no table mixes results of both
    assert {path.stem for path in (graded / "out/left/results").iterdir()} == {"bo", "chen"}


def test_a_second_grader_says_so_and_ends(graded, again):
    with (graded / "out/.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert refused(again()) == (
            "autograder: out: another grading is at work in it: wait until it has ended, or give another OUT"
        )


@pytest.mark.parametrize("place", ["out", "file/out"])
def test_an_out_that_takes_no_file_is_one_line_before_the_work(kit, graded, place):
    (graded / "file").write_text("in the way")
    files = {path: path.read_bytes() for path in (graded / "out").rglob("*.*")}
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))} if place == "out" else {}
    done = kit.run(*GRADE[:-1], place, "--force", cwd=graded, **limit)
    assert f"{place}: the results cannot be written" in refused(done)
    assert {path: path.read_bytes() for path in (graded / "out").rglob("*.*")} == files


def test_an_interrupted_grading_says_what_is_done_and_goes_on(kit, course):
    slow = kit.solution.replace("return t.mean(1)", "import time; time.sleep(1); return t.mean(1)")
    kit.write(course / "handed-in", {"a": kit.solution, "b": slow, "c": slow})
    command = [sys.executable, "-m", "autograder", *GRADE]
    with kit.supervised(course, *command) as process:
        kit.wait_until(process.pid, (course / "out/results/a.json").exists)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = patient.communicate(process)
    assert process.returncode == 130
    (line,) = errors.splitlines()
    assert line == "autograder: interrupted: 1 of 3 are graded, and kept in out: the same command goes on"
    assert scores(course / "out") == {"a": "6.0"}
    assert "1 of 3 graded so far" in kit.run("report", "out", cwd=course).stdout
    assert "1 of 3 graded so far" in (course / "out/index.html").read_text()
    done = kit.run(*GRADE, cwd=course)
    assert "1 kept, 2 to grade" in done.stderr
    assert "graded so far" not in done.stdout
    assert logged(course / "out") == ["a", "b", "c"]


def test_regrade_shows_whose_score_changes_and_why_and_only_write_takes_it_over(kit, graded, again):
    out, suite = graded / "out", graded / "tests/hidden/01_mini/test_mini.py"
    suite.write_text(suite.read_text().replace("2 * x.double()", "3 * x.double()"))
    before = {path: path.read_bytes() for path in out.rglob("*.*")}
    done = kit.run("regrade", "out", cwd=graded)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("out: 2 of 3 change, mean 5.00 → 5.00")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if line.startswith("│")]
    (amira, bo) = (row for row in rows if row[0])
    assert (amira[:4], bo[:4]) == (["amira", "6", "4", "-2"], ["bo", "4", "6", "+2"])
    assert amira[4].startswith("slope 2 → 0: Expected: it")
    assert bo[4].startswith("slope 0 → 2: Expected: it")
    assert done.stderr.splitlines() == [
        "autograder: out: 0 kept, 3 to grade",
        "autograder: nothing is changed in out: `autograder regrade out --write` takes these results over",
    ]
    assert {path: path.read_bytes() for path in out.rglob("*.*") if "regraded" not in path.parts} == before
    done = kit.run("regrade", "out", "--write", cwd=graded)
    assert (done.returncode, done.stderr) == (0, "autograder: out: 3 kept, 0 to grade\n")
    assert scores(out) == {"amira": "4.0", "bo": "6.0", "chen": ""}
    assert not (out / "regraded").exists()
    assert again().stderr == "autograder: 3 kept, 0 to grade\n"
    assert " 0 of 3 change" in kit.run("regrade", "out", cwd=graded).stdout


def test_regrade_of_an_out_that_does_not_say_how_it_was_graded_is_one_line(kit, graded):
    (graded / "out/grading.json").write_text('{"schema": 1, "topic": "01_mini"}')
    assert "it is not written there how and of what it was graded: use `autograder grade` again" in refused(
        kit.run("regrade", "out", cwd=graded)
    )
    assert refused(kit.run("regrade", "nowhere", cwd=graded))
    assert not (graded / "nowhere").exists()
