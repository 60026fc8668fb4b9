"""One submission's children while it is graded: opened when needed, replaced when they end, all closed at the end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from autograder.errors import SandboxError
from autograder.grading.verdict_cache import Ask
from autograder.learner import forbidden_trap
from autograder.results import Fault, Status, StudentFault
from autograder.sandbox.child import Child, Order
from autograder.sandbox.server import Server
from autograder.text import clean


class Session:
    """Hands each check a way to ask the submission, under the check's limit and the submission's budget.

    Only the time that the submission takes counts, not the suite's own. `intact` is False once the sandbox has failed:
    what went wrong since then is no evidence against the submission.
    """

    def __init__(self, server: Server, order: Order) -> None:
        self._server, self._order = server, order
        self._children: dict[int | str | None, Child] = {}
        self._looked: dict[str, list[Any]] = {}
        self._check_limit = self._check_left = 0.0
        self._left = order.limits.total_seconds + order.limits.import_seconds
        self.intact = True

    def begin(self, seconds: float) -> None:
        """Start the clock of one check."""
        self._check_limit = self._check_left = seconds
        self.intact = True

    def asker(self, devices: int | None, *, gpu: bool = False) -> Ask:
        """A function from request frame to reply frame, answered by the child with that many devices: see Order.

        It also takes the requests that come next: see Child.ask.
        """

        def ask(frame: bytes, coming: Iterable[bytes]) -> bytes:
            if self._left <= 0:
                limit = self._order.limits.total_seconds
                raise StudentFault(Fault(Status.TIMEOUT, f"All checks together took longer than {limit:g} s."))
            started = asked = time.monotonic()
            try:
                child = self.child(devices, gpu=gpu, request=frame)  # its import has a limit of its own
                asked = time.monotonic()
                return child.ask(frame, self._check_left, self._check_limit, coming)
            except SandboxError:
                self.intact = False
                raise
            finally:
                now = time.monotonic()
                self._check_left -= now - asked
                self._left -= now - started

        return ask

    def ask_ranks(self, make_frames: Callable[[str], list[bytes]]) -> list[bytes]:
        """Replies of several processes that work together: each rank has a child of its own, all in one private network.

        `make_frames` gives each rank's request frame for the address at which they are to meet.
        """
        frames = make_frames(f"tcp://127.0.0.1:{20_000 + secrets.randbelow(20_000)}")
        started = time.monotonic()
        try:
            ranks = [self._server.open(replace(self._order, network=True)) for _ in frames]
            self._children.update({f"rank {number}": child for number, child in enumerate(ranks)})
            left = self._check_left
            waiting = [child.start(frame, left, self._check_limit) for child, frame in zip(ranks, frames, strict=True)]
            return [finish() for finish in waiting]
        except SandboxError:
            self.intact = False
            raise
        finally:
            for number in range(len(frames)):
                if child := self._children.pop(f"rank {number}", None):
                    child.close()
            self._check_left -= time.monotonic() - started
            self._left -= time.monotonic() - started

    def child(self, devices: int | None = None, *, gpu: bool = False, request: bytes | None = None) -> Child:
        """The child with that many devices, opened if there is none that is free; `ended` if its import failed."""
        name = f"gpu {devices}" if gpu else devices
        child = self._children.get(name)
        if child is not None and child.coming not in (None, request):
            child.close()
            child = None
        if child is None or child.ended is not None:
            child = self._children[name] = self._server.open(replace(self._order, devices=devices, gpu=gpu))
            self._looked = child.looked
        return child

    def forbidden(self, task_id: str) -> Fault | None:
        """What the static look found against the rules of that task."""
        found = self._looked.get(task_id)
        if found is None:
            return None
        file, line, text, technique = found
        return Fault(Status.FORBIDDEN, clean(f"{forbidden_trap.sentence(technique)} (line {line} of {file}: `{text}`)."))

    def close(self) -> None:
        """The submission is done."""
        self.fresh()

    def fresh(self) -> None:
        """Close all children, so that the next request meets a newly imported module."""
        for child in self._children.values():
            child.close()
        self._children.clear()
