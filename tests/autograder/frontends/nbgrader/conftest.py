"""A class in nbgrader: the miniature course as notebooks, students' notebooks, nbgrader's own commands."""

import contextlib
import copy
import json
import os
import sqlite3
import sys
from pathlib import Path
from types import SimpleNamespace

import patient
import pytest

TOPIC = "01_mini"
SCORES = """
    SELECT student.id, base_cell.name, grade.auto_score, grade.manual_score
    FROM grade JOIN base_cell ON base_cell.id = grade.cell_id
    JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
    JOIN student ON student.id = submitted_assignment.student_id
    JOIN assignment ON assignment.id = submitted_assignment.assignment_id
    WHERE assignment.name = ?
"""


def run_nbgrader(folder, *arguments, code=0):
    """Run `nbgrader …` in a course's folder; returns what it said."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = patient.run([sys.executable, "-W", "ignore", "-m", "nbgrader", *arguments], cwd=folder, env=environment)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def hand_in(folder, student, notebook, topic=TOPIC):
    """Put a notebook where `nbgrader collect` would."""
    path = folder / "submitted" / student / topic / f"{topic}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def cell(notebook, grade_id):
    """The cell of that grade id."""
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def edited(notebook, **sources):
    """A copy of the notebook with other sources in some of its cells."""
    result = copy.deepcopy(notebook)
    for grade_id, source in sources.items():
        cell(result, grade_id)["source"] = source
    return result


def code(source):
    return {"cell_type": "code", "id": "own", "source": source, "metadata": {}, "outputs": [], "execution_count": None}


def scores(folder, topic=TOPIC, kind="auto"):
    """{student: {task: score}} of the gradebook in SQLite: those of the kit, or those of people ("manual")."""
    found = {}
    with contextlib.closing(sqlite3.connect(folder / "gradebook.db")) as database:
        for student, name, auto, manual in database.execute(SCORES, [topic]):
            found.setdefault(student, {})[name.removeprefix("test_")] = auto if kind == "auto" else manual
    return found


@pytest.fixture(scope="session")
def school():
    """The functions above, for fixtures that outlive one test."""
    return SimpleNamespace(
        nbgrader=run_nbgrader, read=read, hand_in=hand_in, cell=cell, edited=edited, code=code, scores=scores, topic=TOPIC
    )


@pytest.fixture(scope="session")
def released(kit, school, tmp_path_factory):
    """The miniature course, and its nbgrader course with the assignment released."""
    course = kit.course(tmp_path_factory.mktemp("released") / "course")
    folder = course / "nb"
    done = kit.run("nbgrader", "init", folder, cwd=course)
    assert done.returncode == 0, done.stderr
    school.nbgrader(folder, "generate_assignment", TOPIC)
    return SimpleNamespace(
        course=course,
        folder=folder,
        source=read(folder / "source" / TOPIC / f"{TOPIC}.ipynb"),
        release=read(folder / "release" / TOPIC / f"{TOPIC}.ipynb"),
    )
