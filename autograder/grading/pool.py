"""Spreads items over several processes: each takes the next one when it is free, and one that dies takes none along."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from autograder.errors import KitError
from autograder.grading import interrupt
from autograder.sandbox import scratch
from autograder.sandbox.confinement import linux

Work = Callable[[Iterable[Any], Callable[[Any], None]], None]
Emit = Callable[[Any], Iterable[Any] | None]
END_SECONDS = 60.0  # a busy machine is slow to tidy up


@dataclass(frozen=True, eq=False)
class _Job:
    item: Any
    again: bool  # whether another worker may try if this one dies


def spread(work: Work, items: Sequence[Any], emit: Emit, count: int, kind: Callable[[Any], Any] = lambda _: None) -> list[Any]:
    """Run `work(items, emit)` in `count` processes, which share the items; it must emit once an item, in order.

    Args:
        work: a picklable function.
        items: what the processes share, the first ones first.
        emit: gets what the processes emit, in this process; may give further items.
        count: how many processes.
        kind: of an item. A process keeps to one kind while there are items of it, and then turns to one that no other is at.

    Returns:
        The items that two processes died of.

    Raises:
        KitError: `work` raised it.
    """
    waiting = [_Job(item, again=True) for item in items]
    at_work: dict[Connection, _Job] = {}
    lost: list[Any] = []
    with contextlib.ExitStack() as stack:
        idle = {stack.enter_context(worker(work)): None for _ in range(count)}  # each with the kind that it was at
        while waiting or at_work:
            while waiting and len(at_work) < count:
                connection = next(iter(idle), None) or stack.enter_context(worker(work))
                taken = {kind(other.item) for other in at_work.values()}
                job = _next(waiting, kind, idle.pop(connection, None), taken)
                waiting.remove(job)
                at_work[connection] = job
                with contextlib.suppress(OSError):  # it has just died: its end of the connection will say so
                    connection.send(job.item)
            speaking = wait(list(at_work))
            for connection in [connection for connection in at_work if connection in speaking]:
                job = at_work.pop(connection)
                try:
                    answer = connection.recv()
                except (EOFError, OSError):
                    waiting.extend([_Job(job.item, again=False)] if job.again else [])
                    lost += [] if job.again else [job.item]
                    continue
                if isinstance(answer, KitError):
                    raise answer
                idle[connection] = kind(job.item)
                waiting.extend(_Job(further, again=True) for further in emit(answer) or ())
    return lost


def _next(waiting: Sequence[_Job], kind: Callable[[Any], Any], own: Any, taken: Collection[Any]) -> _Job:
    """The first one of its own kind, else of a kind that no other process is at, else of all."""
    for wanted in (lambda of: of == own, lambda of: of not in taken):
        for job in waiting:
            if wanted(kind(job.item)):
                return job
    return waiting[0]


@contextlib.contextmanager
def worker(work: Work) -> Iterator[Connection]:
    """A process that runs `work` on the items that are sent to it until None comes, and sends back what it emits.

    It may be started in any thread and in a process that may have no children of multiprocessing's. It ends with the
    block, and with the thread that started it.
    """
    mine, theirs = multiprocessing.Pipe()
    with theirs:
        command = [sys.executable, "-P", "-m", "autograder.grading.pool", str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()])  # noqa: S603  this module
    finished = False
    try:
        with contextlib.suppress(OSError):  # as above
            mine.send(work)
        yield mine
        finished = True
    finally:
        with contextlib.suppress(OSError):  # as above
            mine.send(None)
        mine.close()
        for end, patience in ((None, END_SECONDS if finished else 0.0), (process.terminate, END_SECONDS), (process.kill, None)):
            if end:
                end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)
                break
        scratch.remove_left_by(process.pid)  # if it was killed


def _serve(connection: Connection) -> None:
    if sys.platform == "linux":
        linux.die_with_parent(signal.SIGTERM)  # so that it can tidy up
    interrupt.only_once()
    with contextlib.suppress(KeyboardInterrupt, EOFError, BrokenPipeError, ConnectionResetError):
        try:
            connection.recv()(iter(connection.recv, None), connection.send)
        except KitError as error:
            connection.send(error)
        finally:
            interrupt.no_more()


if __name__ == "__main__":
    _serve(Connection(int(sys.argv[1])))
