"""What the command says when it cannot do its work, and its small commands."""

import os
import re
import shutil
import subprocess
import sys

import pytest


def refused(done):
    """The one line that a refused command prints."""
    assert done.returncode == 2, done.stdout
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_wrong_topic_is_one_line_and_nothing_is_written(course, run):
    (course / "handed-in").mkdir()
    done = run("grade", course / "handed-in", "--topic", "99_none", "--out", course / "out", cwd=course)
    assert "99_none" in refused(done)
    assert "01_mini" in done.stderr
    assert not (course / "out").exists()


def test_a_missing_folder_is_one_line_and_nothing_is_written(course, run):
    done = run("grade", course / "nowhere", "--topic", "01_mini", "--out", course / "out", cwd=course)
    assert "nowhere" in refused(done)
    assert not (course / "out").exists()


def test_who_reads_no_further_ends_a_command_without_a_traceback(course):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "autograder", "hint", "row_means"]
    done = subprocess.run(command, cwd=course, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_results_do_not_go_where_the_submissions_are(course, run):
    (course / "handed-in/amira").mkdir(parents=True)
    for out in ("handed-in", "handed-in/amira", "handed-in/out/deeper"):
        done = run("grade", "handed-in", "--topic", "01_mini", "--out", out, cwd=course)
        assert "lies in handed-in, whose folders are submissions" in refused(done)
    assert [path.name for path in (course / "handed-in").rglob("*")] == ["amira"]


def test_the_language_may_stand_behind_the_command(course, run):
    before, behind = (run(*words, cwd=course).stdout for words in (["--lang", "zh", "check"], ["check", "--lang", "zh"]))
    assert before == behind
    assert before != run("check", cwd=course).stdout


def test_outside_a_course_the_command_says_so(tmp_path, run):
    assert "course.yaml" in refused(run("hint", "row_means", cwd=tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("points: 3", "points: three", ["course.yaml:7", "number above 0"]),
        ("points: 3", "points: -1", ["course.yaml:7", "number above 0"]),
        ("points: 3", "pionts: 3", ["course.yaml:7", "points"]),
        ("forbid: autograd", "forbid: loops", ["course.yaml:8", "loops"]),
        ("memory_mb: 512", "memory: 512", ["course.yaml:2", "memory"]),
        ("topics:", "topics: [", ["course.yaml:", "YAML"]),
        ("  01_mini:", "  01_mini: {}\n  01_mini:", ["course.yaml:", "twice"]),
        ("title: A miniature course", "", ["course.yaml:", "title"]),
    ],
)
def test_a_malformed_course_names_the_line(course, run, old, new, words):
    path = course / "course.yaml"
    path.write_text(path.read_text().replace(old, new, 1))
    line = refused(run("hint", "row_means", cwd=course))
    assert all(word in line for word in words), line


def test_a_hidden_suite_that_does_not_import_is_named(course, run, kit):
    (course / "tests/hidden/01_mini/test_mini.py").write_text("import nothing_like_this\n")
    folder = kit.write(course / "handed-in", {"good": kit.solution})
    line = refused(run("grade", folder, "--topic", "01_mini", "--out", course / "out", cwd=course))
    assert "nothing_like_this" in line
    assert not (course / "out").exists()


def test_hint_shows_the_tasks_hint(course, run):
    done = run("hint", "slope", cwd=course)
    assert done.returncode == 0
    assert "The derivative of x squared." in done.stdout


def test_check_fails_on_the_stub_and_passes_on_the_solution(course, run):
    stub = run("check", "01_mini", cwd=course)
    assert stub.returncode == 1
    assert "row_means: not done yet" in stub.stdout
    (course / "exercises/01_mini/mini.py").write_text((course / "solutions/01_mini/mini.py").read_text())
    assert run("check", cwd=course).returncode == 0


@pytest.fixture
def two_topics(course):
    """A course with the same tasks in two topics, in a folder whose name pytest would take for parameters."""
    folder = course.rename(course.with_name("course [2026]"))
    for place in ("exercises", "solutions", "tests/hidden"):
        shutil.copytree(folder / place / "01_mini", folder / place / "02_mini")
    text = (folder / "course.yaml").read_text()
    (folder / "course.yaml").write_text(text + text[text.index("  01_mini") :].replace("01_mini", "02_mini"))
    return folder


def test_a_task_is_its_topic_and_its_name(two_topics, run, solution):
    (two_topics / "exercises/02_mini/mini.py").write_text(solution.replace("2 * x", "3 * x"))
    checked = run("check", cwd=two_topics)
    assert checked.returncode == 1
    assert [" ".join(line.split()) for line in checked.stdout.splitlines()] == [
        "01_mini ░░░░░░░░░░░░░░░░░░░░ 0 of 3",
        "02_mini █████████████░░░░░░░ 2 of 3",
        "Public checks passed: 2 of 6 tasks, 4 of 12 points.",
        "First to do: 01_mini · row_means",
        "autograder check 01_mini row_means",
        "autograder hint 01_mini row_means",
    ]
    one = run("check", "02_mini", "slope", cwd=two_topics)
    assert "1 failed, 3 deselected" in one.stdout
    assert "Stuck? autograder hint 02_mini slope" in one.stdout
    assert "did you mean slope" in refused(run("check", "02_mini", "slop", cwd=two_topics))
    assert "autograder hint 01_mini slope` or `autograder hint 02_mini slope`" in refused(run("hint", "slope", cwd=two_topics))
    assert run("hint", "02_mini", "slope", cwd=two_topics).stdout.split("\n") == [
        "02_mini · slope: hint 1 of 1", "", "  The derivative of x squared.", "", ""]  # fmt: skip


def test_each_topic_has_its_place_in_out_and_all_that_is_there_is_shown(two_topics, run, kit):
    for topic, name in (("01_mini", "amira"), ("02_mini", "bo"), ("01_mini", "chen")):
        folder = kit.write(two_topics / f"handed-in-{name}", {name: kit.solution})
        done = run("grade", folder, "--topic", topic, "--out", "out", cwd=two_topics)
        assert done.returncode == 0, done.stderr
        assert name in done.stdout
    out = two_topics / "out"
    assert "amira" in done.stdout
    assert {path.stem for path in (out / "results").iterdir()} == {"amira", "chen"}
    assert {path.stem for path in (out / "02_mini/results").iterdir()} == {"bo"}
    assert [line.split(",")[:2] for line in (out / "scores.csv").read_text().splitlines()[1:]] == [
        ["amira", "01_mini"], ["chen", "01_mini"]
    ]  # fmt: skip
    reported = run("report", "out", cwd=two_topics)
    assert reported.returncode == 0, reported.stderr
    assert re.findall(r"amira|bo\b|chen|0\d_mini:", reported.stdout) == ["01_mini:", "amira", "chen", "02_mini:", "bo"]
