"""What the generated nbgrader_config.py puts into `nbgrader autograde`: nothing here believes what a submission says."""

from __future__ import annotations

import functools
import json
import re
import stat
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import nbformat
from nbformat import NotebookNode
from nbgrader import api
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution, is_task
from traitlets import Enum, Unicode

from autograder import secret
from autograder.course import Topic, load
from autograder.errors import KitError
from autograder.frontends.nbgrader.feedback import outputs
from autograder.frontends.nbgrader.restore import NOTE, Known, restored
from autograder.frontends.nbgrader.source import test_cell
from autograder.frontends.nbgrader.worker import Request, Settings, Worker

Resources = dict[str, Any]
T = TypeVar("T")
LOOK_AHEAD_BYTES = 1 << 20  # of the next student's notebook
AHEAD_BYTES = 1 << 16  # that much fits into the connection to a worker that is busy

# nbgrader makes an engine for each Gradebook, several a notebook, and with it forgets how SQLAlchemy has compiled its statements:
# two fifths of its own time. One for each database does; `dispose`, with which a Gradebook is closed, leaves an engine usable.
api.create_engine = functools.cache(api.create_engine)


def once(preprocessor: NbGraderPreprocessor, key: str, make: Callable[[], T]) -> T:
    """What `make` returns the first time in this command; the exporter, which keeps it, lives as long as the command."""
    kept: dict[str, T] = preprocessor.parent.__dict__.setdefault("autograder", {})
    if key not in kept:
        kept[key] = make()
    return kept[key]


class RestoreCells(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader ships no type information
    """Restores the cells that were released, whatever the submission made of them and of their metadata."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Restore one submitted notebook."""
        names = resources["nbgrader"]
        nb.cells = restored(nb.cells, known_cells(self, names))
        for cell in nb.cells:
            if NOTE in cell.metadata:
                self.log.warning("%s, %s: %s", names["student"], cell.metadata.nbgrader.grade_id, cell.metadata[NOTE])
        return nb, resources


def known_cells(preprocessor: NbGraderPreprocessor, names: dict[str, str]) -> dict[str, Known]:
    """The notebook's cells as `nbgrader generate_assignment` put them into the gradebook, in the source's order."""

    def read() -> dict[str, Known]:
        with Gradebook(names["db_url"]) as gradebook:
            notebook = gradebook.find_notebook(names["notebook"], names["assignment"])
            points = {cell.name: cell.max_score for cell in [*notebook.grade_cells, *notebook.task_cells]}
            solutions, tasks = ({cell.name for cell in cells} for cells in (notebook.solution_cells, notebook.task_cells))
            found = {
                cell.name: Known(cell.cell_type, cell.source, cell.locked, cell.name in solutions, cell.name in tasks,
                                 points.get(cell.name), cell.checksum)
                for cell in notebook.source_cells
            }  # fmt: skip
        directory = preprocessor.parent.parent.coursedir
        folder = Path(directory.format_path(directory.source_directory, ".", names["assignment"]))
        source = folder / f"{names['notebook']}.ipynb"
        cells = json.loads(source.read_text(encoding="utf-8"))["cells"] if source.is_file() else []
        order = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in cells]
        return {name: found[name] for name in [*order, *found] if name in found}

    return once(preprocessor, f"cells of {names['assignment']}/{names['notebook']}", read)


class GradeInSandbox(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader ships no type information
    """Gives every test cell its points and its feedback as output, from the hidden suite and the sandbox."""

    course = Unicode(help="The folder of course.yaml").tag(config=True)
    secret = Unicode(help="The file that the hidden inputs follow from, in the course's folder").tag(config=True)
    isolation = Enum(("full", "reduced"), "full", help="The least confinement to accept").tag(config=True)
    data = Unicode(help="The images to train on, if not those of course.yaml").tag(config=True)
    budget = Unicode(help="The budget to train with, if not that of course.yaml").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Grade one restored notebook; a KitError leaves it without a grade, and nbgrader reports it."""
        names = resources["nbgrader"]
        topic = once(self, f"topic {names['notebook']}", lambda: load(Path(self.course)).topic(names["notebook"]))
        tests = {test_cell(task.id): task.id for task in topic.tasks}
        graded = [cell for cell in nb.cells if is_grade(cell) and not is_solution(cell)]
        unknown = [cell.metadata.nbgrader.grade_id for cell in graded if cell.metadata.nbgrader.grade_id not in tests]
        if unknown:
            raise KitError(f"{topic.name}: no task for these test cells: {', '.join(unknown)}: have people grade them")
        worker = once(self, f"worker {topic.name}", lambda: self._worker(topic))
        request = self._request(nb, names)
        worker.ask(request)
        following = self._following(names)
        if following is not None:
            worker.ask(following)  # while nbgrader keeps its books
        report = worker.report(request)
        if report.status == "broken":
            raise KitError(f"{report.submission}: {report.message}")
        tasks = {task.id: task for task in report.tasks}
        code = [cell for cell in nb.cells if cell.cell_type == "code"]
        for cell in code:
            cell.outputs, cell.execution_count = [], None
        for number, cell in enumerate((cell for cell in code if cell.source.strip()), 1):
            cell.execution_count = number  # the number by which the feedback calls the cell
        for cell in graded:
            marks = cell.metadata.nbgrader
            note = cell.metadata.pop(NOTE, "")
            cell.outputs = outputs(report, tasks[tests[marks.grade_id]], float(marks.points), note, cell.execution_count)
        return nb, resources

    def _request(self, nb: NotebookNode, names: dict[str, str]) -> Request:
        """The notebook's code and where it was handed in; a link could point at the solutions."""
        directory = self.parent.parent.coursedir
        folder = Path(directory.format_path(directory.submitted_directory, names["student"], names["assignment"]))
        notebook = f"{names['notebook']}.ipynb"
        linked = folder.is_symlink() or (folder / notebook).is_symlink()
        problem = "The notebook is a link to somewhere else: hand in the file itself." if linked else ""
        cells = [{"cell_type": "code", "source": cell.source,
                  "metadata": {"nbgrader": {"grade": is_grade(cell), "solution": is_solution(cell)}}}
                 for cell in nb.cells if cell.cell_type == "code"]  # fmt: skip
        return Request(names["student"], json.dumps({"cells": cells}).encode(), folder, notebook, problem)

    def _following(self, names: dict[str, str]) -> Request | None:
        """The request for the notebook that this command comes to next, if that can be told."""
        converter, directory = self.parent.parent, self.parent.parent.coursedir
        here = directory.format_path(directory.submitted_directory, names["student"], names["assignment"])
        folder = min((path for path in converter.assignments if path > here), default="")
        pattern = directory.format_path(directory.submitted_directory, "(?P<student>.*)", "(?P<assignment>.*)", escape=True)
        found = re.fullmatch(pattern, folder)
        if found is None or found["assignment"] != names["assignment"]:
            return None
        student = found["student"]
        graded = Path(directory.format_path(directory.autograded_directory, student, names["assignment"]))
        if graded.exists() and not converter.force:
            return None
        try:
            notebook = Path(folder, f"{names['notebook']}.ipynb")
            state = notebook.lstat()
            if not stat.S_ISREG(state.st_mode) or state.st_size > LOOK_AHEAD_BYTES:
                return None  # this student should not wait for that one
            nb = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
            nb.cells = restored(nb.cells, known_cells(self, names))
            request = self._request(nb, {**names, "student": student})
        except Exception:  # noqa: BLE001  nbgrader will meet it again, and report it
            return None
        return request if len(request.cells) < AHEAD_BYTES else None

    def _worker(self, topic: Topic) -> Worker:
        key = secret.read(Path(self.parent.parent.coursedir.root, self.secret))
        worker = Worker(Settings(self.course, topic.name, key, self.isolation, self.data, self.budget))
        weakref.finalize(self.parent, worker.close)
        return worker


class SaveScores(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader ships no type information
    """Records what nbgrader's SaveAutoGrades records, with one commit a notebook where that has one a cell."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Write one graded notebook's scores and automatic comments into the gradebook."""
        names = resources["nbgrader"]
        with Gradebook(names["db_url"]) as gradebook:
            submitted = gradebook.find_submission_notebook(names["notebook"], names["assignment"], names["student"])
            known = submitted.notebook
            by_id = {entry.cell_id: entry for entry in (*submitted.grades, *submitted.comments)}
            grades = {cell.name: by_id[cell.id] for cell in known.grade_cells}
            comments = {cell.name: by_id[cell.id] for cell in (*known.solution_cells, *known.task_cells)}
            for cell in nb.cells:
                if is_grade(cell):
                    grade = grades[cell.metadata.nbgrader.grade_id]
                    grade.auto_score, _ = determine_grade(cell, self.log)
                    grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
                if is_solution(cell) or is_task(cell):
                    marks = cell.metadata.nbgrader
                    untouched = is_solution(cell) and marks.get("checksum") == compute_checksum(cell)
                    comments[marks.grade_id].auto_comment = "No response." if untouched else None
            gradebook.db.commit()
        return nb, resources
