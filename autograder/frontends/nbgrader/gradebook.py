"""Writes the scores of `autograder grade` into nbgrader's gradebook, through nbgrader's API."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from nbgrader.api import Comment, Grade, Gradebook, InvalidEntry
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SAWarning
from tornado.log import app_log

from autograder.course import Topic
from autograder.errors import KitError
from autograder.frontends.nbgrader.feedback import comment_on, score_in
from autograder.frontends.nbgrader.parts import groups
from autograder.frontends.nbgrader.source import test_cell
from autograder.results import Report, SubmissionStatus

LOCKED = re.compile(r"\block|busy")  # SQLite's words, and PostgreSQL's "lock timeout"
TRIES = 6  # another writer may hold the database, or have just made the same row
T = TypeVar("T")


class LockedError(KitError):
    """Another program holds the database."""


def prepare(url: str, topic: Topic, *, wait: bool = True) -> None:
    """Make the topic's assignment in the gradebook, and the gradebook itself if it is not there.

    `url` is an SQLAlchemy URL, or the path of an SQLite file.

    Raises:
        LockedError: another program holds the database: at the first try, or with `wait` at each of several.
        KitError: there is no such database, or its notebook of this topic does not have the topic's tasks.
    """
    with _opened(url, wait=wait) as gradebook:
        _tried(functools.partial(_assignment, gradebook, topic), gradebook, wait=wait)


def record(url: str, topic: Topic, reports: Iterable[Report], *, zero_unreadable: bool = False) -> int:
    """Write the reports' scores and comments into the gradebook that `prepare` made ready; returns how many.

    What is there already is updated: people's scores and comments stay, and writing the same again changes nothing. A
    submission with a fault of the kit is left out. One that could not be read has no score: it gets its comment, unless
    the gradebook has a grade, which stays with its comment; with `zero_unreadable` it is a zero like any other.
    """
    written = 0
    with _opened(url) as gradebook:
        for report in reports:
            if report.status is not SubmissionStatus.BROKEN:
                scored = report.counts(zero_unreadable=zero_unreadable)
                written += _tried(functools.partial(_submission, gradebook, topic, report, scored=scored), gradebook)
    return written


@contextlib.contextmanager
def _opened(url: str, *, wait: bool = True) -> Iterator[Gradebook]:
    level, path = app_log.level, os.environ.get("PATH", "")
    app_log.setLevel(logging.CRITICAL + 1)  # nbgrader logs a traceback for every row that another writer made first
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{path}"  # it runs `alembic` for a new database
    try:
        address = url if "://" in url else f"sqlite:///{Path(url).resolve()}"
        with warnings.catch_warnings(), _tried(functools.partial(Gradebook, address), wait=wait) as gradebook:
            warnings.simplefilter("ignore", SAWarning)  # nbgrader makes rows in an order that SQLAlchemy warns of
            yield gradebook
    except (ArgumentError, NoSuchModuleError):
        raise KitError("--gradebook: neither a file nor a URL like postgresql+psycopg2://USER@HOST/DATABASE") from None
    except ModuleNotFoundError as error:
        raise KitError(f"--gradebook: this database needs the package {error.name}: install it") from None
    finally:
        app_log.setLevel(level)
        os.environ["PATH"] = path


def _tried(work: Callable[[], T], gradebook: Gradebook | None = None, *, wait: bool = True) -> T:
    """The result of `work`, repeated when another writer was faster, with `wait` also while one holds the database."""
    for attempt in range(1, TRIES + 1):
        try:
            return work()
        except (DBAPIError, InvalidEntry) as error:
            if gradebook is not None:
                gradebook.db.rollback()
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            locked = LOCKED.search(reason) is not None
            if attempt == TRIES or (locked and not wait):
                kind = LockedError if locked else KitError
                raise kind(f"--gradebook: the database cannot be written: {reason}") from None
            if locked:
                print("autograder: another program holds the gradebook: trying again", file=sys.stderr)  # noqa: T201  it waits
            time.sleep(0.1 * attempt)
    raise AssertionError  # for the type checker: the loop returns or raises


def _assignment(gradebook: Gradebook, topic: Topic) -> None:
    """Make the topic's assignment, unless `nbgrader generate_assignment` has: then its notebook has the say."""
    name = topic.name
    gradebook.update_or_create_assignment(name)
    notebook = gradebook.update_or_create_notebook(name, name)
    tests = {test_cell(task.id): task.points for task in topic.tasks}
    there = {cell.name for cell in notebook.grade_cells}
    made_by_nbgrader = bool(notebook.source_cells)
    unfit = tests.keys() - there if made_by_nbgrader else there - tests.keys()
    if unfit:
        raise KitError(f"--gradebook: its assignment {name} was made for other tasks (see {', '.join(sorted(unfit))}): "
                       "make it again, or use another gradebook")  # fmt: skip
    if made_by_nbgrader:
        return
    for test, points in tests.items():
        gradebook.update_or_create_grade_cell(test, name, name, max_score=points, cell_type="code")
    for definition in groups(topic):
        gradebook.update_or_create_solution_cell(definition, name, name)


def _submission(gradebook: Gradebook, topic: Topic, report: Report, *, scored: bool) -> bool:
    """Write one student's scores and comments, whatever of them was there before; False if a grade stays as it was."""
    name, student = topic.name, report.submission
    gradebook.update_or_create_student(student)
    gradebook.update_or_create_submission(name, student)
    submitted = gradebook.find_submission_notebook(name, name, student)
    grades = {grade.cell_id: grade for grade in submitted.grades}
    comments = {comment.cell_id: comment for comment in submitted.comments}
    if not scored and any(grade.auto_score is not None or grade.manual_score is not None for grade in submitted.grades):
        gradebook.db.rollback()
        return False
    tasks = {task.id: task for task in report.tasks}
    cells = {cell.name: cell for cell in submitted.notebook.grade_cells}
    for task in report.tasks if scored else ():
        cell = cells[test_cell(task.id)]
        grade = grades.get(cell.id) or Grade(cell_id=cell.id, notebook=submitted)
        score = score_in(report, task, cell.max_score)
        if grade.auto_score != score:
            grade.auto_score = score
            grade.needs_manual_grade = grade.manual_score is not None  # as nbgrader itself: somebody should look again
    for grade in grades.values() if not scored else ():
        grade.needs_manual_grade = True
    held = groups(topic)
    for cell in submitted.notebook.solution_cells:
        comment = comments.get(cell.id) or Comment(cell_id=cell.id, notebook=submitted)
        text = "\n".join(filter(None, (comment_on(report, tasks[task]) for task in held.get(cell.name, ()))))
        if cell.name in held and comment.auto_comment != (text or None):
            comment.auto_comment = text or None
    gradebook.db.commit()
    return True
