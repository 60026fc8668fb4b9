"""Rounds of checks for `autograder watch`, each in a process of its own, forked from the warm one before the save.

What such a process does, and says, is in `watch_process`. Nothing of it is left in the next round. A loop that never ends is
interrupted there, where the line can be named; what does not let itself be interrupted is ended from here.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from typing import Any

from autograder.checks.judge import overdue
from autograder.course import Topic
from autograder.frontends.watch_process import serve
from autograder.results import CheckResult, Status, picture_of

GRACE = 5.0  # seconds beyond a limit, before what has not ended by itself is killed

Event = dict[str, Any]


class Rounds:
    """The process that is checking, and the one that waits for the next save."""

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self._waiting: _Process | None = None
        self._running: _Process | None = None
        self._left: list[str] = []  # tasks of this round that have no result yet
        self._at, self._since, self._limit = "", 0.0, 0.0

    def prepare(self) -> None:
        """Have a process ready for the next round."""
        self._waiting = self._waiting or _Process(self.topic)

    def begin(self, order: Sequence[str]) -> None:
        """Check these tasks from now on, one after the other; a round that is under way ends."""
        self.stop()
        self.prepare()
        self._running, self._waiting = self._waiting, None
        self._left, self._at, self._since, self._limit = list(order), "", time.monotonic(), self.topic.limits.import_seconds
        assert self._running is not None  # noqa: S101  for the type checker: prepare() has made it
        self._running.send(order)

    def fileno(self) -> int:
        """The descriptor from which the running process can be heard, or -1."""
        return self._running.hear if self._running else -1

    def seconds_left(self) -> float:
        """How long until the running process is ended by force."""
        return max(self._since + self._limit + GRACE - time.monotonic(), 0.0)

    def events(self) -> list[Event]:
        """What has happened: {"fault": text}, {"task": id, "checks": [CheckResult, …], "printed": text} or {"end": True}.

        Called once the descriptor is readable, or no seconds are left.
        """
        if self._running is None:
            return []
        heard = self._running.lines() if self.seconds_left() else None
        found = [event for line in heard or () for event in self._heard(json.loads(line))]
        if heard is None:
            found += self._lost(timeout=not self.seconds_left())
        if any("end" in event or "fault" in event for event in found):
            self.stop()
        return found

    def stop(self) -> None:
        """End the round that is under way, if there is one."""
        if self._running:
            self._running.kill()
        self._running = None

    def close(self) -> None:
        """End both processes."""
        self.stop()
        if self._waiting:
            self._waiting.kill()
        self._waiting = None

    def _heard(self, event: Event) -> Iterator[Event]:
        if "begin" in event:
            self._at, self._since, self._limit = event["begin"], time.monotonic(), event["seconds"]
            return
        if "task" in event:
            self._left.remove(event["task"])
            event["checks"] = [
                CheckResult(**{**check, "status": Status(check["status"]), "picture": picture_of(check["picture"])})
                for check in event["checks"]
            ]
        yield event

    def _lost(self, *, timeout: bool) -> list[Event]:
        """The running process has ended, or has to be ended: what is said of that; the tasks that are left are checked yet."""
        task, left, limit = self._at, [name for name in self._left if name != self._at], self._limit
        self.stop()
        result = overdue("", limit) if timeout else CheckResult(Status.CRASHED, message="Your code ended the whole process.")
        if not task:
            return [{"fault": f"{self.topic.module} cannot be imported: {result.message}"}]
        if left:
            self.begin(left)
        told: list[Event] = [{"task": task, "checks": [result], "printed": ""}]
        return told if left else [*told, {"end": True}]


class _Process:
    """A process that waits for its order; `hear` is the descriptor with what it says."""

    def __init__(self, topic: Topic) -> None:
        orders, self._tell = os.pipe()
        self.hear, said = os.pipe()
        self._rest = b""
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._tell)
            os.close(self.hear)
            serve(topic, orders, said)
        with contextlib.suppress(OSError):  # it has done so itself
            os.setpgid(self._pid, self._pid)
        os.close(orders)
        os.close(said)

    def send(self, order: Sequence[str]) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended: `lines` finds that out
            os.write(self._tell, json.dumps(order).encode() + b"\n")

    def lines(self) -> list[bytes] | None:
        """The lines that have come; None once there are no more."""
        part = os.read(self.hear, 1 << 16)
        *whole, self._rest = (self._rest + part).split(b"\n")
        return whole if part else None

    def kill(self) -> None:
        """End it, and whatever it has started."""
        for end in (os.killpg, os.kill):
            with contextlib.suppress(OSError):
                end(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._tell)
        os.close(self.hear)
