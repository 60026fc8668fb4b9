"""How a process that grades for another one ends early: once, and then undisturbed."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType


def only_once() -> None:
    """Have the first SIGINT or SIGTERM raise KeyboardInterrupt, and none that follows.

    Ctrl-C reaches every process of a terminal, and the one that gave the work then ends its helpers too: a second
    KeyboardInterrupt would come while the first is tidying up, and a scratch folder would stay.
    """

    def first(_number: int, _frame: FrameType | None) -> None:
        no_more()
        raise KeyboardInterrupt

    _handle(first)


def no_more() -> None:
    """Have no SIGINT or SIGTERM do anything: this process is about to end."""
    _handle(lambda *_: None)  # not SIG_IGN, which the programs that help to tidy up would inherit


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)
