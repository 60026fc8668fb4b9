"""Fixtures of the kit's own tests: a miniature course, and the command line driven from outside."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import patient
import pytest

HERE = Path(__file__).parent
os.environ["AUTOGRADER_LANG"] = "en"  # whatever this machine speaks
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
collect_ignore = ["mini_course", "end_to_end/attacks", "sandbox/confined"]


def run_command(*arguments, cwd, **options):
    """Run `autograder …` in a folder; returns the finished process."""
    command = [sys.executable, "-m", "autograder", *arguments]
    return patient.run(command, cwd=cwd, env={**os.environ, "COLUMNS": "200"}, **options)


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


def descendants(pid):
    """Command lines of the processes below `pid`, by number."""
    found = {}
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found[int(child)] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
            found |= descendants(child)
    return found


def wait_for(pid, words, count):
    """The processes below `pid` whose command line has `words`, as soon as there are `count`."""

    def found():
        numbers = [number for number, line in descendants(pid).items() if words in line]
        return numbers if len(numbers) >= count else []

    return wait_until(pid, found, f"{count} processes with {words!r} in {descendants(pid)}")


def wait_until(pid, found, what="what was waited for"):
    """What `found` gives, as soon as it gives something, while the process is at work."""
    work = patient.Work(pid)
    while work.rested() < patient.STILL and not patient.has_ended(pid):
        if there := found():
            return there
        time.sleep(0.02)
    raise AssertionError(f"no {what}")


@contextlib.contextmanager
def supervised(folder, *command):
    """A command at work in a folder; beside it `tmp`, for its temporary files, and `left.json`, the processes it left."""
    scratch = folder.parent / "tmp"
    scratch.mkdir()
    with subprocess.Popen(
        [sys.executable, HERE / "supervise.py", folder.parent / "left.json", *command],
        cwd=folder, env={**os.environ, "TMPDIR": str(scratch)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="session")
def kit():
    """The functions above, for fixtures that outlive one test."""
    solution = (HERE / "mini_course/solutions/01_mini/mini.py").read_text()
    return SimpleNamespace(
        run=run_command,
        grade=grade_course,
        course=new_course,
        write=write_submissions,
        solution=solution,
        descendants=descendants,
        wait_for=wait_for,
        wait_until=wait_until,
        supervised=supervised,
    )


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


@pytest.fixture(scope="module")
def browser():
    """A real Chromium."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  only the tests that drive one wait for it

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.fail("this test needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        yield chromium
        chromium.close()
