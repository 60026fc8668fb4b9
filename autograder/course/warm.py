"""What a topic needs imported before a submission's own time counts: it follows from its budgets and its checks."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable
from pathlib import Path

IMAGES = ("torchvision", "autograder.images.store")
# By a name in the topic's Python files. An optimizer's first step imports torch._dynamo, and simulated devices do: a server
# rehearses such a step in any case, but a self-check of a topic without one need not wait the 2 s.
BY_NAME = {
    "Backbone": ("autograder.images.pretrained",),
    "PIL": ("torchvision",),  # who is given pictures transforms them
    "devices": ("autograder.simulated_gpus", "torch._dynamo"),
    "optim": ("torch._dynamo",),
    "ranks": ("torch.distributed", "torch.nn.parallel.distributed", "torch.utils.data.distributed", "torch.distributed.optim"),
}


def modules(folders: Iterable[Path], *, trains: bool) -> list[str]:
    """The modules to import for checks in these folders, without running any line of them.

    A check names `devices` in its mark, `ranks` where it has several processes work together, and PIL where it makes pictures.
    What is missed, behind a helper from elsewhere for instance, is imported when it is first used, in the check's own time.
    """
    files = [path for folder in folders for path in folder.glob("*.py") if path.is_file()]
    names = frozenset().union(*(_names(path, path.stat().st_mtime_ns) for path in files))
    found = [*IMAGES] if trains else []
    for name, needed in BY_NAME.items():
        found += needed if name in names else ()
    return list(dict.fromkeys(found))


@functools.cache
def _names(path: Path, _changed: int) -> frozenset[str]:
    """Which of the names above the file's code mentions; none if it does not parse, as half-written work does not."""
    try:
        text = path.read_bytes()
        tree = ast.parse(text if any(name.encode() in text for name in BY_NAME) else b"")
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.alias):
            found.update(node.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            found.update((node.module or "").split("."))
    return frozenset(found & BY_NAME.keys())
