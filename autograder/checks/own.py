"""Marks what a learner's own code made where a message shows it, so that it can be told from the suite's words."""

from __future__ import annotations

import re
from collections.abc import Callable

# Noncharacters of Unicode, which `text.clean` takes out of all that comes from elsewhere.
_BEGIN, _END = "\ufdd0", "\ufdd1"
_MARKED = re.compile(f"{_BEGIN}([^{_BEGIN}{_END}]*){_END}")


def marked(shown: str) -> str:
    """A cleaned value, or the name of its type, as part of a message."""
    return f"{_BEGIN}{shown}{_END}"


def shown(message: str, how: Callable[[str], str]) -> str:
    """The message with `how` of each part that is marked, and without the marks."""
    return _MARKED.sub(lambda found: how(found[1]), message)
