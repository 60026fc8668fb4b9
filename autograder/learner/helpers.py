"""The helper modules beside a learner's module: found first by the learner's own files, as Python finds them beside a script.

Here most of the standard library is imported already, so that `import calendar` would never reach a `calendar.py` of theirs.
"""

from __future__ import annotations

import builtins
import importlib.machinery
import importlib.util
import os
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_FOUND: dict[Path, dict[str, types.ModuleType | None]] = {}  # folder → name of a helper → the helper, once imported


def come_first(folder: Path) -> None:
    """From now on, let imports in `folder` find helpers there that are named like a module of the standard library."""
    names = [path.stem for path in folder.glob("*.py") if _hidden(path.stem)]
    if names and not _FOUND:
        builtins.__import__ = _importing(builtins.__import__)
    if names or folder in _FOUND:
        _FOUND[folder] = dict.fromkeys(names)


def forget(folder: Path) -> None:
    """Make the next import of each module that lies in `folder` read its file again; test files keep theirs."""
    here = os.fspath(folder)
    for name, module in list(sys.modules.items()):
        file = str(getattr(module, "__file__", ""))
        if not file.startswith(here):  # nearly all of thousands, and quickly seen
            continue
        place, file = os.path.split(file)
        if place == here and not file.startswith(("test_", "conftest")):
            del sys.modules[name]


def _hidden(name: str) -> bool:
    """Whether a file of that name is hidden by the standard library here, but not for a script beside it."""
    return (
        name in sys.stdlib_module_names
        and name not in sys.builtin_module_names
        and importlib.machinery.FrozenImporter.find_spec(name) is None
    )


def _importing(original: Callable[..., types.ModuleType]) -> Callable[..., types.ModuleType]:
    def import_(
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002  Python's own name of it
        locals: Mapping[str, object] | None = None,  # noqa: A002  the same
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> types.ModuleType:
        folder = Path(str((globals or {}).get("__file__", "/"))).parent
        if level == 0 and name in _FOUND.get(folder, ()):
            return _helper(folder, name)
        return original(name, globals, locals, fromlist, level)

    return import_


def _helper(folder: Path, name: str) -> types.ModuleType:
    module = _FOUND[folder][name]
    if module is None:
        spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
        assert spec is not None and spec.loader is not None  # noqa: PT018, S101  for the type checker: it is a Python file
        module = _FOUND[folder][name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            _FOUND[folder][name] = None
            raise
    return module
