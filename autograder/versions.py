"""Whether the installed torch and torchvision are of the versions that the kit has been tried with: its own requirements."""

from __future__ import annotations

import platform
from importlib import metadata

from packaging.requirements import Requirement

KIT = "blitz-autograder"
_TRIED = ("torch", "torchvision")


def untried() -> str:
    """A sentence that names the packages beyond the range and the range, or ""."""
    found = []
    for text in metadata.requires(KIT) or ():
        wanted = Requirement(text)
        if wanted.name not in _TRIED:
            continue
        installed = metadata.version(wanted.name)
        if not wanted.specifier.contains(installed, prereleases=True):
            found.append(f"{wanted.name} {installed} is not in {','.join(sorted(map(str, wanted.specifier), reverse=True))}")
    if not found:
        return ""
    return f"this kit has not been tried with the versions that are installed: {'; '.join(found)}"


def told() -> str:
    """The kit's version, and what it runs with."""
    found = ", ".join(f"{name} {metadata.version(name)}" for name in _TRIED)
    return f"autograder {metadata.version(KIT)} ({found}, Python {platform.python_version()})"
