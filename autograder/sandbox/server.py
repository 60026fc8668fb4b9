"""The warm server, seen from the grader: has it fork a child for each submission, ends both.

The life of a server: its process is started at once, and warms up while the grader imports its own torch (nothing here
needs torch until a child is opened). It says when it is ready. Then it opens, ends and reaps children, one message at a time
(see `control`), and keeps one confined child waiting for the next submission. When the grader closes the socket, or dies, it
kills what is left and ends. One that has died is replaced when the next child is opened.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.errors import SandboxError
from autograder.results import StudentFault
from autograder.sandbox import huge_pages, scratch
from autograder.sandbox.confinement import confine
from autograder.sandbox.control import receive_message, send_message
from autograder.sandbox.ended import Ended
from autograder.wire import frames

if TYPE_CHECKING:
    from autograder.sandbox.child import Child
    from autograder.sandbox.child_spec import ChildSpec

# Nothing but the kit runs in a server: these limits tell a hang from a machine that is busy, and cost nothing else.
START_SECONDS = 600.0
SERVER_SECONDS = 300.0
END_SECONDS = 2.0


@dataclass(frozen=True)
class _Kind:
    """What a process must be before it meets its submission: see `confine.confine` and `no_autograd`."""

    limits: confine.OsLimits
    network: bool
    gpu: bool
    by_hand: bool


@dataclass(frozen=True)
class _Process:
    """A server's process and the socket to it; `ready` is what it said when it was warm."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    ready: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def start(cls, modules: Sequence[str]) -> _Process:
        """A server that imports torch and `modules`, in a clean environment."""
        mine, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-I", "-B", "-W", "ignore", "-m", "autograder.sandbox.server_main", str(theirs.fileno())]
            environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent",
                           "MALLOC_ARENA_MAX": "2", **huge_pages.MALLOC}  # fmt: skip
            process = subprocess.Popen(  # noqa: S603  our own module
                [*command, json.dumps(list(modules))],
                pass_fds=[theirs.fileno()],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        return cls(process, mine)

    def end(self) -> None:
        """Have the server end, by force if it does not, or if it is still importing and holds nothing yet."""
        self.control.close()
        _wait_or_kill(self.process, END_SECONDS if self.ready else 0.0)


class Server:
    """The warm process that forks a child for each submission. `fork=False` starts a fresh process for each instead.

    Args:
        modules: what it imports beside torch before it is ready.
        rehearsing: whether a child that waits rehearses a step of training: good where a processor is idle meanwhile.
    """

    def __init__(self, modules: Sequence[str] = (), *, fork: bool = sys.platform == "linux", rehearsing: bool = True) -> None:
        self._modules, self._fork, self._rehearsing = modules, fork, rehearsing
        self._prepared: dict[str, Any] = {"residents": [], "by_hand": False}
        self._stack = contextlib.ExitStack()
        self._folder = self._stack.enter_context(scratch.locked_folder(0o711))  # a child under its own user id passes it
        self._own: dict[int, subprocess.Popen[bytes]] = {}  # without fork: the process of each child
        self._waiting: dict[_Kind, Child] = {}  # confined, empty, and for the next submission
        self._count = 0
        self._running: _Process | None = _Process.start(modules)

    def hold(self, residents: Sequence[str], *, by_hand: bool = False) -> None:
        """Say what it is to prepare before it opens its first child.

        Args:
            residents: names of data sets (see `images.store.resident`).
            by_hand: whether some of the children are for by-hand tasks.
        """
        self._prepared = {"residents": list(residents), "by_hand": by_hand}

    def wait_until_ready(self) -> dict[str, Any]:
        """Start the server if there is none; its first message: how long it took to warm up and what it gained."""
        if self._running is None or self._running.process.poll() is not None:
            self._stop()
            self._running = _Process.start(self._modules)
        if not self._running.ready:
            self._send({**self._prepared, "fork": self._fork, "rehearsing": self._rehearsing})
            self._running.ready.update(self._receive(START_SECONDS))
        return self._running.ready

    def open(self, spec: ChildSpec) -> Child:
        """A child that has imported the submission, or that has `ended` with the fault that kept it from doing so."""
        self.wait_until_ready()
        kind = _Kind(_limits(spec), network=spec.network, gpu=spec.gpu, by_hand=spec.by_hand)
        child = self._child(kind) if spec.network or spec.gpu else self._next(kind)
        try:
            child.introduce(spec)
        except StudentFault:
            pass  # child.ended says why
        except BaseException:
            child.close()
            raise
        return child

    def close(self) -> None:
        """End the server, its children and its scratch folder."""
        with self._stack:  # the folder goes even if another signal ends the waiting
            self._stop()
            for own in self._own.values():
                _ended(own, 0.0)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next(self, kind: _Kind) -> Child:
        """A child for one submission; another, which holds nothing of any, gets ready for the next one meanwhile.

        What keeps this submission from the process that waits is what keeps it from the server: its confinement.
        """
        child = self._waiting.pop(kind, None) or self._child(kind)
        if self._fork:
            try:
                self._waiting[kind] = self._child(kind)
            except BaseException:
                child.close()
                raise
        return child

    def _child(self, kind: _Kind) -> Child:
        from autograder.sandbox.child import Child  # noqa: PLC0415  it imports torch, as the server does meanwhile

        self._count += 1
        number, folder = self._count, self._folder / str(self._count)
        folder.mkdir(mode=0o700)
        message = {"op": "open", "number": number, "scratch": str(folder), **asdict(kind)}
        mine, theirs = socket.socketpair()
        end, drop = functools.partial(self._end, number, folder), functools.partial(self._drop, number, folder)
        child = Child(mine, folder, end, drop, functools.partial(self._kept_waiting, number))
        try:
            with theirs:
                self._send(message, (theirs.fileno(),))
        except BaseException:
            child.close()
            raise
        if not self._fork and self._running is not None:  # the server itself becomes the child
            self._running.control.close()
            self._own[number], self._running = self._running.process, None
        return child

    def _end(self, number: int, folder: Path, patience: float) -> Ended:
        """End that child, after `patience` seconds by force, and remove its folder."""
        try:
            if not self._fork:
                own = self._own.pop(number, None)
                return _ended(own, patience) if own else Ended(0, killed=True)
            self._send({"op": "reap", "number": number, "patience": patience})
            answer = self._receive(SERVER_SECONDS + patience)
            return Ended(answer["status"], answer["killed"])
        finally:
            scratch.remove(folder)

    def _drop(self, number: int, folder: Path) -> None:
        """Have that child killed and its folder removed: done before the server does anything else, but not waited for."""
        if not self._fork:
            self._end(number, folder, 0.0)
        elif self._running is None:
            scratch.remove(folder)  # the child went with its server
        else:
            self._send({"op": "drop", "number": number, "scratch": str(folder)})

    def _kept_waiting(self, number: int) -> float:
        """Seconds in which that child was ready to run and others had all processors, so far; 0 where nobody counts them."""
        if not self._fork:
            return 0.0
        self._send({"op": "kept waiting", "number": number})
        return float(self._receive(SERVER_SECONDS)["seconds"])

    def _receive(self, seconds: float) -> dict[str, Any]:
        if self._running is None:
            raise SandboxError("the grading server is not running")
        self._running.control.settimeout(seconds)
        try:
            return receive_message(self._running.control)[0]
        except (frames.Closed, OSError, ValueError) as error:
            self._stop()
            raise SandboxError(f"the grading server stopped ({type(error).__name__})") from None
        except BaseException:  # Ctrl-C: its answer would be taken for that to the next message
            self._stop()
            raise

    def _send(self, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
        if self._running is None:
            raise SandboxError("the grading server is not running")
        try:
            send_message(self._running.control, message, fds)
        except OSError as error:
            self._stop()
            raise SandboxError(f"the grading server stopped ({type(error).__name__})") from None

    def _stop(self) -> None:
        running, waiting = self._running, self._waiting
        self._running, self._waiting = None, {}
        if running is not None:
            running.end()
        for child in waiting.values():
            child.close()


def import_quickly(name: str) -> None:
    """Import a module that brings torch: Python's collector, which would go through it again and again, rests meanwhile."""
    gc.disable()
    try:
        importlib.import_module(name)
    finally:
        gc.enable()


def _limits(spec: ChildSpec) -> confine.OsLimits:
    return confine.OsLimits(
        memory_bytes=spec.limits.memory_mb << 20,
        cpu_seconds=int(spec.limits.import_seconds + spec.limits.total_seconds) + 1,
        file_bytes=spec.limits.scratch_mb << 20,
        open_files=64,
        scratch_bytes=spec.limits.scratch_mb << 20,
    )


def _wait_or_kill(process: subprocess.Popen[bytes], patience: float) -> bool:
    """Wait until the process has ended; whether it had to be killed, after `patience` seconds."""
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def _ended(process: subprocess.Popen[bytes], patience: float) -> Ended:
    killed = _wait_or_kill(process, patience)
    code = process.returncode
    return Ended(-code if code < 0 else code << 8, killed)
