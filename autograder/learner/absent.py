"""A learner's imports of what is not installed: packages that only show something stand still, others fail where they are used.

So a package that one task needs, or none, leaves the other tasks theirs. Only the learner's own files get such a module, and
only where their code is not ready for its absence (`try: import pandas`).
"""

from __future__ import annotations

import ast
import functools
import importlib.abc
import importlib.machinery
import importlib.util
import linecache
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from autograder.learner import helpers, undrawn

_IMPORT_SYSTEM = ("<frozen importlib._bootstrap", __file__, helpers.__file__)

_FRONT_END = ("IPython", "ipywidgets")  # no module is checked in one, and importing them takes seconds


class _Undrawn(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return undrawn.attribute(name)


class _Missing(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Unavailable(self.__name__.partition(".")[0])


class _Unavailable:
    """What was imported from a package that is not there: any use of it raises."""

    def __init__(self, package: str) -> None:
        self._package = package

    def _use(self, *_: object) -> NoReturn:
        raise ModuleNotFoundError(f"No module named {self._package!r}", name=self._package)

    __call__ = __getitem__ = __iter__ = __len__ = __enter__ = __mro_entries__ = __add__ = __radd__ = __mul__ = __rmul__ = _use

    def __or__(self, _: object) -> _Unavailable:  # in an annotation
        return self

    __ror__ = __or__

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self._use()


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds what the learner's own files import: asked last, or, for what belongs to a notebook's front end, first."""

    def __init__(self, folders: set[Path], *, first: bool) -> None:
        self._folders, self._first = folders, first

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        package = name.partition(".")[0]
        if (package in _FRONT_END) != self._first or not _by_learner(self._folders):
            return None
        if package != name and not isinstance(sys.modules.get(package), _Undrawn | _Missing):
            return None  # a package that is there has no such part
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        shows = spec.name.partition(".")[0] in undrawn.PACKAGES
        return (_Undrawn if shows else _Missing)(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


_FOLDERS: set[Path] = set()


def stand_in(folder: Path) -> None:
    """From now on, let the files in `folder` import what is not installed."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):  # not yet, or somebody has put the old ones back
        sys.meta_path.insert(0, _Finder(_FOLDERS, first=True))
        sys.meta_path.append(_Finder(_FOLDERS, first=False))
    _FOLDERS.add(folder)
    if importlib.util.find_spec("tensorboard") is None:
        sys.modules.setdefault("torch.utils.tensorboard", _Undrawn("torch.utils.tensorboard"))


def _owns(folders: set[Path], file: str) -> bool:
    path = Path(file)
    return not folders.isdisjoint(path.parents) and not path.name.startswith(("test_", "conftest"))


def _by_learner(folders: set[Path]) -> bool:
    """Whether the import that is under way stands in a learner's file, outside any `try` and `with`."""
    frame: types.FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(_IMPORT_SYSTEM):
        frame = frame.f_back
    if frame is None or not _owns(folders, frame.f_code.co_filename):
        return False
    while frame is not None:  # a helper may be imported inside the `try` of another file
        file = frame.f_code.co_filename
        if _owns(folders, file) and frame.f_lineno in _guarded("".join(linecache.getlines(file))):
            return False
        frame = frame.f_back
    return True


@functools.lru_cache(maxsize=64)
def _guarded(source: str) -> frozenset[int]:
    """The lines inside a `try` that has handlers, or inside a `with`."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    guards = [node for node in ast.walk(tree) if isinstance(node, ast.With) or (isinstance(node, ast.Try) and node.handlers)]
    return frozenset(line for guard in guards for node in guard.body for line in range(node.lineno, (node.end_lineno or 0) + 1))
