"""Marks that an author puts on a check."""

from __future__ import annotations

import pytest


def devices(count: int) -> pytest.MarkDecorator:
    """Run this check with `count` simulated CUDA devices; 0 is a machine without one.

    @devices(2)
    def test_parallelize__two(student: Student) -> None:
        \"\"\"wraps the network where two GPUs are visible\"\"\"
    """
    return pytest.mark.devices(count)
