"""Runs a topic's public checks at every save, from a process in which torch is warm."""

from __future__ import annotations

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
            os._exit(pytest.main(["-q", "--no-header", "-p", "no:cacheprovider", str(topic.exercise)]))
        os.waitpid(pid, 0)
        print(f"checked in {time.monotonic() - started:.2f} s; waiting for a save (Ctrl-C ends)", flush=True)  # noqa: T201


def _saves(folder: Path) -> Iterator[None]:
    """Yields at once, and whenever a Python file in the folder has changed."""
    seen: dict[Path, int] = {}
    while True:
        now = {path: path.stat().st_mtime_ns for path in folder.glob("*.py") if path.exists()}
        if now != seen:
            seen = now
            yield
        time.sleep(POLL_SECONDS)
