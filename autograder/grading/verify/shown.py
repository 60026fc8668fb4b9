"""What learners are shown of code runs, and says what stands beside it: the hints' examples and the lesson's blocks.

It runs in a process of its own, for a lesson may change what it likes there.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NoReturn

from autograder import course
from autograder.course import Topic
from autograder.images.torchvision_shim import import_torchvision
from autograder.sandbox.confinement import linux

SECONDS = 300.0
LESSON, LESSONS = "README.md", ("README.md", "README.zh.md")
AT_HAND = "lesson.py"  # beside the solution: what the lesson takes for granted
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SAID = re.compile(r"^ *print\(.*\)  # (.+)$", re.MULTILINE)
_IMPORTS = "import numpy as np\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n"


@dataclass(frozen=True)
class Block:
    """A fenced block of a lesson: its language, its text, and the line that it begins in."""

    language: str
    text: str
    line: int


class Wrong(Exception):
    """A block does not say what stands beside it."""


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a lesson."""
    lesson = path.read_text(encoding="utf-8")
    return [Block(found[1], found[2], lesson.count("\n", 0, found.start()) + 2) for found in FENCED.finditer(lesson)]


def run(block: Block, names: dict[str, Any], where: str) -> None:
    """Run a block as a learner who copies it; Wrong if it says anything but what stands beside it."""
    if block.text.startswith(">>>"):
        run_examples(block.text, names, where)
        return
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile("\n" * (block.line - 1) + block.text, where, "exec", dont_inherit=True), names)  # noqa: S102  the author's
    told, printed = _SAID.findall(block.text), out.getvalue().splitlines()
    if len(told) != block.text.count("print(") or any("…" in text for text in told):
        return
    if len(told) != len(printed) or not all(text.startswith(line) for text, line in zip(told, printed, strict=True)):
        raise Wrong(f"it prints {printed}, and beside it stands {told}")


def run_examples(text: str, names: dict[str, Any], where: str) -> int:
    """Run what stands behind `>>>`, and count it; Wrong if it says anything but what stands below it."""
    found = doctest.DocTestParser().get_doctest(text, {}, where, None, 0)
    found.globs = names
    said: list[str] = []
    count = doctest.DocTestRunner().run(found, out=said.append, clear_globs=False).attempted
    if said:
        raise Wrong(" ".join("".join(said).split()).strip("* "))
    return count


def without_comments(block: Block) -> Any:
    """What a block does, whatever its comments say; a drawing, whose words are translated, is just a drawing."""
    if block.text.startswith(">>>"):
        examples = doctest.DocTestParser().get_examples(block.text)
        return [(ast.dump(ast.parse(example.source)), example.want) for example in examples]
    if block.language == "python":
        return ast.dump(ast.parse(block.text))
    if re.match("pytest |RuntimeError", block.text):
        return [line.partition(" # ")[0].rstrip() for line in block.text.splitlines()]
    return "a drawing"


@contextlib.contextmanager
def running(topics: Sequence[Topic]) -> Iterator[Callable[[str], list[str]]]:
    """Run what the topics of a course show in a process beside the block.

    The block gets a function that waits for all of them, and says what is wrong with the topic of a name.
    """
    names = [topic.name for topic in topics]
    command = [sys.executable, "-P", "-c", f"import {__name__} as shown; shown.main()", str(topics[0].root), *names]
    with subprocess.Popen(  # noqa: S603  this module
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as process:

        @cache
        def told() -> dict[str, list[str]]:
            said, _ = process.communicate()
            found: dict[str, list[str]] = json.loads(said) if process.returncode == 0 else {}
            return found

        def wrong(name: str) -> list[str]:
            return told().get(name, [f"the process that runs the lessons ended with {process.returncode}"])

        try:
            yield wrong
        finally:
            process.kill()


def problems(topic: Topic) -> Iterator[str]:
    """Run everything, in this process: hints first, each on its own, then the blocks of the lesson one after the other."""
    if topic.solution.is_file() and b"torchvision" in topic.solution.read_bytes():
        import_torchvision()
    for task in topic.tasks:
        for number, hint in enumerate(task.hints, 1):
            if ">>>" in hint:
                yield from _tried(f"hint {number} of {task.id}", hint, partial(run_examples, hint, _names(), task.id))
    lesson = topic.exercise / LESSON
    if lesson.is_file():
        sys.path.insert(0, str(topic.solution.parent))
        of_lesson = blocks(lesson)
        yield from _of_lesson(lesson, of_lesson, topic.solution.parent / AT_HAND)
        for other in (topic.exercise / name for name in LESSONS if name != LESSON):
            if other.is_file():
                yield from _in_step(other, of_lesson)


def _of_lesson(lesson: Path, of_lesson: list[Block], given: Path) -> Iterator[str]:
    """What is wrong with the blocks of Python, which share their names, and with what the lesson takes for granted."""
    names = _names()
    if given.is_file():
        yield from _tried(str(given), "", partial(_run_file, given, names))
    for block in of_lesson:
        if block.language == "python":
            where = f"{lesson}:{block.line}"
            yield from _tried(where, block.text, partial(run, block, names, where))


def _run_file(path: Path, names: dict[str, Any]) -> None:
    exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), names)  # noqa: S102  the author's


def _in_step(other: Path, of_lesson: list[Block]) -> Iterator[str]:
    """Whether a lesson in another language has the same code."""
    theirs = blocks(other)
    if len(theirs) != len(of_lesson):
        yield f"{other}: it has {len(theirs)} blocks of code, and {LESSON} has {len(of_lesson)}"
        return
    for mine, its in zip(of_lesson, theirs, strict=True):
        with contextlib.suppress(SyntaxError):  # which is named where it is run
            if mine.language != its.language or without_comments(mine) != without_comments(its):
                yield f"{other}:{its.line}: its code is not that of {LESSON}, line {mine.line}"


def _names() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(_IMPORTS, names)  # noqa: S102  the lines above
    return names


def _tried(where: str, text: str, work: Callable[[], object]) -> Iterator[str]:
    if "torchvision" in text:
        import_torchvision()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            work()
    except Exception as error:  # noqa: BLE001  whatever the author's example raises
        kind = "" if isinstance(error, Wrong) else f"{type(error).__name__}: "
        yield f"{where}: {kind}{' '.join(str(error).split())}"


def main() -> None:
    """What the process of `running` does: it prints the problems of each topic as JSON."""
    import torch  # noqa: PLC0415  whoever asks for the process need not wait for it

    torch.set_num_threads(1)
    root, *names = sys.argv[1:]
    found = course.load(Path(root))
    print(json.dumps({name: _apart(found.topic(name)) for name in names}))  # noqa: T201  for whoever started the process


def _apart(topic: Topic) -> list[str]:
    """The problems, found in a fork of this process, which ends after SECONDS."""
    with tempfile.TemporaryDirectory(prefix="autograder-lesson-") as folder:
        report, errors, place = (Path(folder) / name for name in ("report", "errors", "place"))
        place.mkdir()
        pid = os.fork()
        if not pid:
            _tell(topic, report, errors, place)
        _, status = os.waitpid(pid, 0)
        if status == signal.SIGALRM:
            return [f"{topic.exercise / LESSON}: its blocks, or the hints' examples, take longer than {SECONDS:g} s"]
        if status:
            last = (errors.read_text(errors="replace").strip().splitlines() or ["no word"])[-1]
            code = os.waitstatus_to_exitcode(status)
            return [f"{topic.exercise / LESSON}: the process that ran it ended with {code}: {last}"]
        found: list[str] = json.loads(report.read_bytes())
        return found


def _tell(topic: Topic, report: Path, errors: Path, place: Path) -> NoReturn:
    """Write the problems down, and end this process: with 0 if that was all."""
    code = 1
    try:
        if sys.platform == "linux":
            linux.die_with_parent(signal.SIGKILL)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        with errors.open("wb", buffering=0) as said:
            for descriptor in (sys.stdout.fileno(), sys.stderr.fileno()):
                os.dup2(said.fileno(), descriptor)
        os.chdir(place)
        report.write_text(json.dumps(list(problems(topic))), encoding="utf-8")
        code = 0
    except BaseException:  # noqa: BLE001  whatever the lesson's code raises
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
