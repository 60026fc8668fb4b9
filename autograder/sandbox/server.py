"""The warm server, seen from the grader: has it fork a child for each submission, ends both."""

from __future__ import annotations

import contextlib
import functools
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autograder.errors import SandboxError
from autograder.results import StudentFault
from autograder.sandbox import launch, scratch
from autograder.sandbox.child import Child, Ended, Order
from autograder.sandbox.confinement import confine
from autograder.sandbox.control import receive_message, send_message
from autograder.wire import frames

START_SECONDS = 120.0
SERVER_SECONDS = 60.0


class Server:
    """The warm process that forks a child for each submission. `fork=False` starts a fresh process for each instead.

    A server that has died is replaced when the next child is opened.
    """

    def __init__(
        self,
        modules: Sequence[str] = (),
        residents: Sequence[str] = (),
        *,
        fork: bool = sys.platform == "linux",
        launched: launch.Launch | None = None,
    ) -> None:
        self._modules, self._fork = modules, fork
        self._order = {"residents": list(residents), "fork": fork}
        self._stack = contextlib.ExitStack()
        self._folder = self._stack.enter_context(scratch.locked_folder(0o711))  # a child under its own user id passes it
        self._own: dict[int, subprocess.Popen[bytes]] = {}  # without fork: the process of each child
        self._waiting: dict[confine.Limits, Child] = {}  # confined, empty, and for the next submission
        self._count = 0
        self._running: launch.Launch | None = launched or launch.start(modules)

    def wait_until_ready(self) -> dict[str, Any]:
        """Start the server if there is none; its first message: how long it took to warm up and what it gained."""
        if self._running is None or self._running.process.poll() is not None:
            self._stop()
            self._running = launch.start(self._modules)
        if not self._running.ready:
            self._send(self._order)
            self._running.ready.update(self._receive(START_SECONDS))
        return self._running.ready

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

    def open(self, order: Order) -> Child:
        """A child that has imported the submission, or that has `ended` with the fault that kept it from doing so."""
        self.wait_until_ready()
        limits = _limits(order)
        plain = not (order.network or order.gpu)
        child = self._next(limits) if plain else self._child(limits, network=order.network, gpu=order.gpu)
        try:
            child.introduce(order)
        except StudentFault:
            pass  # child.ended says why
        except BaseException:
            child.close()
            raise
        return child

    def _next(self, limits: confine.Limits) -> Child:
        """A child for one submission; another, which holds nothing of any, gets ready for the next one meanwhile.

        What keeps this submission from the process that waits is what keeps it from the server: its confinement.
        """
        child = self._waiting.pop(limits, None) or self._child(limits)
        if self._fork:
            try:
                self._waiting[limits] = self._child(limits)
            except BaseException:
                child.close()
                raise
        return child

    def _child(self, limits: confine.Limits, *, network: bool = False, gpu: bool = False) -> Child:
        self._count += 1
        number, folder = self._count, self._folder / str(self._count)
        folder.mkdir(mode=0o700)
        message = {"op": "open", "number": number, "scratch": str(folder), "network": network, "gpu": gpu,
                   "limits": asdict(limits)}  # fmt: skip
        mine, theirs = socket.socketpair()
        child = Child(mine, folder, functools.partial(self._end, number, folder), functools.partial(self._drop, number, folder))
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

    def _stop(self) -> None:
        running, waiting = self._running, self._waiting
        self._running, self._waiting = None, {}
        if running is not None:
            running.end()
        for child in waiting.values():
            child.close()

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


def _limits(order: Order) -> confine.Limits:
    return confine.Limits(
        memory_bytes=order.limits.memory_mb << 20,
        cpu_seconds=int(order.limits.import_seconds + order.limits.total_seconds) + 1,
        file_bytes=order.limits.scratch_mb << 20,
        open_files=64,
        scratch_bytes=order.limits.scratch_mb << 20,
    )


def _ended(process: subprocess.Popen[bytes], patience: float) -> Ended:
    killed = launch.wait_or_kill(process, patience)
    code = process.returncode
    return Ended(-code if code < 0 else code << 8, killed)
