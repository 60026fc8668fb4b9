"""The grader's side of the sandbox: starts the warm server, opens a child for a submission, asks it, kills it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder import channel, confine, wire
from autograder.answer import Fault
from autograder.course import Limits
from autograder.results import Status
from autograder.student import StudentFault

START_SECONDS = 120.0
SERVER_SECONDS = 30.0


class SandboxError(Exception):
    """The sandbox itself failed: a fault of the kit or of the machine, never of the submission."""


@dataclass(frozen=True)
class Order:
    """What a child is opened for. `tasks` names the functions of tasks that rule out autograd."""

    files: Mapping[str, bytes]
    module: str
    tasks: Sequence[str]
    limits: Limits
    devices: int | None = None
    network: bool = False


class Server:
    """The warm process that forks a child for each submission. `fork=False` starts a fresh process for each instead."""

    def __init__(
        self,
        modules: Sequence[str] = (),
        data: Mapping[str, Any] | None = None,
        *,
        isolated: bool = True,
        fork: bool = hasattr(os, "fork") and sys.platform == "linux",
    ) -> None:
        self._config = {"confine": isolated, "fork": fork, "warm": list(modules), "data": data}
        self._fork, self._isolated = fork, isolated
        self.scratch = Path(tempfile.mkdtemp(prefix="autograder-"))
        self.scratch.chmod(0o711)  # a child under its own user id passes through
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._count = 0
        self.ready: dict[str, Any] = {}
        self._start()

    def _start(self) -> None:
        mine, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-I", "-B", "-W", "ignore", "-m", "autograder.server", str(theirs.fileno())]
            self._process = subprocess.Popen(  # noqa: S603  our own module
                [*command, json.dumps(self._config)],
                pass_fds=[theirs.fileno()],
                env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(self.scratch)},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self._control = mine

    def wait_until_ready(self) -> dict[str, Any]:
        """The server's first message: how long it took to warm up and what it gained."""
        if not self.ready:
            self.ready = self._receive(START_SECONDS)
        return self.ready

    def _receive(self, seconds: float) -> dict[str, Any]:
        assert self._control is not None  # noqa: S101  for the type checker: set by _start
        self._control.settimeout(seconds)
        try:
            return channel.receive_message(self._control)[0]
        except (channel.Closed, OSError, ValueError) as error:
            raise SandboxError(f"the grading server stopped: {type(error).__name__}") from None

    def _send(self, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
        assert self._control is not None  # noqa: S101  for the type checker: set by _start
        try:
            channel.send_message(self._control, message, fds)
        except OSError as error:
            raise SandboxError(f"the grading server stopped: {type(error).__name__}") from None

    def open(self, order: Order) -> Child:
        """A child that has imported the submission, or that has `ended` with the fault that kept it from doing so."""
        self.wait_until_ready()
        self._count += 1
        scratch = self.scratch / str(self._count)
        scratch.mkdir(mode=0o700)
        limits = confine.Limits(
            memory_bytes=order.limits.memory_mb << 20,
            cpu_seconds=int(order.limits.import_seconds + order.limits.total_seconds) + 1,
            file_bytes=order.limits.scratch_mb << 20,
            open_files=64,
            scratch_bytes=order.limits.scratch_mb << 20,
        )
        mine, theirs = socket.socketpair()
        with theirs:
            message = {"op": "open", "scratch": str(scratch), "limits": asdict(limits), "confine": self._isolated}
            self._send({**message, "network": order.network}, (theirs.fileno(),))
        pid = self._receive(SERVER_SECONDS)["pid"] if self._fork else 0
        child = Child(self, pid, mine, order)
        try:
            child.introduce()
        except StudentFault:
            pass  # child.ended says why
        except BaseException:
            child.close()
            raise
        return child

    def reap(self, pid: int, patience: float) -> int:
        """Kill child `pid` if it does not end within `patience` seconds; its wait status."""
        if self._fork:
            self._send({"op": "reap", "pid": pid, "patience": patience})
            return int(self._receive(SERVER_SECONDS)["status"])
        assert self._process is not None  # noqa: S101  for the type checker: set by _start
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        self._process.kill()
        code = self._process.wait()
        self._start()
        self.ready = {}
        return -code if code < 0 else code << 8

    def alive(self) -> bool:
        """Whether the server process still runs."""
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """End the server, its children and its scratch folder."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            try:
                self._process.wait(5 if self._fork else 0.1)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Child:
    """One submission's process. Every failure of it is a StudentFault; after one that ends it, so is every request."""

    def __init__(self, server: Server, pid: int, stream: socket.socket, order: Order) -> None:
        self._server, self._pid, self._stream, self._order = server, pid, stream, order
        self._max_frame = (order.limits.reply_mb << 20) + wire.MAX_HEADER + (1 << 20)
        self.ended: Fault | None = None
        self.looked: dict[str, list[Any]] = {}

    def introduce(self) -> None:
        """Hand over the files; learn what the static look found; wait for the import."""
        order = self._order
        first = {"files": dict(order.files), "module": order.module, "tasks": list(order.tasks),
                 "devices": order.devices, "reply_bytes": order.limits.reply_mb << 20}  # fmt: skip
        nonce = secrets.token_bytes(channel.NONCE_BYTES)
        end = time.monotonic() + order.limits.import_seconds
        try:
            self._write(nonce, wire.encode(first, channel_limit(order.files)), end)
            got, body = self._read(end, importing=True)
        except StudentFault as stopped:  # nothing of the submission has run yet
            raise SandboxError(f"a child did not start: {stopped}") from None
        if got != nonce:
            raise SandboxError(f"a child could not be confined: {wire.clean(body.decode('utf-8', 'replace'))}")
        self.looked = wire.decode(body)["looked"]
        got, body = self._read(end, importing=True)
        fault = self._loaded(got == nonce, body)
        if fault is not None:
            self._end(fault)

    def _loaded(self, genuine: bool, body: bytearray) -> Fault | None:  # noqa: FBT001  private, one caller
        try:
            fault = wire.decode(body)["loaded"]
            if not genuine:
                raise wire.WireError("out of turn")
            return None if fault is None else Fault(Status.ERROR, wire.clean(fault[1]), wire.clean(fault[2], 80))
        except (wire.WireError, TypeError, KeyError, IndexError, AttributeError):
            return Fault(Status.ERROR, "The module wrote to the grader's channel while it was being imported.")

    def ask(self, frame: bytes, seconds: float) -> bytes:
        """The reply to one request frame, complete within `seconds`."""
        if self.ended is not None:
            raise StudentFault(self.ended)
        if select.select([self._stream], [], [], 0)[0]:
            if self._stream.recv(1, socket.MSG_PEEK):
                self._end(Fault(Status.ERROR, "The code sent data that nobody asked for.", "Violation"))
            self._end(self._cause_of_death())
        nonce = secrets.token_bytes(channel.NONCE_BYTES)
        end = time.monotonic() + seconds
        self._write(nonce, frame, end)
        got, body = self._read(end)
        if got != nonce:
            self._end(Fault(Status.ERROR, "The code answered another request than the one that was sent.", "Violation"))
        return bytes(body)

    def _write(self, nonce: bytes, body: bytes, end: float) -> None:
        try:
            self._stream.settimeout(max(end - time.monotonic(), 0.01))
            channel.send(self._stream, nonce, body)
        except TimeoutError:
            self._end(Fault(Status.TIMEOUT, "The code did not take its input in time."))
        except OSError:
            self._end(self._cause_of_death())

    def _read(self, end: float, *, importing: bool = False) -> tuple[bytes, bytearray]:
        """One frame before `end`; a deadline for the whole of it, so that single bytes cannot keep it open."""
        try:
            reader = _Deadline(self._stream, end)
            return channel.receive(reader, self._max_frame)
        except TimeoutError:
            what = "Importing the module" if importing else "It"
            limit = self._order.limits.import_seconds if importing else self._order.limits.check_seconds
            self._end(Fault(Status.TIMEOUT, f"{what} took longer than {limit:g} s: is there a loop that never ends?"))
        except channel.TooLong:
            self._end(Fault(Status.ERROR, "The code sent a reply longer than the limit.", "Violation"))
        except (channel.Closed, OSError):
            self._end(self._cause_of_death())
        raise AssertionError  # for the type checker: _end raises

    def _end(self, fault: Fault) -> None:
        self.ended = fault
        self.close()
        raise StudentFault(fault)

    def _cause_of_death(self) -> Fault:
        status = self.close(patience=1.0)
        if os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name
            if name == "SIGXCPU":
                return Fault(Status.TIMEOUT, "The code used up its processor time: is there a loop that never ends?")
            reason = {
                "SIGSEGV": "a segmentation fault",
                "SIGKILL": "it was killed, as happens when memory runs out",
            }.get(name, name)
            return Fault(Status.CRASHED, f"The code ended its process: {reason}.")
        text = f"The code ended its process with exit code {os.WEXITSTATUS(status)}: remove os._exit() or exit()."
        return Fault(Status.CRASHED, text)

    def close(self, patience: float = 0.0) -> int:
        """Kill the process, if it still lives, and forget it; its wait status (0 if it was closed before)."""
        if self._stream.fileno() < 0:
            return 0
        self._stream.close()
        return self._server.reap(self._pid, patience)


class _Deadline:
    """Reads from a socket with one deadline for everything that is read."""

    def __init__(self, stream: socket.socket, end: float) -> None:
        self._stream, self._end = stream, end

    def recv_into(self, view: memoryview) -> int:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._stream.settimeout(left)
        return self._stream.recv_into(view)


def channel_limit(files: Mapping[str, bytes]) -> int:
    """Bytes that the first frame may hold."""
    return sum(map(len, files.values())) + (1 << 20)
