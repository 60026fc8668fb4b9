"""One submission's children while it is being graded: opened when needed, replaced when they end, all closed at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from autograder.answer import Fault
from autograder.results import Status
from autograder.sandbox import Child, Order, Server
from autograder.student import StudentFault
from autograder.wire import clean


class Session:
    """Hands each check a way to ask the submission, under the check's deadline and the submission's budget."""

    def __init__(self, server: Server, order: Order) -> None:
        self._server, self._order = server, order
        self._children: dict[int | None, Child] = {}
        self._looked: dict[str, list[Any]] = {}
        self._check_ends = 0.0
        self._budget_ends = time.monotonic() + order.limits.total_seconds + order.limits.import_seconds

    def begin(self, seconds: float) -> None:
        """Start the clock of one check."""
        self._check_ends = time.monotonic() + seconds

    def asker(self, devices: int | None) -> Callable[[bytes], bytes]:
        """A function from request frame to reply frame, answered by the child with that many simulated devices."""

        def ask(frame: bytes) -> bytes:
            started = time.monotonic()
            if started > self._budget_ends:
                limit = self._order.limits.total_seconds
                raise StudentFault(Fault(Status.TIMEOUT, f"All checks together took longer than {limit:g} s."))
            child = self.child(devices)
            self._check_ends += time.monotonic() - started  # a new child's import has a limit of its own
            return child.ask(frame, self._check_ends - time.monotonic())

        return ask

    def child(self, devices: int | None = None) -> Child:
        """The living child with that many devices, opened if there is none; StudentFault if the import fails."""
        child = self._children.get(devices)
        if child is None or child.ended is not None:
            child = self._children[devices] = self._server.open(replace(self._order, devices=devices))
            self._looked = child.looked
        return child

    def forbidden(self, task_id: str) -> Fault | None:
        """What the static look found against the rules of that task."""
        found = self._looked.get(task_id)
        if found is None:
            return None
        file, line, text = found
        return Fault(Status.FORBIDDEN, clean(f"This task is done by hand, without autograd: line {line} of {file}: `{text}`."))

    def close(self) -> None:
        """The submission is done."""
        self.fresh()

    def fresh(self) -> None:
        """Close all children, so that the next request meets a newly imported module."""
        for child in self._children.values():
            child.close()
        self._children.clear()
