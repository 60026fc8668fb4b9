"""Notices saves: an editor that writes in place, or puts a new file in the place of the old one, and a helper's too."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import watchfiles

from autograder.course import COURSE_FILE, Topic

STEP = 20  # milliseconds without a further change, after which a save is complete

State = dict[Path, tuple[int, ...]]


class Bell:
    """A descriptor that can be read once something in the exercises, or a file at the course's root, has changed."""

    def __init__(self, root: Path) -> None:
        self._heard, self._ring = os.pipe()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch, args=(root / "exercises", STEP, True), daemon=True),
            threading.Thread(target=self._watch, args=(root, 10 * STEP, False), daemon=True),  # course.yaml
        ]
        for thread in self._threads:
            thread.start()

    def fileno(self) -> int:
        """The descriptor."""
        return self._heard

    def take(self) -> None:
        """Read what has come."""
        os.read(self._heard, 1 << 10)

    def close(self) -> None:
        """End the threads that watch."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        os.close(self._heard)
        os.close(self._ring)

    def _watch(self, folder: Path, step: int, recursive: bool) -> None:  # noqa: FBT001  a thread's arguments
        for polling in (None, True):  # where the system's own notices cannot be had: too many are in use, a file system has none
            with contextlib.suppress(OSError, RuntimeError):
                for _ in watchfiles.watch(folder, step=step, debounce=10 * step, stop_event=self._stop, recursive=recursive,
                                          force_polling=polling, ignore_permission_denied=True):  # fmt: skip
                    os.write(self._ring, b"!")
            if self._stop.is_set():
                return


def seen(topic: Topic) -> State:
    """What a save of any file that matters to the topic changes."""
    found = dict(states(topic.exercise))
    for path in (topic.root / COURSE_FILE, *topic.exercise.glob("*.py")):  # a folder may have come in a module's place
        with contextlib.suppress(OSError):
            found[path] = _state(path)
    return found


def states(folder: Path) -> Iterator[tuple[Path, tuple[int, ...]]]:
    """Each Python file with what a save changes: also one that keeps the time stamp is another file, or changes its inode."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        for path in (Path(parent, name) for name in names if name.endswith(".py")):
            with contextlib.suppress(OSError):  # it is being replaced
                yield path, _state(path)


def _state(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
