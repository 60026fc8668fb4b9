"""Imports that a check may need and should not pay for: while they run, the clock of its time limit stands still."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import signal
import sys
import types
import warnings
from collections.abc import Collection, Iterator, Sequence

POSSIBLE = hasattr(signal, "setitimer")  # the clock by which pytest-timeout stops a check, but on Windows


class Unhurried(importlib.abc.MetaPathFinder):
    """Finds some modules as Python does, and stops the clock while one of them is being executed."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module's own spec, whose loader does not count."""
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target) if fullname in self._names else None
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def exec_module(module: types.ModuleType) -> None:
            with _clock_stopped():
                run(module)

        setattr(spec.loader, "exec_module", exec_module)  # noqa: B010  a type checker forbids the assignment
        return spec


@contextlib.contextmanager
def unhurried(names: Collection[str]) -> Iterator[None]:
    """In the block, the first import of each of these modules costs no check its time."""
    finder = Unhurried(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@contextlib.contextmanager
def _clock_stopped() -> Iterator[None]:
    left, again = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, again)
