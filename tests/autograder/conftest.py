"""Fixtures of the kit's own tests: a miniature course, and the command line driven from outside."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
collect_ignore = ["mini_course", "correct"]


@pytest.fixture
def course(tmp_path):
    """A copy of the miniature course that a test may change."""
    return Path(shutil.copytree(HERE / "mini_course", tmp_path / "course"))


@pytest.fixture
def run():
    """Run the command line in a folder; returns the finished process."""

    def command(*arguments, cwd, timeout=120, **options):
        return subprocess.run(
            [sys.executable, "-m", "autograder.cli", *map(str, arguments)],
            cwd=cwd, timeout=timeout, capture_output=True, text=True, check=False, **options,
        )  # fmt: skip

    return command


@pytest.fixture
def grade(course, run):
    """Grade submissions given as {name: module text or {file: content}} and return the results by name."""

    def graded(submissions, *options):
        folder, out = course / "handed-in", course / "out"
        for name, content in submissions.items():
            files = content if isinstance(content, dict) else {"mini.py": content}
            for file, body in files.items():
                path = folder / name / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(body if isinstance(body, bytes) else body.encode())
        done = run("grade", folder, "--topic", "01_mini", "--out", out, *options, cwd=course)
        assert done.returncode == 0, done.stderr
        return {path.stem: json.loads(path.read_text()) for path in (out / "results").glob("*.json")}

    return graded


@pytest.fixture
def solution(course):
    """Text of the miniature course's reference solution."""
    return (course / "solutions/01_mini/mini.py").read_text()
