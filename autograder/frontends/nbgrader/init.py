"""`autograder nbgrader init DIR`: a ready nbgrader course with a notebook for every topic."""

from __future__ import annotations

import json
import re
from pathlib import Path

from autograder import language, secret
from autograder.course import Course
from autograder.errors import KitError
from autograder.files import write_atomically, written_whole
from autograder.frontends.nbgrader import source
from autograder.submission.notebook import CHECKS_FILE

CONFIG_FILE = "nbgrader_config.py"
HIDDEN_INPUTS_FILE = "hidden_inputs.secret"
_CONFIG = '''"""nbgrader's settings. `autograder nbgrader init` writes this file once; from then on it is yours."""

c = get_config()

c.CourseDirectory.course_id = {course_id!r}

# The gradebook is gradebook.db in this folder. For PostgreSQL, with the package psycopg2-binary:
# c.CourseDirectory.db_url = "postgresql+psycopg2://USER:PASSWORD@HOST/DATABASE"

# Cells that a student deleted, changed or copied are restored before grading: RestoreCells does more than nbgrader's
# DeduplicateIds, OverwriteCells and CheckCellMetadata together.
c.Autograde.sanitize_preprocessors = [
    "autograder.frontends.nbgrader.preprocessors.RestoreCells",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.OverwriteKernelspec",
]

# Students' code runs in autograder's sandbox, in the place of nbgrader's Execute, which a submission can forge.
c.Autograde.autograde_preprocessors = [
    "autograder.frontends.nbgrader.preprocessors.GradeInSandbox",
    "nbgrader.preprocessors.LimitOutput",
    "autograder.frontends.nbgrader.preprocessors.SaveScores",
    "nbgrader.preprocessors.AssignLatePenalties",
]

c.Exporter.optimistic_validation = True  # once a notebook, not once a preprocessor

c.GradeInSandbox.course = {root!r}  # the folder of course.yaml
c.GradeInSandbox.secret = {secret!r}  # the file that the hidden inputs follow from: keep it from the students
c.GradeInSandbox.isolation = "full"  # the least confinement to accept; "reduced" where `autograder doctor` says so
'''


def create(course: Course, folder: Path, *, force: bool = False) -> list[str]:
    """Write the course's nbgrader folder; a line for each file written or left as it was.

    Raises:
        KitError: a topic is not complete, or a notebook was edited by hand and `force` is not given. Nothing is written.
    """
    files: dict[Path, str] = {}
    for topic in course.topics:
        here = folder / "source" / topic.name
        files[here / f"{topic.name}.ipynb"] = source.text(source.notebook(topic))
        files[here / CHECKS_FILE] = source.public_checks(topic)
    edited = [path.name for path in files if path.suffix == ".ipynb" and _edited(path)]
    if edited and not force:
        raise KitError(f"{folder / 'source'}: edited since they were made: {', '.join(edited)}: change the exercises and "
                       "solutions instead, or give --force to lose these edits")  # fmt: skip
    config = folder / CONFIG_FILE
    if not config.exists():
        course_id = re.sub(r"\W+", "-", folder.resolve().name).strip("-") or "course"
        root = str(course.root.resolve())
        files[config] = _CONFIG.format(course_id=course_id, root=root, secret=HIDDEN_INPUTS_FILE)
    for path, content in files.items():
        write_atomically(path, content)
    for catalogue in language.catalogues(course.root):
        for topic in course.topics:
            path = folder / "source" / topic.name / language.BESIDE / catalogue.relative_to(course.root / language.OF_EXERCISES)
            with written_whole(path) as file:
                file.write(catalogue.read_bytes())
            files[path] = ""
    kept = folder / HIDDEN_INPUTS_FILE
    if not kept.exists():
        secret.write(kept, secret.drawn())
        files[kept] = ""
    left = [] if config in files else [f"left {config} as it was"]
    return [f"wrote {path}" for path in files] + left


def _edited(path: Path) -> bool:
    """Whether a notebook of this kit no longer has the cells that it was made with."""
    if not path.is_file():
        return False
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return bool(document["metadata"]["autograder"]["fingerprint"] != source.fingerprint(document["cells"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return True  # not of this kit, or beyond recognition
