"""`autograder watch`, as a student leaves it running in a second terminal."""

import subprocess
import sys

import pytest


@pytest.fixture
def watching(course):
    process = subprocess.Popen(
        [sys.executable, "-m", "autograder", "watch", "01_mini"], cwd=course, text=True, stdout=subprocess.PIPE
    )
    yield process
    process.kill()
    process.communicate()


def read_a_round(process):
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("checked in"):
            return "".join(lines)
    raise AssertionError("".join(lines))


def test_every_save_is_checked_afresh(watching, course, solution):
    module = course / "exercises/01_mini/mini.py"
    assert "row_means: not done yet" in read_a_round(watching)
    module.write_text(solution)
    assert "4 passed" in read_a_round(watching)
    module.write_text(solution.replace("2 * x", "3 * x"))
    assert "1 failed, 3 passed" in read_a_round(watching)
