"""Fixtures of the kit's own tests: a miniature course, and the command line driven from outside."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

HERE = Path(__file__).parent
collect_ignore = ["mini_course", "correct", "attacks", "confined"]


def run_command(*arguments, cwd, timeout=180, **options):
    """Run `autograder …` in a folder; returns the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "autograder.cli", *map(str, arguments)],
        cwd=cwd, timeout=timeout, capture_output=True, text=True, check=False,
        env={**os.environ, "COLUMNS": "200"}, **options,
    )  # fmt: skip


def write_submissions(folder, submissions):
    """Write {name: module text or {file: content}} as a folder of submissions."""
    for name, content in submissions.items():
        files = content if isinstance(content, dict) else {"mini.py": content}
        for file, body in files.items():
            path = folder / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return folder


def grade_course(course, submissions, *options, **how):
    """Grade {name: module text or {file: content}} with the miniature course; returns the results by name."""
    folder, out = write_submissions(course / "handed-in", submissions), course / "out"
    done = run_command("grade", folder, "--topic", "01_mini", "--out", out, *options, cwd=course, **how)
    assert done.returncode == 0, done.stderr
    return {path.stem: json.loads(path.read_text()) for path in (out / "results").glob("*.json")}


def new_course(folder):
    """A copy of the miniature course."""
    return Path(shutil.copytree(HERE / "mini_course", folder))


@pytest.fixture(scope="session")
def kit():
    """The functions above, for fixtures that outlive one test."""
    solution = (HERE / "mini_course/solutions/01_mini/mini.py").read_text()
    return SimpleNamespace(run=run_command, grade=grade_course, course=new_course, write=write_submissions, solution=solution)


@pytest.fixture
def course(tmp_path):
    """A copy of the miniature course that a test may change."""
    return new_course(tmp_path / "course")


@pytest.fixture
def run():
    """Run the command line in a folder; returns the finished process."""
    return run_command


@pytest.fixture
def grade(course):
    """Grade submissions given as {name: module text or {file: content}} and return the results by name."""
    return lambda submissions, *options: grade_course(course, submissions, *options)


@pytest.fixture
def solution(kit):
    """Text of the miniature course's reference solution."""
    return kit.solution
