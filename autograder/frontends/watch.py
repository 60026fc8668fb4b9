"""Runs a topic's public checks at every save, from a process in which torch is warm."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.course import Topic
from autograder.errors import KitError
from autograder.sandbox import server_main

POLL_SECONDS = 0.1


def watch(topic: Topic) -> None:
    """Check now and after every save of a Python file in the topic's folder, until interrupted."""
    if not hasattr(os, "fork"):
        raise KitError("watching needs a system that can fork a process (Linux, macOS): run `autograder check` instead")
    server_main.warm(topic.warm)
    for _ in _saves(topic.exercise):
        started = time.monotonic()
        pid = os.fork()
        if pid == 0:  # a fresh process for each run: nothing of the last one is left in it
            os.chdir(topic.root)  # as `autograder check`: a `[` in pytest's arguments means something else
            # The plugin's modules are imported already, on purpose, which a kit that is not installed with -e is warned of.
            quiet = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
            folder = str(topic.exercise.relative_to(topic.root))
            os._exit(pytest.main(["-q", "--no-header", "-p", "no:cacheprovider", *quiet, folder]))
        os.waitpid(pid, 0)
        print(f"checked in {time.monotonic() - started:.2f} s; waiting for a save (Ctrl-C ends)", flush=True)  # noqa: T201


def _saves(folder: Path) -> Iterator[None]:
    """Yields at once, and whenever a Python file in the folder, or in one below it, has changed."""
    seen: dict[Path, tuple[int, ...]] = {}
    while True:
        now = dict(_states(folder))
        if now != seen:
            seen = now
            yield
        time.sleep(POLL_SECONDS)


def _states(folder: Path) -> Iterator[tuple[Path, tuple[int, ...]]]:
    """Each Python file with what a save changes: also one that keeps the time stamp is another file, or changes its inode."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        for path in (Path(parent, name) for name in names if name.endswith(".py")):
            with contextlib.suppress(OSError):  # it is being replaced
                state = path.stat()
                yield path, (state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino)
