"""Spreads items over several processes: each takes the next one when it is free, and one that dies takes none along."""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from autograder.errors import KitError
from autograder.grading import interrupt
from autograder.sandbox.confinement import linux

Work = Callable[[Iterable[Any], Callable[[Any], None]], None]
END_SECONDS = 10.0


@dataclass(frozen=True)
class _Worker:
    process: BaseProcess
    connection: Connection


@dataclass(frozen=True)
class _Job:
    item: Any
    again: bool  # whether another worker may try if this one dies


def spread(work: Work, items: Sequence[Any], emit: Callable[[Any], None], count: int) -> list[Any]:
    """Run `work(items, emit)` in `count` processes, which share the items; it must emit once an item, in order.

    Args:
        work: a picklable function.
        items: what the processes share.
        emit: gets what the processes emit, in this process.
        count: how many processes.

    Returns:
        The items that two processes died of.

    Raises:
        KitError: `work` raised it.
    """
    waiting = deque(_Job(item, again=True) for item in items)
    at_work: dict[Connection, tuple[_Worker, _Job]] = {}
    lost: list[Any] = []
    with contextlib.ExitStack() as stack:

        def hand_out(worker: _Worker) -> None:
            job = waiting.popleft() if waiting else None
            with contextlib.suppress(OSError):  # it has just died: its end of the connection will say so
                worker.connection.send(job.item if job else None)
            if job:
                at_work[worker.connection] = worker, job

        while waiting or at_work:
            while waiting and len(at_work) < count:
                hand_out(stack.enter_context(_worker(work)))
            speaking = wait(list(at_work))
            for connection in [connection for connection in at_work if connection in speaking]:
                worker, job = at_work.pop(connection)
                try:
                    answer = worker.connection.recv()
                except (EOFError, OSError):
                    waiting.extend([_Job(job.item, again=False)] if job.again else [])
                    lost += [] if job.again else [job.item]
                    continue
                if isinstance(answer, KitError):
                    raise answer
                emit(answer)
                hand_out(worker)
    return lost


@contextlib.contextmanager
def _worker(work: Work) -> Iterator[_Worker]:
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(work, theirs))
    process.start()
    theirs.close()
    finished = False
    try:
        yield _Worker(process, mine)
        finished = True
    finally:
        mine.close()
        process.join(END_SECONDS if finished else 0)
        process.terminate()
        process.join(END_SECONDS)
        process.kill()
        process.join()


def _serve(work: Work, connection: Connection) -> None:
    if sys.platform == "linux":
        linux.die_with_parent()
    interrupt.only_once()
    with contextlib.suppress(KeyboardInterrupt, EOFError, BrokenPipeError, ConnectionResetError):
        try:
            work(iter(connection.recv, None), connection.send)
        except KitError as error:
            connection.send(error)
