"""One submission's children while it is graded: opened when needed, replaced when they end, all closed at the end."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from autograder.errors import SandboxError
from autograder.learner import forbidden_trap
from autograder.learner.forbidden_scan import Found
from autograder.results import Fault, Status, StudentFault
from autograder.sandbox.child import MOST_BUSY, Child
from autograder.sandbox.child_spec import ChildSpec, Looked
from autograder.sandbox.server import Server
from autograder.text import clean

_REPLIES = 4  # of the largest size, in one check
_BUSY = 0.2  # of a limit: who waited that long for a processor was on a busy machine


class Session:
    """A Respondent that asks a submission in its sandbox, under the check's limit and the submission's budget.

    There is a child for each number of devices that checks have wanted, and one in which PyTorch cannot differentiate for
    checks of by-hand tasks. Only the time that the submission takes counts, not the suite's own, nor that of others on a busy
    machine (see Child). `intact` is False once the sandbox has failed in a check: what went wrong since then is no evidence
    against the submission. `held` stays False from then on.
    """

    def __init__(self, server: Server, spec: ChildSpec) -> None:
        self._server, self._spec = server, spec
        self._children: dict[tuple[int | None, bool, bool], Child] = {}
        self._suspicion: Found | None = None
        self.looked = Looked()
        self.said: tuple[str, ...] = ()  # by the submission's process, of its import
        self._wanted = spec
        self._check_limit = self._check_left = 0.0
        self._check_mb = _REPLIES * spec.limits.reply_mb
        self._check_room = self._check_mb << 20
        self._left = spec.limits.total_seconds + spec.limits.import_seconds
        self._busy = MOST_BUSY * self._left
        self.intact = self.held = True

    @classmethod
    def open(cls, server: Server, spec: ChildSpec, first: ChildSpec | None = None) -> Session:
        """A session whose module a child as `first` says has imported; what may not come again is confirmed in a fresh one.

        A time-out comes again, unless the machine was so busy that the submission may not have had its time.

        Raises:
            StudentFault: the module cannot be imported.
            SandboxError: the sandbox failed twice.
        """
        for last in (False, True):
            session = cls(server, spec)
            session._wanted = first or spec
            try:
                child = session._child()
            except SandboxError:
                if last:
                    raise
                continue
            ended = child.ended
            if ended is None:
                return session
            session.close()
            busy = sys.platform != "linux" or child.newly_excused() > _BUSY * spec.limits.import_seconds  # only Linux can tell
            if last or ended.status is Status.ERROR or (ended.status is Status.TIMEOUT and not busy):
                raise StudentFault(ended)
        raise AssertionError  # for the type checker: the loop returns or raises

    def begin(self, seconds: float, devices: int | None = None, *, gpu: bool = False, by_hand: bool = False) -> None:
        """Start the clock of one check, which is answered by a child of that kind: see ChildSpec."""
        self._check_limit = self._check_left = seconds
        self._wanted = replace(self._spec, devices=devices, gpu=gpu, by_hand=by_hand)
        self._check_room = self._check_mb << 20
        self.intact = True

    def ask(self, request: bytes, ahead: Iterable[bytes] = ()) -> bytes:
        """The reply of the check's child; it also takes the requests that come next: see Child.ask."""
        if self._left <= 0 and not self._excused():
            limit = self._spec.limits.total_seconds
            raise StudentFault(Fault(Status.TIMEOUT, f"All checks together took longer than {limit:g} s."))
        started = asked = time.monotonic()
        busy, child = 0.0, None
        try:
            child = self._child(request)  # its import has a limit of its own
            busy, asked = child.newly_excused(), time.monotonic()
            return self._counted(child.ask(request, self._check_left, self._check_limit, ahead))
        except SandboxError:
            self.intact = self.held = False
            raise
        finally:
            now, lately = time.monotonic(), child.newly_excused() if child else 0.0
            self._check_left -= now - asked - lately
            self._left -= now - started - busy - lately

    def _excused(self) -> bool:
        """Whether there is time left once that is given back in which a busy machine kept the submission waiting."""
        for child in self._children.values():
            back = child.excuse(self._busy)
            child.newly_excused()
            self._busy -= back
            self._left += back
        return self._left > 0

    def _counted(self, reply: bytes) -> bytes:
        """The reply, if there is room for it: the grader keeps all of a check until it is over."""
        self._check_room -= len(reply)
        if self._check_room < 0:
            text = f"All that your code returned in one check is larger than {self._check_mb} MB."
            raise StudentFault(Fault(Status.ERROR, text, "Violation"))
        return reply

    def ask_ranks(self, make_requests: Callable[[str], list[bytes]]) -> list[bytes]:
        """Replies of several processes that work together: each rank has a child of its own, all in one private network."""
        requests = make_requests(f"tcp://127.0.0.1:{20_000 + secrets.randbelow(20_000)}")
        started, ranks = time.monotonic(), list[Child]()
        try:
            self._server.wait_until_ready()
            started = time.monotonic()
            for _ in requests:
                ranks.append(self._server.open(replace(self._spec, network=True)))
            left = self._check_left
            waiting = [rank.start(request, left, self._check_limit) for rank, request in zip(ranks, requests, strict=True)]
            return [finish() for finish in waiting]
        except SandboxError:
            self.intact = self.held = False
            raise
        finally:
            self._suspicion = next((rank.suspicion for rank in ranks if rank.suspicion), self._suspicion)
            for rank in ranks:
                rank.close()
            seconds = time.monotonic() - started - max((rank.newly_excused() for rank in ranks), default=0.0)
            self._check_left -= seconds
            self._left -= seconds

    def forbidden(self, task_id: str) -> Fault | None:
        """What the static look found against the rules of that task."""
        found = self.looked.findings.get(task_id)
        if found is None:
            return None
        sentence = forbidden_trap.sentence(found.technique)
        return Fault(Status.FORBIDDEN, clean(f"{sentence} (line {found.line} of {found.file}: `{found.text}`)."))

    @property
    def suspicion(self) -> Found | None:
        """Where the submission looked into its process, as far as its children have told; see `sandbox.witness`."""
        self._suspicion = next((child.suspicion for child in self._children.values() if child.suspicion), self._suspicion)
        return self._suspicion

    def fresh(self) -> None:
        """Close the children that answer the check, so that its next request meets a newly imported module."""
        self._suspicion = self.suspicion  # what they have told outlives them
        devices, _, by_hand = self._kind
        for kind in ((devices, False, by_hand), (devices, True, by_hand)):
            if kind in self._children:
                self._children.pop(kind).close()

    def close(self) -> None:
        """The submission is done."""
        self._suspicion = self.suspicion
        for child in self._children.values():
            child.close()
        self._children.clear()

    def _child(self, request: bytes | None = None) -> Child:
        """The child that the check wants, opened if there is none that is free; `ended` if its import failed."""
        self._suspicion = self.suspicion
        child = self._children.get(self._kind)
        if child is not None and child.ahead not in (None, request):
            child.close()
            child = None
        if child is None or child.ended is not None:
            began = time.monotonic()
            self._server.wait_until_ready()
            self._left += time.monotonic() - began  # after one that died another one has to start: no time of the submission's
            child = self._children[self._kind] = self._server.open(self._wanted)
            self.said = child.said
            if child.ended is None and self._spec.looked is None:
                self.looked = child.looked
                self._spec = replace(self._spec, looked=self.looked)
                self._wanted = replace(self._wanted, looked=self.looked)
        return child

    @property
    def _kind(self) -> tuple[int | None, bool, bool]:
        return self._wanted.devices, self._wanted.gpu, self._wanted.by_hand
