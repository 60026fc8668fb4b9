"""How a submission's process ended, and what to tell the learner about it."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from autograder.results import Fault, Status
from autograder.wire import frames

_SIGNALS = {
    signal.SIGKILL: "it was stopped by the system, as happens when memory runs out. Smaller or fewer tensors need less",
    signal.SIGSEGV: "it crashed Python itself (segmentation fault), as a recursion without end or ctypes can",
    signal.SIGABRT: "a library stopped it (abort), as happens when memory runs out in the middle of an operation",
    signal.SIGBUS: "it used memory that is not there (bus error)",
    signal.SIGFPE: "an arithmetic error in compiled code stopped it",
    signal.SIGSYS: "it asked the system for something that graded code may not do",
    signal.SIGXFSZ: "it wrote a file larger than allowed",
}


@dataclass(frozen=True)
class Ended:
    """How a process ended: its wait status, and whether it had to be killed."""

    status: int
    killed: bool


def cause_of_death(ended: Ended) -> Fault:
    """What to tell the learner about a process that ended, or that had to be killed after it closed its channel."""
    if ended.killed:
        return Fault(Status.ERROR, "The code closed the connection to the grader.", "Violation")
    if os.WIFSIGNALED(ended.status):
        number = os.WTERMSIG(ended.status)
        if number == signal.SIGXCPU:
            return Fault(Status.TIMEOUT, "The code used up its processor time: is there a loop that never ends?")
        reason = _SIGNALS.get(signal.Signals(number) if number in set(signal.Signals) else signal.SIGHUP, "")
        return Fault(Status.CRASHED, f"The code ended its process: {reason or f'it sent itself signal {number}'}.")
    code = os.WEXITSTATUS(ended.status)
    if code == frames.DAMAGED:
        text = "The code left its process unable to answer, as happens when memory or open files run out."
        return Fault(Status.CRASHED, text)
    return Fault(Status.CRASHED, f"The code ended its process with exit code {code}: remove os._exit() or exit().")
