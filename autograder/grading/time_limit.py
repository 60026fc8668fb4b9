"""A limit on the grader's own time in one check: no value that a submission returns may keep the grader busy for ever."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class OutOfTime(Exception):
    """The suite's own code has taken too long."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the block after that much time, not counting what passes in `paused` blocks.

    Does nothing outside the main thread and on Windows, where Python offers no timer that could interrupt it.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _give_up(_: int, __: FrameType | None) -> NoReturn:
    raise OutOfTime("it took too long")


@contextmanager
def paused() -> Iterator[None]:
    """Stop the clock of `limited`, if one runs, for the duration of the block."""
    left = signal.setitimer(signal.ITIMER_REAL, 0)[0] if hasattr(signal, "setitimer") else 0.0
    try:
        yield
    finally:
        if left:
            signal.setitimer(signal.ITIMER_REAL, left)
