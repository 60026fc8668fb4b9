"""Several processes of one module that work together, for a self-check: forked here, met through a file."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from autograder.learner.calls import serve
from autograder.learner.loading import LoadedModule
from autograder.results import Fault, Status, StudentFault


def ask_in_forks(loaded: LoadedModule, limit: int, seconds: float, make_requests: Callable[[str], list[bytes]]) -> list[bytes]:
    """The reply of each rank, a fork of this process; StudentFault if one gives none within `seconds`."""
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory(prefix="autograder-ranks-") as folder:
        frames = make_requests(f"file://{Path(folder) / 'store'}")
        pipes = [context.Pipe(duplex=False) for _ in frames]
        ranks = [
            context.Process(target=_answer, args=(loaded, limit, frame, sender))
            for frame, (_, sender) in zip(frames, pipes, strict=True)
        ]
        for rank in ranks:
            rank.start()
        for _, sender in pipes:
            sender.close()
        end = time.monotonic() + seconds
        try:
            return [_reply(receiver, end) for receiver, _ in pipes]
        finally:
            for rank in ranks:
                rank.kill()
                rank.join()


def _answer(loaded: LoadedModule, limit: int, frame: bytes, sender: Connection) -> None:
    torch.set_num_threads(1)  # more threads than one can hang in a fork
    sender.send_bytes(serve(loaded, frame, limit))


def _reply(receiver: Connection, end: float) -> bytes:
    try:
        if receiver.poll(max(end - time.monotonic(), 0.0)):
            return receiver.recv_bytes()
    except EOFError:
        raise StudentFault(Fault(Status.CRASHED, "One of the processes ended without an answer.")) from None
    raise StudentFault(Fault(Status.TIMEOUT, "The processes did not end in time: does one wait for another?"))
