"""The machine's own CUDA devices, as a submission's process sees them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from autograder.checks.student import Student
from autograder.course import Limits
from autograder.errors import KitError, SandboxError
from autograder.results import StudentFault
from autograder.sandbox.child_spec import ChildSpec
from autograder.sandbox.server import Server
from autograder.sandbox.session import Session

_SECONDS = 60.0  # the driver's first start takes long
_MODULE = b"""
import torch

def found(count):
    names = {torch.cuda.get_device_name(number) for number in range(count)}
    means = [torch.ones(8, 8, device=f"cuda:{number}").mm(torch.ones(8, 8).cuda(number)).mean().item() for number in range(count)]
    return " and ".join(sorted(names)), means
"""


@dataclass(frozen=True)
class Gpus:
    """`count` devices that a submission can use, and what they are called."""

    count: int = 0
    name: str = ""


def find(count: int) -> Gpus:
    """The machine's CUDA devices, proven by a computation on each in a process like a submission's.

    `count` is what torch counts in this process. KitError if there is none, or if they do not work there.
    """
    if not count:
        raise KitError("--device cuda: torch finds no CUDA device on this machine: see `autograder doctor`")
    limits = Limits(import_seconds=_SECONDS, check_seconds=_SECONDS)
    spec = ChildSpec({"gpus.py": _MODULE}, "gpus.py", (), limits)
    try:
        with Server() as server, closing(Session(server, spec)) as session:
            session.begin(_SECONDS, count, gpu=True)
            name, means = Student(session, b"").call("found", count)
    except (SandboxError, StudentFault) as error:
        raise KitError(f"--device cuda: no submission could use the CUDA devices of this machine: {error}") from None
    if means != [8.0] * count:
        raise KitError("--device cuda: the CUDA devices of this machine compute wrong results in a submission's process")
    return Gpus(count, str(name))
