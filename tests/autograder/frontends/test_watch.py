"""`autograder watch`, as a student leaves it running in a second terminal."""

import os
import subprocess
import sys

import pytest

from autograder.frontends import watch


def start(course):
    return subprocess.Popen(
        [sys.executable, "-m", "autograder", "watch", "01_mini"], cwd=course, text=True, stdout=subprocess.PIPE
    )


def end(process):
    process.kill()
    process.communicate()


@pytest.fixture
def watching(course):
    process = start(course)
    yield process
    end(process)


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


def test_a_save_that_keeps_the_time_stamp_and_one_of_a_helper_further_down_are_saves(tmp_path):
    module, helper = tmp_path / "net.py", tmp_path / "parts/layers.py"
    helper.parent.mkdir()
    module.write_text("x = 1")
    helper.write_text("y = 1")
    seen = dict(watch._states(tmp_path))
    assert set(seen) == {module, helper}
    times = module.stat()
    module.write_text("x = 2")
    os.utime(module, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert dict(watch._states(tmp_path))[module] != seen[module]
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/net.py").write_text("")
    helper.write_text("y = 22")
    now = dict(watch._states(tmp_path))
    assert set(now) == set(seen)
    assert now[helper] != seen[helper]


def test_what_the_kit_has_imported_is_no_warning(course, monkeypatch):
    """As of a kit that is installed without -e: pytest would like to rewrite its modules, and cannot."""
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    (course / "pyproject.toml").write_text('[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n')
    (course / "conftest.py").write_text('import pytest\npytest.register_assert_rewrite("autograder")\n')
    process = start(course)
    try:
        assert "row_means: not done yet" in read_a_round(process)
    finally:
        end(process)
