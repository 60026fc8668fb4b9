"""OUT belongs to one grading at a time, and can take what it will write: both are known before the work."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from autograder.errors import KitError
from autograder.feedback import record, roster_file
from autograder.files import NOT_WRITTEN, refusal, write_atomically
from autograder.grading import run_log

LOCK = ".lock"
_OF_A_START = (LOCK, record.NAME, "secret", run_log.NAME, roster_file.NAME)  # what is there before the first result is
_FIRST_BYTES, _BYTES_EACH = 1 << 20, 64 << 10  # the class's files; a result with its evidence and its page
_TRIAL = "." * 4096


@contextlib.contextmanager
def claimed(out: Path) -> Iterator[None]:
    """OUT for this process alone, made if it is not there; it vanishes again if no result has come into it.

    The kernel drops the lock of a process that has ended, however it ended.

    Raises:
        KitError: another grading is at work in it, or it cannot be written.
    """
    made = not out.exists()
    with refusal(out, NOT_WRITTEN):
        try:
            out.mkdir(parents=True, exist_ok=True)
            lock = _locked(out / LOCK)
        except BlockingIOError:
            raise KitError(f"{out}: another grading is at work in it: wait until it has ended, or give another OUT") from None
    try:
        yield
    finally:
        if made:
            _forget_start(out)
        os.close(lock)


def require_room(out: Path, count: int) -> None:
    """Make sure that `count` results can be written there; KitError if there are no rights, or no room.

    A place below OUT is tried as well if it is there.
    """
    with refusal(out, NOT_WRITTEN):
        out.mkdir(parents=True, exist_ok=True)
        for folder in (out, out / "results", out / "evidence"):
            if folder.is_dir():
                write_atomically(folder / ".trial", _TRIAL)
                (folder / ".trial").unlink()
        disk = os.statvfs(out)
    free, needed = disk.f_bavail * disk.f_frsize, _FIRST_BYTES + count * _BYTES_EACH
    if free < needed:
        raise KitError(f"{out}: there are {free / 2**20:.1f} MB free, and {count} results may need {needed / 2**20:.1f} MB: "
                       "make room, or give another OUT")  # fmt: skip


def _locked(path: Path) -> int:
    """A descriptor that holds the lock; BlockingIOError if another process does."""
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and path.stat().st_ino == os.fstat(lock).st_ino:
                return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)  # who held it has just removed the file


def _forget_start(out: Path) -> None:
    """Remove what a grading without any result has left."""
    with contextlib.suppress(OSError):
        if not any((out / "results").glob("*.json")) and not any(out.glob("*/results/*.json")):
            left = {path.name for path in out.iterdir()} - {*_OF_A_START, "results"}
            if not left:
                shutil.rmtree(out)
