"""`autograder grade --gradebook`: the same scores in nbgrader's gradebook, in SQLite and in a real PostgreSQL."""

import contextlib
import csv
import json
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import patient
import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError

from autograder import course
from autograder.frontends.nbgrader import gradebook

TABLES = ("student", "assignment", "notebook", "base_cell", "grade_cells", "submitted_assignment", "submitted_notebook",
          "grade", "comment")  # fmt: skip
# Writes the results in OUT under other names, as a further grader would.
GRADER = """
import dataclasses, pathlib, sys
from autograder import course
from autograder import results
from autograder.frontends.nbgrader import gradebook
root, out, url, first, last = sys.argv[1:]
topic = course.load(pathlib.Path(root)).topic("01_mini")
known = [results.from_json(path.read_text()) for path in sorted(pathlib.Path(out, "results").glob("*.json"))]
names = [f"student{number}" for number in range(int(first), int(last))]
gradebook.prepare(url, topic)
reports = [dataclasses.replace(known[i % len(known)], submission=name) for i, name in enumerate(names)]
assert gradebook.record(url, topic, reports) >= sum(report.has_score for report in reports)
"""


EXPECTED = {"good": 6.0, "partial": 5.0, "unreadable": 0.0, "wrong": 4.0}


@pytest.fixture(scope="module")
def graded(kit, tmp_path_factory):
    """A class whose scores are in grades.db."""
    course = kit.course(tmp_path_factory.mktemp("gradebook") / "course")
    solution = kit.solution
    kit.grade(course, {
        "good": solution,
        "partial": solution.replace("t.mean(1)", "(t.mean(1) if len(t) > 1 else t.mean(1) + 1)"),
        "unreadable": "def f(:",
        "wrong": solution.replace("2 * x", "x"),
    }, "--gradebook", "grades.db")  # fmt: skip
    return course


def write_as_another_grader(course, url, first, last):
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", GRADER, course, course / "out", url, str(first), str(last)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def finish(graders):
    for grader in graders:
        said, _ = patient.communicate(grader)
        assert grader.returncode == 0, said
        assert "Warning" not in said


def dump(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        return {table: sorted(database.execute(f"SELECT * FROM {table}"), key=repr) for table in TABLES}


def exported(school, folder, url):
    school.nbgrader(folder, "export", "--db", url)
    with (folder / "grades.csv").open() as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


def test_plain_modules_reach_the_gradebook_once_and_people_s_grades_stay(kit, school, graded, tmp_path):
    book = Path(shutil.copy(graded / "grades.db", tmp_path / "grades.db"))
    assert exported(school, graded, f"sqlite:///{book}") == EXPECTED
    with contextlib.closing(sqlite3.connect(book)) as database:
        comments = [text for (text,) in database.execute("SELECT auto_comment FROM comment WHERE auto_comment NOT NULL")]
        database.execute("UPDATE grade SET manual_score = 1.5 WHERE auto_score = 2.0")
        database.execute("UPDATE comment SET manual_comment = 'well done' WHERE auto_comment LIKE 'row_means%'")
        database.commit()
    assert any("Your result is what comes out of code that forgets the factor." in text for text in comments)
    assert any("mini.py does not parse" in text for text in comments)
    before = dump(book)
    command = ["grade", "handed-in", "--topic", "01_mini", "--out", "out", "--gradebook", book]
    assert kit.run(*command, cwd=graded).returncode == 0
    assert dump(book) == before


def test_graders_that_write_at_once_lose_nothing(school, released, graded, tmp_path):
    folder = Path(shutil.copytree(released.folder, tmp_path / "nb"))  # with the assignment as nbgrader made it
    book = folder / "gradebook.db"
    finish([write_as_another_grader(graded, book, first, first + 20) for first in (0, 10)])
    found = dump(book)
    assert len(found["student"]) == len(found["submitted_assignment"]) == 30
    assert len(found["grade"]) == len(found["comment"]) == 90
    without_score = 5  # students of whom only the unreadable result was written
    assert sum(auto is None for _, _, _, auto, *_ in found["grade"]) == 3 * without_score
    assert school.scores(folder)["student3"] == {"row_means": 3.0, "slope": 0.0, "Scale": 1.0}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql+psycopg2://somebody:secret@127.0.0.1:9/x", "the database cannot be written: connection"),
        ("nothing://here", "neither a file nor a URL like"),
    ],
)
def test_a_gradebook_that_cannot_be_had_is_said_before_the_grading(kit, graded, url, reason):
    done = kit.run("grade", "handed-in", "--topic", "01_mini", "--out", "elsewhere", "--gradebook", url, cwd=graded)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "secret" not in done.stderr
    assert not (graded / "elsewhere").exists()


def test_scores_wait_in_out_while_another_program_holds_the_gradebook(kit, graded, tmp_path):
    book = Path(shutil.copy(graded / "grades.db", tmp_path / "grades.db"))
    url, out = f"sqlite:///{book}?timeout=0.02", tmp_path / "out"
    with contextlib.closing(sqlite3.connect(book)) as other:
        other.execute("UPDATE grade SET auto_score = 0 WHERE auto_score IS NOT NULL")
        other.commit()
        other.execute("BEGIN EXCLUSIVE")
        done = kit.run("grade", "handed-in", "--topic", "01_mini", "--out", out, "--gradebook", url, cwd=graded)
        other.rollback()
    assert done.returncode == 2
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    assert said[0] == "autograder: another program holds the gradebook: it is written after the grading"
    assert set(said[1:-1]) == {"autograder: another program holds the gradebook: trying again"}
    assert said[-1].endswith(f"database is locked; the scores are in {out}: `autograder gradebook {out} URL` writes them")
    assert len(list((out / "results").iterdir())) == len(EXPECTED)
    done = kit.run("gradebook", out, url, cwd=graded)
    assert (done.returncode, done.stdout) == (0, f"Gradebook: {len(EXPECTED)} submissions\n"), done.stderr
    kept = [json.loads(path.read_text()) for path in (out / "results").iterdir()]
    points = [task["score"] for result in kept for task in result["tasks"]]
    assert sum(auto or 0.0 for _, _, _, auto, *_ in dump(book)["grade"]) == pytest.approx(sum(points))
    assert sum(points) > 0


def test_an_unreadable_hand_in_takes_no_grade_away_unless_it_is_to_count_as_zero(kit, school, graded, tmp_path):
    book = Path(shutil.copy(graded / "grades.db", tmp_path / "grades.db"))
    out, url = Path(shutil.copytree(graded / "out", tmp_path / "out")), f"sqlite:///{book}"
    kept = json.loads((out / "results/unreadable.json").read_text())
    (out / "results/wrong.json").write_text(json.dumps({**kept, "submission": "wrong"}))
    before = dump(book)
    assert kit.run("gradebook", out, url, cwd=graded).stdout == "Gradebook: 3 submissions\n"
    assert dump(book) == before
    done = kit.run("gradebook", out, url, "--zero-unreadable", cwd=graded)
    assert (done.returncode, done.stdout) == (0, "Gradebook: 4 submissions\n"), done.stderr
    assert exported(school, graded, url) == {**EXPECTED, "wrong": 0.0}
    assert sum(auto is None for _, _, _, auto, *_ in before["grade"]) == 3
    assert not [auto for _, _, _, auto, *_ in dump(book)["grade"] if auto is None]


def as_postgres(*command):
    """Run a program of PostgreSQL, which refuses to run as root."""
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    return patient.run([*user, *map(str, command)], check=True, cwd="/")


@pytest.fixture(scope="module")
def postgresql():
    """URL of an empty database on a server of its own."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.fail("this test needs PostgreSQL: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="autograder-postgresql-"))
    if os.getuid() == 0:
        os.chown(folder, *pwd.getpwnam("postgres")[2:4])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data, server = folder / "data", programs[-1] / "pg_ctl"
    as_postgres(programs[-1] / "initdb", "--auth=trust", "--username=grader", "-D", data)
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    as_postgres(server, "start", "-w", "-D", data, "-l", folder / "log", "-o", options)
    try:
        yield f"postgresql+psycopg2://grader@127.0.0.1:{port}/postgres"
    finally:
        as_postgres(server, "stop", "-m", "immediate", "-D", data)
        shutil.rmtree(folder)


@pytest.mark.system
def test_two_graders_at_once_in_postgresql(kit, school, graded, postgresql, tmp_path):
    command = [sys.executable, "-m", "autograder", "grade", "handed-in", "--topic", "01_mini", "--seed", "1",
               "--gradebook", postgresql, "--out"]  # fmt: skip
    finish([subprocess.Popen([*command, tmp_path / out], cwd=graded, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True) for out in ("first", "second")])  # fmt: skip
    finish([write_as_another_grader(graded, postgresql, first, first + 20) for first in (0, 10)])
    found = exported(school, tmp_path, postgresql)
    assert found.items() >= EXPECTED.items()
    assert len(found) == len(EXPECTED) + 30
    assert found["student0"] == EXPECTED["good"]


def test_a_table_that_another_grader_has_just_made_is_no_fault(kit, tmp_path, monkeypatch):
    topic = course.load(kit.course(tmp_path / "course")).topic("01_mini")
    opened, made_by_another = gradebook.Gradebook, ['relation "student" already exists']

    def open_late(address):
        if made_by_another:
            raise ProgrammingError("CREATE TABLE student", {}, Exception(made_by_another.pop()))
        return opened(address)

    monkeypatch.setattr(gradebook, "Gradebook", open_late)
    gradebook.prepare(str(tmp_path / "grades.db"), topic, wait=False)
    with gradebook.Gradebook(f"sqlite:///{tmp_path / 'grades.db'}") as book:
        assert [assignment.name for assignment in book.assignments] == ["01_mini"]


def test_a_locked_gradebook_is_not_waited_for_before_the_grading(kit, tmp_path, monkeypatch):
    topic, tries = course.load(kit.course(tmp_path / "course")).topic("01_mini"), []

    def held(address):
        tries.append(address)
        raise OperationalError("BEGIN", {}, Exception("database is locked"))

    monkeypatch.setattr(gradebook, "Gradebook", held)
    with pytest.raises(gradebook.LockedError):
        gradebook.prepare(str(tmp_path / "grades.db"), topic, wait=False)
    assert len(tries) == 1
