"""A process that grades one notebook after another, warm, for as long as the nbgrader command that started it.

nbgrader itself, or the Jupyter server with the formgrader in it, then need neither torch nor pytest.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from autograder import course
from autograder.errors import KitError
from autograder.grading import interrupt, isolation
from autograder.results import Report
from autograder.sandbox.server import Server, import_quickly

IDLE_SECONDS = 120.0  # then it ends by itself: the formgrader's Jupyter server does not say when it has graded enough


@dataclass(frozen=True)
class Settings:
    """What a grading is made with; see the traits of `GradeInSandbox`."""

    course: str
    topic: str
    key: bytes = dataclasses.field(repr=False)  # the secret of the hidden inputs
    isolation: str
    data: str
    budget: str


@dataclass(frozen=True)
class Request:
    """One notebook's code, and the folder with what was handed in beside the notebook; or why it cannot be graded.

    `cells` is the notebook as JSON, with all that matters of its code cells.
    """

    student: str
    cells: bytes
    folder: Path
    notebook: str
    problem: str = ""


class Worker:
    """The process, seen from nbgrader's. It is started when it is needed, and again when it has ended."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._asked: list[Request] = []  # in this order it answers

    def ask(self, request: Request) -> None:
        """Have the process grade that, after what it was asked before; KitError if the grading cannot go on."""
        if request in self._asked:
            return
        if self._process is not None and self._process.poll() is not None:
            self.close()  # it had nothing to do for long
        try:
            (self._connection or self._start()).send(request)
        except OSError:
            raise KitError(f"the grading process stopped with exit code {self.close()}") from None
        self._asked.append(request)

    def report(self, request: Request) -> Report:
        """The report on what was asked; what was asked before that is forgotten. KitError if the grading cannot go on."""
        while self._connection is not None and request in self._asked:
            try:
                found = self._connection.recv()
            except (EOFError, OSError):
                raise KitError(f"the grading process stopped with exit code {self.close()}") from None
            if not isinstance(found, Report):
                self._asked.clear()  # it is ending by itself
                self.close()
                raise KitError(str(found))
            if self._asked.pop(0) == request:
                return found
        raise KitError("the grading process was not asked for this report")

    def _start(self) -> Connection:
        mine, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-W", "ignore", "-m", "autograder.frontends.nbgrader.worker", str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)  # noqa: S603
        self._connection = Connection(mine.detach())
        self._connection.send(self._settings)
        return self._connection

    def close(self) -> int:
        """Let the process end; its exit code."""
        if self._connection is None or self._process is None:
            return 0
        self._connection.close()
        if self._asked:  # what is still being graded is not wanted any more
            self._process.send_signal(signal.SIGINT)
        code = self._process.wait()
        self._process = self._connection = None
        self._asked.clear()
        return code


def main() -> None:
    """Grade what comes in until the other side closes the connection."""
    connection = Connection(int(sys.argv[1]))
    settings: Settings = connection.recv()
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError, ConnectionResetError):
        interrupt.only_once()
        try:
            _grade(settings, connection)
        except KitError as error:
            connection.send(error)
    gc.freeze()  # Python looks through all objects before it ends, and torch has many


def _grade(settings: Settings, connection: Connection) -> None:
    topic = course.load(Path(settings.course)).topic(settings.topic)
    with Server(topic.warm) as server:
        import_quickly("autograder.grading.grade")  # it imports torch, as the server does meanwhile
        from autograder.grading.grade import Plan, grade_here  # noqa: PLC0415  only this process imports torch
        from autograder.images.training import choose  # noqa: PLC0415  the same
        from autograder.submission.handed_in import Submission, beside_notebook  # noqa: PLC0415  the same
        from autograder.submission.opening import Form  # noqa: PLC0415  the same

        def submissions() -> Iterator[Submission]:
            with contextlib.suppress(EOFError):
                while connection.poll(IDLE_SECONDS):
                    request: Request = connection.recv()
                    beside = beside_notebook(request.folder, request.notebook, topic)
                    files = {**beside, topic.module: request.cells}
                    yield Submission(request.student, files, request.problem, form=Form.NOTEBOOK)

        training = choose(*topic.training.chosen(settings.data, settings.budget)) if topic.training else None
        plan = Plan(topic, settings.key, isolation.here(settings.isolation), training)
        grade_here(plan, submissions(), lambda found: connection.send(dataclasses.replace(found, attachments={})), server)


if __name__ == "__main__":
    main()
