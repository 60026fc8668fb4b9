"""Marks that an author puts on a check."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def devices(count: int) -> pytest.MarkDecorator:
    """Run this check with `count` simulated CUDA devices.

        @devices(2)
        def test_parallelize__two(student: Student) -> None:
            \"\"\"wraps the network where two GPUs are visible\"\"\"

    With 0, the machine has none.
    """
    return pytest.mark.devices(count)


def conduct(check: Callable[..., object]) -> Callable[..., object]:
    """This check rests on what only the submission's own process can tell: who was called, where something lay.

    A check with `devices` does so in any case. A submission that looks into its process (frames, the collector, ctypes) gets
    no points for such checks until a person has looked.

        @conduct
        def test_accumulate__calls_backward_once(student: Student) -> None:
            \"\"\"calls backward once for each loss\"\"\"
    """
    marked: Callable[..., object] = pytest.mark.conduct(check)
    return marked
