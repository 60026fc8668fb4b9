"""The grader's end of one submission's process: hands over files, asks, says in a learner's words how it ended."""

from __future__ import annotations

import secrets
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NoReturn

from autograder.course import Limits
from autograder.errors import SandboxError
from autograder.learner.at_import import MAIN
from autograder.learner.forbidden_scan import Found
from autograder.results import Fault, Status, StudentFault
from autograder.sandbox import child_spec, scratch
from autograder.sandbox.child_spec import ChildSpec, Looked
from autograder.sandbox.ended import Ended, cause_of_death
from autograder.sandbox.witness import WATCHED
from autograder.text import clean, one_line
from autograder.wire import frames, values

START_SECONDS = 300.0  # the kit's own time, which no submission is charged with
_WAKE_SECONDS = 0.25
_LONGEST_NUMBER = 9
_UNREAD = "The submission's files cannot be read where they are graded"
_AHEAD = 16  # requests, which are small, keep a process busy while a reply is judged
_AHEAD_BYTES = 1 << 16  # fit into its stream while it does not read
MOST_BUSY = 5  # times its limit is what a request may take longer on a busy machine
_WORTH_WAITING = 0.05


IMPORTING = "Importing the module"


class Child:
    """One submission's process. Every failure of it is a StudentFault; after one that ends it, so is every request.

    Its limits are in seconds on the wall, without those in which it was ready to run and others had all processors: no
    submission pays for a busy machine.
    """

    def __init__(
        self,
        stream: socket.socket,
        folder: Path,
        reap: Callable[[float], Ended],
        drop: Callable[[], None],
        kept_waiting: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._stream, self._folder, self._reap, self._drop = stream, folder, reap, drop
        self._kept_waiting = kept_waiting
        self._excused = self._newly_excused = 0.0
        self._limits = Limits()
        self._sources: Mapping[str, bytes] = {}
        self._watches_disk = False
        self._sent_ahead = deque[tuple[bytes, bytes]]()  # nonce and frame of each request that was sent before its turn
        self.ended: Fault | None = None
        self.looked = Looked()
        self.said: tuple[str, ...] = ()  # of the import, by the submission's process
        self.suspicion: Found | None = None  # where the submission first looked into its process

    def introduce(self, spec: ChildSpec) -> None:
        """Hand over the files; learn what the look at them found; wait for the import.

        Raises:
            SandboxError: the child was not ready for the submission.
            StudentFault: the files cannot be looked at, or the import failed.
        """
        self._limits = spec.limits
        first = {"files": dict(spec.files), "form": spec.form, "changed": dict(spec.changed), "module": spec.module,
                 "wanted": [spec.wanted.module or spec.module, spec.wanted.topic, spec.wanted.stub,
                            [[name, module, list(defined)] for name, (module, defined) in spec.wanted.others.items()]],
                 "tasks": list(spec.tasks), "devices": spec.devices, "gpu": spec.gpu, "by_hand": spec.by_hand,
                 "rank": spec.network, "reply_bytes": spec.limits.reply_mb << 20,
                 "import_seconds": spec.limits.import_seconds, "look": spec.looked is None}  # fmt: skip
        nonce = secrets.token_bytes(frames.NONCE_BYTES)
        end = time.monotonic() + START_SECONDS
        try:
            with suppress(OSError):  # a process that could not start has left word why
                self._stream.settimeout(START_SECONDS)
                frames.send(self._stream, nonce, values.encode(first, sum(map(len, spec.files.values())) + (1 << 20)))
            got, body = self._read(end, START_SECONDS)
        except StudentFault as stopped:  # no byte of the submission has been looked at yet
            raise SandboxError(f"a submission's process did not start: {stopped}") from None
        if got != nonce:
            raise SandboxError(f"a submission's process failed: {clean(body.decode('utf-8', 'replace'))}")
        self._watches_disk = "mount" not in values.decode(body)["ready"]
        limit = spec.limits.import_seconds
        self._look(nonce, limit, spec)  # as long as an import at most, but not at its expense
        got, body = self._read(time.monotonic() + limit, limit, IMPORTING)
        if fault := _import_fault(body, genuine=got == nonce):
            self._end(fault)
        self.said = tuple(clean(str(text)) for text in values.decode(body)["failed"])

    def _look(self, nonce: bytes, limit: float, spec: ChildSpec) -> None:
        """Learn what the process says of the files before the submission's first line has run.

        From here on, whatever goes wrong is due to the files: a fault of the kit must not be at a submission's choice.
        """
        try:
            got, body = self._read(time.monotonic() + limit, limit)
        except StudentFault as stopped:
            self._end(Fault(stopped.fault.status, f"{_UNREAD}, within {limit:g} s and the memory that a submission may use."))
        try:
            if got != nonce:
                raise values.WireError(body.decode("utf-8", "replace"))
            looked = values.decode(body)
            fault = looked["fault"]
            if fault is None:
                self._sources = {str(name): bytes(body) for name, body in looked["sources"].items()}
                self.looked = spec.looked or child_spec.looked(looked, self._sources.get(spec.module, b""))
                self.suspicion = self.looked.suspicion
        except (values.WireError, TypeError, KeyError, AttributeError) as error:
            fault = f"{_UNREAD} ({one_line(error)})."
        if fault is not None:
            self._end(Fault(Status.ERROR, clean(str(fault))))

    @property
    def ahead(self) -> bytes | None:
        """The request that was sent before its turn and must be asked next; None if there is none."""
        return self._sent_ahead[0][1] if self._sent_ahead else None

    def ask(self, frame: bytes, seconds: float, limit: float | None = None, ahead: Iterable[bytes] = ()) -> bytes:
        """The reply to one request frame, complete within `seconds`, which is what is left of the check's `limit`.

        `ahead` are the requests that come after it. Some are sent along, so that the process goes on while the first reply
        is judged: no other may be asked then.
        """
        finish = self.start(frame, seconds, limit)
        if len(self._sent_ahead) <= _AHEAD // 2:  # several in one write, which costs a system call and wakes the process
            self._send_ahead(islice(ahead, len(self._sent_ahead), _AHEAD), time.monotonic() + seconds)
        return finish()

    def start(self, frame: bytes, seconds: float, limit: float | None = None) -> Callable[[], bytes]:
        """Send one request frame; what comes back is a function that waits for the reply, as `ask` does."""
        if self.ended is not None:
            raise StudentFault(self.ended)
        end = time.monotonic() + seconds
        if self._sent_ahead:
            nonce, sent = self._sent_ahead.popleft()
            if sent != frame:
                raise SandboxError("another request was sent before this one")
        else:
            self._refuse_early_data()
            nonce = secrets.token_bytes(frames.NONCE_BYTES)
            try:
                self._write(frames.pieces(nonce, frame), end)
            except OSError:
                self._end(self._cause_of_death())

        def finish() -> bytes:
            got, body = self._read(end, seconds if limit is None else limit)
            if got != nonce:
                text = "The code answered another request than the one that was sent."
                self._end(Fault(Status.ERROR, text, "Violation"))
            return bytes(body)

        return finish

    def _send_ahead(self, requests: Iterable[bytes], end: float) -> None:
        room = _AHEAD_BYTES - sum(len(sent) for _, sent in self._sent_ahead)
        sending = []
        for request in requests:
            room -= len(request)
            if room < 0:
                break
            sending.append((secrets.token_bytes(frames.NONCE_BYTES), request))
        if not sending:
            return
        self._sent_ahead.extend(sending)
        with suppress(OSError):  # it has ended, perhaps after its reply
            self._write([b"".join(piece for each in sending for piece in frames.pieces(*each))], end)

    def excuse(self, most: float) -> float:
        """Seconds, at most so many, for which the process was kept from running and which have not been excused yet."""
        more = min(self._kept_waiting() - self._excused, most)
        if more < _WORTH_WAITING:
            return 0.0
        self._excused += more
        self._newly_excused += more
        return more

    def newly_excused(self) -> float:
        """The seconds that were excused since this was called last."""
        newly, self._newly_excused = self._newly_excused, 0.0
        return newly

    def close(self) -> None:
        """Kill the process, if it still lives, and forget it."""
        if self._stream.fileno() >= 0:
            self._stream.close()
            with suppress(SandboxError):  # its server is gone, and the process with it
                self._drop()

    def _refuse_early_data(self) -> None:
        self._stream.settimeout(0.0)
        try:
            early = self._stream.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            early = b""
        if early:
            self._end(Fault(Status.ERROR, "The code sent data that nobody asked for.", "Violation"))
        self._end(self._cause_of_death())

    def _write(self, pieces: Iterable[bytes], end: float) -> None:
        try:
            for piece in pieces:
                self._stream.settimeout(max(end - time.monotonic(), 0.01))
                self._stream.sendall(piece)
        except TimeoutError:
            self._end(Fault(Status.TIMEOUT, "The code did not take its input in time."))

    def _read(self, end: float, limit: float, what: str = "It") -> tuple[bytes, bytearray]:
        """One frame before `end`; a deadline for the whole of it, so that single bytes cannot keep it open."""
        try:
            most = (self._limits.reply_mb << 20) + values.MAX_OVERHEAD
            stream = _Deadline(self._stream, end, MOST_BUSY * limit, self)
            while True:
                nonce, body = frames.receive(stream, most)
                if nonce != frames.REPORT:
                    return nonce, body
                self._suspect(bytes(body))
        except TimeoutError:
            text = f"{what} took longer than {limit:g} s: is there a loop that never ends?"
            if what == IMPORTING:
                text += f" Training belongs below `{MAIN}`, which grading does not run."
            self._end(Fault(Status.TIMEOUT, text))
        except frames.TooLong:
            self._end(Fault(Status.ERROR, "The code sent a reply longer than the limit.", "Violation"))
        except (frames.Closed, OSError):
            self._end(self._cause_of_death())

    def _suspect(self, report: bytes) -> None:
        """Keep where the witness saw the submission look into its process: a claim, which harms only who makes it up."""
        line, file, event = (*report.decode("utf-8", "replace").split("\0"), "", "", "")[:3]
        source = self._sources.get(file, b"").decode("utf-8", "replace").splitlines()
        number = int(line) if line.isdecimal() and len(line) < _LONGEST_NUMBER else 0
        text = source[number - 1].strip() if 0 < number <= len(source) else ""
        file, event = file if file in self._sources else "", event if event in WATCHED else "an audit event"
        self.suspicion = self.suspicion or Found(clean(file, 80), number, clean(text, 120), event)

    def watch_disk(self) -> None:
        """End the process if it has written too much; to be called now and then, where the system sets it no limit."""
        allowed = self._limits.scratch_mb
        if self._watches_disk and scratch.size(self._folder, allowed << 20) > allowed << 20:
            self._end(Fault(Status.ERROR, f"The code wrote more than {allowed} MB of files.", "Violation"))

    def _end(self, fault: Fault) -> NoReturn:
        self.ended = fault
        self.close()
        raise StudentFault(fault)

    def _cause_of_death(self) -> Fault:
        self._stream.close()
        return cause_of_death(self._reap(1.0))


class _Deadline:
    """Reads from a child's socket with one deadline for everything that is read, put off by what is excused, `busy` at most."""

    def __init__(self, stream: socket.socket, end: float, busy: float, child: Child) -> None:
        self._stream, self._end, self._busy, self._child = stream, end, busy, child

    def recv_into(self, view: memoryview, /) -> int:
        while (left := self._end - time.monotonic()) > 0 or (left := self._put_off()) > 0:
            self._stream.settimeout(min(left, _WAKE_SECONDS))
            try:
                return self._stream.recv_into(view)
            except TimeoutError:
                self._child.watch_disk()
        raise TimeoutError

    def _put_off(self) -> float:
        more = self._child.excuse(self._busy)
        self._busy -= more
        self._end = max(self._end, time.monotonic()) + more if more else self._end
        return more


def _import_fault(body: bytearray, *, genuine: bool) -> Fault | None:
    """What the submission's process says of the import: by now a claim, made beside the submission's code."""
    try:
        told = values.decode(body)
        fault = told["loaded"]
        if not genuine or not isinstance(told["failed"], list):
            raise values.WireError("out of turn")
        return None if fault is None else Fault(Status.ERROR, clean(fault[1]), clean(fault[2], 80))
    except (values.WireError, TypeError, KeyError, IndexError, AttributeError):
        return Fault(Status.ERROR, "The module wrote to the grader's channel while it was being imported.", "Violation")
