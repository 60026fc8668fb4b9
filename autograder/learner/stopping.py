"""Stops a learner's code in this process when its time is over, also where a bare `except:` catches what stops it.

What stops it is raised where the code stands, mostly inside the `try` of such a loop. So the next line of the learner's that
is run raises it too: that is the `except` block, which is outside of that `try`. Code that catches both is stopped again each
second, for as long as it is at work.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from autograder.learner.explain import is_learners


class OutOfTimeError(BaseException):
    """Raised inside the learner's code, whose `except Exception` is not to catch it."""


class Stopper:
    """A clock that raises in the code of a folder, in the main thread.

    Args:
        folder: of the learner's files.
        error: makes what is raised.
        paused: whether it is to wait, for a debugger.

    Attributes:
        raised: what was raised first; None as long as there is time.
    """

    def __init__(
        self, folder: Path, error: Callable[[], BaseException] = OutOfTimeError, paused: Callable[[], bool] = lambda: False
    ) -> None:
        self._folder, self._error, self._paused = folder, error, paused
        self.raised: BaseException | None = None
        self._before: Any = None  # the handler of the signal
        self._tracing: Any = None  # what traced the process before

    def start(self, seconds: float) -> None:
        """Stop the code in so many seconds."""
        self._before = signal.signal(signal.SIGALRM, self._stop)
        signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)

    def end(self) -> None:
        """Let it be."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)
        if self.raised is not None:
            sys.settrace(self._tracing)

    def _stop(self, _: int, frame: FrameType | None) -> None:
        if self._paused():
            return
        own = [each for each, _ in traceback.walk_stack(frame) if is_learners(each.f_code.co_filename, self._folder)]
        if self.raised is not None and not own:  # it has come to the kit already
            return
        error = self._error()
        if self.raised is None:
            self._tracing, self.raised = sys.gettrace(), error
        for each in own:
            each.f_trace = self._raise_again
        sys.settrace(_no_more)  # without any, Python asks no frame for its own
        raise error

    def _raise_again(self, _: FrameType, event: str, __: object) -> Any:
        if event == "line":
            raise self._error()
        return self._raise_again


def _no_more(*_: object) -> None:
    """Trace no frame that begins from now on."""


@contextlib.contextmanager
def stopped_after(seconds: float, folder: Path, error: Callable[[], BaseException] = OutOfTimeError) -> Iterator[None]:
    """Raise `error()` in the block after so many seconds; at its end if the block has caught it."""
    stopper = Stopper(folder, error)
    stopper.start(seconds)
    try:
        yield
    except BaseException:
        if stopper.raised is None:
            raise
    finally:
        stopper.end()
    if stopper.raised is not None:
        raise stopper.raised
