"""A limit on the grader's own time: no value that a submission returns may keep the grader busy.

What counts is the processor time of this process: neither a busy machine nor the wait for a submission, which has limits of
its own, costs anybody anything.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_PART = 1 / 3  # of a submission's time, for one check: what it returns there leaves the others some

_end = math.inf  # of what is allowed now, on the clock of time.process_time
_given_up = 0  # how often that was over


class OutOfTime(Exception):
    """The grader's own code has taken too long."""


class Clock:
    """The grader's time for one submission, in seconds of its processor.

    Attributes:
        left: what is left of it.
        over: whether the last block of `limited` took more than it might.
    """

    def __init__(self, seconds: float) -> None:
        self._each = seconds * _PART
        self.left, self.over = seconds, False

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Count the block's time; its `interruptible` parts end by OutOfTime."""
        most, started, before = min(self._each, self.left), time.process_time(), _given_up
        try:
            with allowed(most):
                yield
        finally:
            used = time.process_time() - started
            self.left, self.over = self.left - used, used >= most or _given_up > before


@contextmanager
def allowed(seconds: float) -> Iterator[None]:
    """Allow the `interruptible` parts of the block that much time altogether."""
    global _end  # noqa: PLW0603  there is one timer in a process, too
    before, _end = _end, min(_end, time.process_time() + seconds)
    try:
        yield
    finally:
        _end = before


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise OutOfTime in the block as soon as no time is left of what is allowed.

    Does nothing outside the main thread and on Windows, where Python offers no timer that could interrupt it.
    """
    if _end == math.inf or threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGPROF, _give_up)
    signal.setitimer(signal.ITIMER_PROF, max(_end - time.process_time(), 1e-6))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _give_up(_: int, __: FrameType | None) -> NoReturn:
    global _given_up  # noqa: PLW0603  as above
    _given_up += 1
    raise OutOfTime("it took too long")
