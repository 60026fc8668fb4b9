"""Several processes of one module that work together, for a self-check: forked here, met through a file."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch.distributed import distributed_c10d

from autograder.learner.calls import serve
from autograder.learner.loading import LoadedModule
from autograder.results import Fault, Status, StudentFault
from autograder.wire import values

_KEPT: list[Any] = []  # what each process group that this process joined hangs on


def ask_in_forks(loaded: LoadedModule, limit: int, seconds: float, make_requests: Callable[[str], list[bytes]]) -> list[bytes]:
    """The reply of each rank, a fork of this process; StudentFault if one gives none within `seconds`."""
    context = multiprocessing.get_context("fork")
    import_module("torch._dynamo.trace_rules")  # which each rank would import for itself, in a second or two
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


def keep_process_groups() -> None:
    """Let no process group be torn down in this process, though it counts as destroyed once it is.

    The destructor of a group joins gloo's threads. It may run while its thread holds the interpreter's lock, for which gloo's
    threads may wait: a DistributedDataParallel that outlives `destroy_process_group()`, as in PyTorch's own tutorial, stops
    the process at random. A group that is kept has no destructor, and a later one shares no name with it in their store.
    The process has to be left by `os._exit` or a signal.
    """
    home: Any = distributed_c10d
    make = home._new_process_group_helper

    def make_and_keep(size: int, rank: int, members: list[int], backend: Any, store: Any, *args: Any, **kwargs: Any) -> Any:
        own = home.PrefixStore(f"group {len(_KEPT)}", store)
        made = make(size, rank, members, backend, own, *args, **kwargs)
        _KEPT.append(made)
        return made

    # By whatever name a learner has imported init_process_group, it finds this one in its module.
    home._new_process_group_helper = make_and_keep


def look_for_the_first_at_once() -> None:
    """Let each rank find the first one's store as soon as it is there.

    A TCPStore that comes to its server too early is refused, and PyTorch has it wait for up to a second before it tries again.
    """
    home: Any = import_module("torch.distributed.rendezvous")  # the name in the package is a function's
    make = home._create_c10d_store

    def make_when_there(host: str, port: int, rank: int, size: int, timeout: timedelta, *args: Any, **kwargs: Any) -> Any:
        if rank:
            wait_for(host, port, timeout.total_seconds())
        return make(host, port, rank, size, timeout, *args, **kwargs)

    home._create_c10d_store = make_when_there


def wait_for(host: str, port: int, seconds: float) -> bool:
    """Wait until somebody listens there; whether it came to that in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection((host, port), 1.0):
            return True
        time.sleep(0.002)
    return False


def failed(reply: bytes) -> bool:
    """Whether a rank replied with a fault. It should end then, so that the others do not wait for it."""
    return "fault" in values.decode(reply)


def _answer(loaded: LoadedModule, limit: int, frame: bytes, sender: Connection) -> NoReturn:
    torch.set_num_threads(1)  # more threads than one can hang in a fork
    keep_process_groups()
    reply = serve(loaded, frame, limit)
    sender.send_bytes(reply)
    parent = multiprocessing.parent_process()
    if not failed(reply) and parent is not None:
        parent.join()  # not really: it stays, and its connections with it, until all ranks have replied and it is killed
    os._exit(0)


def _reply(receiver: Connection, end: float) -> bytes:
    try:
        if receiver.poll(max(end - time.monotonic(), 0.0)):
            return receiver.recv_bytes()
    except EOFError:
        raise StudentFault(Fault(Status.CRASHED, "One of the processes ended without an answer.")) from None
    raise StudentFault(Fault(Status.TIMEOUT, "The processes did not end in time: does one wait for another?"))
