"""Scratch folders: one for each grading, in it one for each child; nothing of them stays, whatever the children did."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "autograder-scratch-"
_YOUNG_SECONDS = 60.0  # a younger folder may belong to a grading that has not locked it yet


@contextlib.contextmanager
def locked_folder(mode: int = 0o700) -> Iterator[Path]:
    """A new folder for one grading, removed at the end.

    The kernel drops its lock even if this process is killed: then the next grading removes the folder, if not the process
    that started this one (`remove_left_by`).
    """
    remove_left()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    folder.chmod(mode)
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    finally:
        os.close(lock)
        remove(folder)


def remove_left() -> None:
    """Remove what gradings left of which nobody is alive."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        _remove_unlocked(left, _YOUNG_SECONDS)


def remove_left_by(pid: int) -> None:
    """Remove what a process left that was killed; call it when that one has ended."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}{pid}-*"):
        _remove_unlocked(left, 0.0)


def _remove_unlocked(folder: Path, young: float) -> None:
    with contextlib.suppress(OSError):  # locked by a grading that goes on, or just removed by another
        state = folder.lstat()
        if state.st_uid != os.getuid() or time.time() - state.st_mtime < young:
            return
        lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(folder)
        finally:
            os.close(lock)


def remove(folder: Path) -> None:
    """Remove a folder and all that is in it, also folders that forbid it or that are nested very deeply."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*command, str(folder)], check=False, stderr=subprocess.DEVNULL)  # noqa: S603  no shell


def size(folder: Path, enough: int) -> int:
    """Bytes of the files below `folder`, counted no further than `enough`; a file or a folder counts as 4096 bytes at least."""
    total = 0
    with contextlib.suppress(RecursionError):
        for parent, folders, names in os.walk(folder):
            for name in (*folders, *names):
                with contextlib.suppress(OSError):
                    total += max(os.lstat(os.path.join(parent, name)).st_blocks * 512, 4096)  # noqa: PTH118  hot
                if total > enough:
                    return total
    return total
