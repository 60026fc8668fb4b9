"""An autograder for Gradescope: a zip with the kit and the course, and what it does there with one submission.

Format: https://gradescope-autograders.readthedocs.io/en/latest/specs/ (setup.sh, run_autograder, /autograder/…).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from autograder.course import COURSE_FILE, Course, Topic
from autograder.feedback import out_folder
from autograder.feedback.exports import gradescope
from autograder.feedback.scoring import score
from autograder.files import write_atomically, zipped
from autograder.frontends.release import wheel

_SETUP = """#!/usr/bin/env bash
# Installs the kit beside a CPU build of torch. Gradescope runs this once, as root, when the autograder is built.
set -euo pipefail
cd /autograder/source
python=
for version in 3.12 3.11 3.13; do
    if command -v "python$version" >/dev/null || apt-get install -y "python$version" "python$version-venv"; then
        python=python$version
        break
    fi
done
apt-get install -y "$python-venv"
"$python" -m venv /autograder/venv
/autograder/venv/bin/pip install --extra-index-url https://download.pytorch.org/whl/cpu ./{wheel}
"""
_RUN = """#!/usr/bin/env bash
# Grades one submission, and writes /autograder/results/results.json. Without a result Gradescope says so, and gives no zero.
cd /autograder/source/course
exec /autograder/venv/bin/python -c 'import sys; from autograder.frontends import gradescope; sys.exit(gradescope.run("{topic}"))'
"""


def autograder_zip(course: Course, topic: Topic) -> bytes:
    """The zip to upload: whoever has it has the solution and the hidden suite, as Gradescope has."""
    built = wheel.build()
    files = {built.name: built.content, **{f"course/{name}": content for name, content in _course(course, topic)}}
    scripts = {"setup.sh": _SETUP.format(wheel=built.name), "run_autograder": _RUN.format(topic=topic.name)}
    return zipped({**{name: text.encode() for name, text in scripts.items()}, **files}, programs=scripts)


def _course(course: Course, topic: Topic) -> Iterator[tuple[str, bytes]]:
    """The files of the course that grading the topic needs; of the others only their names."""
    root = course.root
    wanted = [root / COURSE_FILE, topic.exercise, topic.hidden_suite.parent, *topic.solution.parent.glob("*.py"),
              root / "exercises/locale", root / "tests/hidden/locale"]  # fmt: skip
    for each in wanted:
        for path in sorted(each.rglob("*")) if each.is_dir() else [each]:
            if path.is_file() and path.suffix != ".pyc":
                yield path.relative_to(root).as_posix(), path.read_bytes()
    for other in course.topics:
        if other.name != topic.name and other.public_checks.is_file():  # a topic's module is named after its public checks
            yield other.public_checks.relative_to(root).as_posix(), b""


def run(topic: str, folder: Path = Path("/autograder")) -> int:
    """Grade folder/submission in the course around the working directory; the exit code, 1 where there is no result.

    What cannot be read is a 0 here, with the reason: whoever hands in sees it at once, and hands in again.
    """
    with tempfile.TemporaryDirectory(prefix="gradescope-") as scratch:
        handed_in, out = Path(scratch) / "handed-in", Path(scratch) / "out"
        shutil.copytree(folder / "submission", handed_in / "submission", symlinks=True)
        # Gradescope's container is made for one submission and thrown away, and may lack a layer of the full confinement.
        paths = ["grade", str(handed_in), "--topic", topic, "--out", str(out)]
        command = [sys.executable, "-m", "autograder", *paths, "--isolation", "reduced"]
        if code := subprocess.run(command, check=False).returncode:  # noqa: S603  our own command
            return code
        (report,) = out_folder.held(out)
    points = score(report, zero_unreadable=True)
    if points is None:
        return 1
    write_atomically(folder / "results" / "results.json", gradescope.text(report, points))
    return 0
