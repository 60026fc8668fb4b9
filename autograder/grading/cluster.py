"""Grades over a cluster: Dask's scheduler hands each submission to a worker that is free, as `pool` does on one machine.

A worker of Dask's only holds what the grading needs, and a process for each of its threads, like those of `pool`: there the
course's files are laid out, and there the same function grades. Nothing is taken for shared. What travels holds the
grading's secret, so every machine of the cluster is trusted with it.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import pickle
import queue
import threading
import time
import uuid
import warnings
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from autograder.course import COURSE_FILE
from autograder.errors import KitError
from autograder.grading import digest, pool
from autograder.submission.handed_in import Submission
from autograder.text import one_line

if TYPE_CHECKING:
    from distributed import Client, Future

    from autograder.grading.grade import Emit, Plan
    from autograder.results import Report

# What imports torch is imported where it is used: Dask's scheduler and workers import this module too.

WAIT_SECONDS = 60.0  # without any worker: then there may never be one
POLL_SECONDS = 1.0
_AHEAD = 2  # submissions given to the cluster, for each of its threads: the next one is there when one is done
_TRIES = 2  # processes that a submission may end before it is given up


@dataclass(frozen=True)
class _Cargo:
    """What a grading's workers need; the course's files by their path below its root, the images as `store.load` reads them."""

    plan: Plan
    files: Mapping[str, bytes]
    images: bytes = b""


def grade(plan: Plan, submissions: Sequence[Submission], emit: Emit, address: str) -> None:
    """Grade every submission on the cluster whose scheduler is at `address`; `emit` gets each Report, in this thread.

    `plan.isolation` is the least confinement to accept; each report says which one it had.

    Raises:
        KitError: the cluster cannot be used, or a worker of it has other versions, or not that confinement.
    """
    from autograder.grading.grade import given_up  # noqa: PLC0415

    with _connected(address) as client:
        for submission, report in _graded(client, _bundle(plan), submissions, address):
            emit(report or given_up(plan, submission))


def _bundle(plan: Plan) -> Bundle:
    root = plan.topic.root
    files = {str(path.relative_to(root)): path.read_bytes() for path in (root / COURSE_FILE, *digest.deciding(plan.topic))}
    return Bundle(digest.versions(), pickle.dumps(_Cargo(plan, files, plan.training.packed() if plan.training else b"")))


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Client]:
    try:
        import distributed  # noqa: PLC0415
    except ImportError:
        raise KitError("--cluster needs Dask, which is not installed: pip install 'blitz-autograder[cluster]'") from None
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] == "distributed":  # what goes wrong is said here, in one line
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Dask's own versions: those that decide a result are compared by the workers
            client = distributed.Client(address, set_as_default=False)
    except Exception as error:  # noqa: BLE001  whatever an address, a network or certificates can make of it
        raise KitError(f"--cluster {address}: no Dask scheduler can be reached there: {one_line(error)}") from None
    try:
        yield client
    finally:
        client.close()


def _graded(
    client: Client, bundle: Bundle, submissions: Sequence[Submission], address: str
) -> Iterator[tuple[Submission, Report | None]]:
    """Each submission with its report, in the order in which they are done; None for one that several workers died of."""
    run, waiting, at_work, done = uuid.uuid4().hex, deque(submissions), dict[str, Submission](), queue.SimpleQueue[Any]()
    kept = _sent(client, _itself, bundle, key=f"autograder-{run}")
    seen = time.monotonic()
    with _lost_is_said(address):
        while waiting or at_work:
            threads = sum(client.nthreads().values())
            seen = time.monotonic() if threads else seen
            if time.monotonic() - seen > WAIT_SECONDS:
                raise KitError(f"--cluster {address}: there has been no worker for {WAIT_SECONDS:.0f} seconds: start some "
                               "that have this package; what is graded is kept, and the same command goes on")  # fmt: skip
            while waiting and len(at_work) < _AHEAD * max(threads, 1):
                submission = waiting.popleft()
                key = f"autograder-{run}-{len(submissions) - len(waiting)}"
                at_work[key] = submission
                _sent(client, grade_there, kept, pickle.dumps(submission), key=key).add_done_callback(done.put)
            with contextlib.suppress(queue.Empty):
                future = done.get(timeout=POLL_SECONDS)
                yield at_work.pop(future.key), _outcome(future)


def _sent(client: Client, function: Any, *arguments: Any, key: str) -> Future[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of images in it, which are as large as they are
        return client.submit(function, *arguments, key=key, pure=False)


@contextlib.contextmanager
def _lost_is_said(address: str) -> Iterator[None]:
    try:
        yield
    except (CancelledError, OSError, TimeoutError) as error:
        raise KitError(f"--cluster {address}: the scheduler is gone ({type(error).__name__}): start it anew; "
                       "what is graded is kept, and the same command goes on") from None  # fmt: skip


def _outcome(future: Future[Any]) -> Report | None:
    from distributed import KilledWorker  # noqa: PLC0415

    try:
        found: Report | KitError | None = future.result(timeout=WAIT_SECONDS)
    except KilledWorker:
        return None
    except (CancelledError, OSError, TimeoutError):
        raise
    except Exception as error:  # noqa: BLE001  before it came to a grading: Dask's, or a kit that a machine has not got
        raise KitError(f"a machine of the cluster cannot grade: {type(error).__name__}: {one_line(error)}") from None
    if isinstance(found, KitError):
        raise found
    return found


# From here on: on the workers.


class Bundle:
    """What all submissions of a grading need on a worker, and the processes there that have it: they end with it.

    Args:
        versions: of `digest.versions` where the grading was begun.
        content: a pickled _Cargo, which only a process with the same versions opens.
    """

    def __init__(self, versions: Mapping[str, str], content: bytes) -> None:
        self._versions, self._content = versions, content
        self._idle = queue.SimpleQueue[Connection]()
        self._over = threading.Event()
        weakref.finalize(self, self._over.set)

    def __reduce__(self) -> tuple[Any, ...]:
        return Bundle, (self._versions, self._content)

    def grade(self, submission: bytes) -> Report | KitError | None:
        """The report of a pickled submission, or why this worker cannot have any; None if it ended several processes."""
        for _ in range(_TRIES):
            try:
                process = self._idle.get_nowait()
            except queue.Empty:
                process = self._started()
            with contextlib.suppress(EOFError, OSError):
                process.send(submission)
                found: Report | KitError = process.recv()
                if not isinstance(found, KitError):
                    self._idle.put(process)
                return found
        return None

    def _started(self) -> Connection:
        work = functools.partial(_grade_unpacked, self._versions, self._content)
        begun = queue.SimpleQueue[Connection | BaseException]()
        threading.Thread(target=_hold, args=(work, begun.put, self._over), daemon=True).start()
        process = begun.get()
        if isinstance(process, BaseException):
            raise process
        return process


def _hold(work: pool.Work, begun: Any, over: threading.Event) -> None:
    """Start a process and hold it until `over`: it would end with a thread of Dask's, which ends when Dask likes."""
    try:
        with pool.worker(work) as process:
            begun(process)
            over.wait()
    except BaseException as error:  # noqa: BLE001  for who waits for it
        begun(error)


def _itself(bundle: Bundle) -> Bundle:
    """A task, so that Dask makes it again where the only worker that had it is lost."""
    return bundle


def grade_there(bundle: Bundle, submission: bytes) -> Report | KitError | None:
    """The same as `bundle.grade`; a task of Dask's, which tells of what is raised with all arguments, so nothing is."""
    from distributed import get_worker  # noqa: PLC0415

    try:
        found = bundle.grade(submission)
    except Exception as error:  # noqa: BLE001  the machine's: no memory for a process, no room for files
        found = KitError(f"{type(error).__name__}: {one_line(error)}")
    return KitError(f"worker {get_worker().address}: {found}") if isinstance(found, KitError) else found


def _grade_unpacked(versions: Mapping[str, str], content: bytes, submissions: Iterable[bytes], emit: Emit) -> None:
    """`grade.grade_here` in a process of a worker, with a copy of the course that is there as long as the process."""
    here = digest.versions()
    if unlike := [name for name in versions if versions[name] != here[name]]:
        found = ", ".join(f"{name} {here[name]} in the place of {versions[name]}" for name in unlike)
        raise KitError(f"it has other versions than this machine: {found}")
    from autograder.grading import grade as grading  # noqa: PLC0415
    from autograder.grading import isolation  # noqa: PLC0415
    from autograder.sandbox import scratch  # noqa: PLC0415

    cargo: _Cargo = pickle.loads(content)  # noqa: S301  from the grading, whose secret is in it
    with scratch.locked_folder() as folder:
        for name, data in cargo.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        plan = replace(cargo.plan, topic=replace(cargo.plan.topic, root=folder), isolation=isolation.here(cargo.plan.isolation))
        if plan.training:
            plan = replace(plan, training=plan.training.unpacked(cargo.images, folder / "images.pt"))
        grading.grade_here(plan, map(pickle.loads, submissions), emit)
