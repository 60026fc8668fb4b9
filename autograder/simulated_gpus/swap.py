"""Replaces attributes of modules and classes, and puts every one back."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Swap(NamedTuple):
    """`owner.name` is `value` while the swap is in force."""

    owner: object
    name: str
    value: object


@contextlib.contextmanager
def swapped(swaps: Iterable[Swap]) -> Iterator[None]:
    """Put the swaps in force for the block, in order, and undo them in reverse order."""
    with contextlib.ExitStack() as undo:
        for owner, name, value in swaps:
            own = vars(owner)  # the raw entry: getattr would bind class attributes and find inherited ones
            if name in own:
                undo.callback(setattr, owner, name, own[name])
            else:
                undo.callback(delattr, owner, name)
            setattr(owner, name, value)
        yield
