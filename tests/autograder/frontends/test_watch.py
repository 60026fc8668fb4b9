"""`autograder watch`, as a student leaves it running in a second terminal."""

import contextlib
import os
import pty
import re
import select
import subprocess
import sys
import termios
import threading
import time

import patient
import pytest

from autograder.course import load
from autograder.frontends import saves
from autograder.frontends.progress import Done

TWO_TOPICS = """\
title: A course
limits: {import_seconds: 3, check_seconds: 2}
topics:
  01_mini:
    title: Two functions and a class
    tasks:
      row_means: {points: 3, hint: ["Which axis runs along a row?", "The last one."]}
      slope: {points: 2, forbid: autograd, hint: "The derivative of x squared."}
      Scale: {points: 1, hint: "Keep the factor as an attribute."}
  02_more:
    title: One more
    tasks:
      answer: {points: 1, hint: "Six times seven."}
"""
MORE = 'def test_answer__is_known(student):\n    """is 42"""\n    assert student.call("answer") == 42\n'
STUB = "def answer():\n    raise NotImplementedError\n"


class Window:
    """A terminal of 40 rows in which `autograder watch` runs."""

    def __init__(self, course, columns):
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(self._master, (40, columns))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "autograder", "watch"], cwd=course, stdin=slave, stdout=slave, stderr=slave,
            env={**os.environ, "NO_COLOR": "1"}, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self._text = ""

    def press(self, keys):
        os.write(self._master, keys.encode())

    @property
    def frame(self):
        frames = re.findall(r"\x1b\[H(.*?)\x1b\[J", self._text, re.DOTALL)
        return frames[-1].replace("\x1b[K", "").replace("\r", "") if frames else self._text

    def shows(self, *words):
        """Wait until the screen has all these words; it is what it shows then."""
        since = time.monotonic()
        while any(word not in self.frame for word in words):
            if self.read():
                since = time.monotonic()
            if time.monotonic() - since > patient.STILL or patient.has_ended(self.process.pid):
                raise AssertionError(f"no {words} in\n{self.frame}")
        return self.frame

    def lacks(self, word):
        """Wait until it is gone from the screen."""
        since = time.monotonic()
        while word in self.frame:
            self.read()
            assert time.monotonic() - since < patient.STILL

    def read(self):
        with contextlib.suppress(OSError):  # Linux says so where the other end is closed
            if select.select([self._master], [], [], patient.POLL)[0]:
                part = os.read(self._master, 1 << 16).decode()
                self._text = (self._text + part)[-(1 << 17) :]
                return part
        return ""

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.fixture
def two_topics(course):
    more = course / "exercises/02_more"
    more.mkdir()
    (course / "course.yaml").write_text(TWO_TOPICS)
    (more / "test_more.py").write_text(MORE)
    (more / "more.py").write_text(STUB)
    return course


@pytest.fixture
def window(two_topics):
    found = Window(two_topics, 100)
    yield found
    found.close()


def save_by_rename(path, text):
    other = path.with_suffix(".tmp")
    other.write_text(text)
    other.replace(path)


def test_a_sitting_from_the_stub_to_the_last_topic(window, two_topics, solution):
    folder = two_topics / "exercises/01_mini"
    module, stub = folder / "mini.py", (folder / "mini.py").read_text()
    screen = window.shows("row_means: not done yet", "0 of 3 done", "Stuck?", "checked in")
    assert "slope" not in screen
    assert all(len(line) <= 100 for line in screen.splitlines())

    window.press("h")
    window.shows("Hint 1 of 2", "Which axis")
    window.press("h")
    assert "Which axis" not in window.shows("Hint 2 of 2", "The last one.")

    module.write_text(solution.replace("mean(dim=1)", "mean(dim=0)").replace("t.mean(1)", "t.mean(0)"))
    window.shows("row_means: failed", "Hint 2 of 2", "2 of 3 done")
    module.write_text("import helper\n" + solution.replace("2 * x", "helper.two() * x"))
    window.shows("slope: error", "'helper', which is neither installed here nor among your files")
    (folder / "helper.py").write_text("def two():\n    print('called')\n    return 3\n")
    window.shows("slope: failed", "2 of 3 done", "Your code printed", "called", "Stuck?")
    save_by_rename(folder / "helper.py", "def two():\n    while True:\n        pass\n")
    window.shows("slope: timeout", " of helper.py", "longer than 2 s")
    (folder / "helper.py").write_text("import os\ndef two():\n    os._exit(1)\n")
    window.shows("slope: crashed", "2 of 3 done")

    module.write_text(module.read_text() + "\nx = (\n")
    window.shows("mini.py does not parse", "x = (")
    module.unlink()
    window.shows("mini.py is not there")
    module.mkdir()
    window.shows("mini.py is a folder")
    module.rmdir()
    module.write_text(stub.replace("raise NotImplementedError", "return t.mean(1)", 1))
    window.shows("slope: not done yet", "1 of 3 done")

    window.press("n")
    window.shows("Scale: not done yet")
    window.press("n")
    window.shows("answer: not done yet", "Now 02_more")
    more = two_topics / "exercises/02_more/more.py"
    more.write_text(stub)
    window.shows("and has row_means, slope, Scale of", "01_mini: is it in the")
    more.write_text(STUB)
    window.shows("answer: not done yet")
    window.press("n")
    window.shows("slope: not done yet", "Now 01_mini")
    window.press("a")
    window.shows("✓ row_means", "→ slope", "· Scale: not done yet", "02_more: 0 of 1")
    window.press("h")  # which is seen beside the task alone
    assert "→ slope" not in window.shows("slope: not done yet", "Hint 1 of 1")
    window.press("a")
    window.shows("→ slope")

    (two_topics / "course.yaml").write_text(TWO_TOPICS[:170])
    assert "→ slope" not in window.shows("course.yaml", "not valid YAML", "slope: not done yet")
    (two_topics / "course.yaml").write_text(TWO_TOPICS)
    window.lacks("as it was before")

    window.press("\x1b[A")  # an arrow is no `a`
    own = stub.replace("raise NotImplementedError", "return t.mean(1)", 1).replace("raise NotImplementedError", "return x", 1)
    module.write_text(own)
    window.shows("slope: failed")
    window.press("rn")
    window.shows("slope: failed", "q quit")
    assert module.read_text() == own
    window.press("r")
    window.shows("Put slope back to the stub?")
    window.press("y")
    window.shows("slope: not done yet", "1 of 3 done", "The text of before is in mini.py.kept1.")
    time.sleep(1)  # by then the notice has come that the module was written: by the reset, which is no save of the learner's
    while window.read():
        pass
    window.shows("The text of before is in mini.py.kept1.")
    assert module.read_text() == stub.replace("raise NotImplementedError", "return t.mean(1)", 1)
    assert (folder / "mini.py.kept1").read_text() == own

    save_by_rename(module, solution)
    window.shows("01_mini: all 3 tasks pass", "Now 02_more", "answer: not done yet", "checked in")
    (two_topics / "exercises/02_more/more.py").write_text("def answer():\n    return 42\n")
    window.shows("All topics are done")
    window.press("q")
    while window.read() or not patient.has_ended(window.process.pid):
        pass
    assert window.process.wait() == 0
    assert "4 of 4 tasks of the course are done" in window._text.rpartition("\x1b[?1049l")[2]
    course = load(two_topics)
    assert Done(two_topics).tasks(course.topics[0]) == {"row_means", "slope", "Scale"}
    assert Done(two_topics).first_open(course) is None


def read_a_round(process):
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("checked in"):
            return "".join(lines)
    raise AssertionError("".join(lines))


def test_every_save_is_checked_afresh_and_told_in_lines_where_there_is_no_terminal(course, solution):
    module = course / "exercises/01_mini/mini.py"
    command = [sys.executable, "-m", "autograder", "watch", "01_mini"]
    with subprocess.Popen(command, cwd=course, text=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        silent = threading.Timer(4 * patient.STILL, process.kill)  # which ends its lines
        silent.start()
        try:
            assert "row_means: not done yet" in read_a_round(process)
            module.write_text(solution)
            assert "4 passed" in read_a_round(process)
            module.write_text(solution.replace("2 * x", "3 * x"))
            found = read_a_round(process)
        finally:
            silent.cancel()
            process.kill()
    assert "1 failed, 3 passed" in found
    assert "autograder hint slope" in found
    assert "\x1b" not in found


def test_what_there_is_to_see_is_drawn(window, two_topics, solution):
    module = two_topics / "exercises/01_mini/mini.py"
    window.shows("row_means: not done yet")
    save_by_rename(module, solution.replace("t.mean(1)", "t.mean(1, keepdim=True)"))
    screen = window.shows("row_means: failed", "expected  ")
    assert "yours  " in screen


def test_a_save_that_keeps_the_time_stamp_and_one_of_a_helper_further_down_are_saves(tmp_path):
    module, helper = tmp_path / "net.py", tmp_path / "parts/layers.py"
    helper.parent.mkdir()
    module.write_text("x = 1")
    helper.write_text("y = 1")
    seen = dict(saves.states(tmp_path))
    assert set(seen) == {module, helper}
    times = module.stat()
    module.write_text("x = 2")
    os.utime(module, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert dict(saves.states(tmp_path))[module] != seen[module]
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/net.py").write_text("")
    helper.write_text("y = 22")
    now = dict(saves.states(tmp_path))
    assert set(now) == set(seen)
    assert now[helper] != seen[helper]
