"""Starts the process of the warm server. This needs no torch, so the server warms up while the grader imports its own."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

END_SECONDS = 2.0


@dataclass(frozen=True)
class Launch:
    """A server's process and the socket to it; `ready` is what it said when it was warm."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    ready: dict[str, Any] = field(default_factory=dict)

    def end(self) -> None:
        """Have the server end, by force if it does not, or if it is still importing and holds nothing yet."""
        self.control.close()
        wait_or_kill(self.process, END_SECONDS if self.ready else 0.0)


def wait_or_kill(process: subprocess.Popen[bytes], patience: float) -> bool:
    """Wait until the process has ended; whether it had to be killed, after `patience` seconds."""
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def import_quickly(name: str) -> None:
    """Import a module that brings torch: Python's collector, which would go through it again and again, rests meanwhile."""
    gc.disable()
    try:
        importlib.import_module(name)
    finally:
        gc.enable()


def start(modules: Sequence[str]) -> Launch:
    """A server that imports torch and `modules`, in a clean environment; `sandbox.Server` takes it over."""
    mine, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-I", "-B", "-W", "ignore", "-m", "autograder.sandbox.server_main", str(theirs.fileno())]
        process = subprocess.Popen(  # noqa: S603  our own module
            [*command, json.dumps(list(modules))],
            pass_fds=[theirs.fileno()],
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent", "MALLOC_ARENA_MAX": "2"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    return Launch(process, mine)


@contextlib.contextmanager
def started(modules: Sequence[str]) -> Iterator[Launch]:
    """The same for the length of a block, in which something else may fail."""
    launch = start(modules)
    try:
        yield launch
    finally:
        launch.end()
