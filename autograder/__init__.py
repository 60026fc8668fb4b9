"""Exercises in PyTorch that grade themselves. Here is what authors of suites use; all else is the kit's own.

    from autograder import Student, expect_close

    def test_slope__values(student: Student, rng: torch.Generator) -> None:
        \"\"\"gives the derivative of the square\"\"\"
        x = torch.randn(6, generator=rng)
        expect_close(student.call("slope", x), 2 * x.double(), "the slope")

Each name is imported when it is first asked for, so that `import autograder` alone costs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.checks.compare import (
        Mismatch,
        expect,
        expect_close,
        expect_dtype,
        expect_equal,
        expect_shape,
        expect_unchanged,
    )
    from autograder.checks.marks import conduct, devices
    from autograder.checks.reference import Case, Reference, expect_digits, strided
    from autograder.checks.student import PerRank, Student
    from autograder.course.mutants import Mutant
    from autograder.images.drawings import CLASSES
    from autograder.images.pretrained import Backbone, pretrained
    from autograder.images.training import Training
    from autograder.learner.forbidden_trap import uses_autograd
    from autograder.wire.values import Resident

_HOME = {
    "Backbone": "autograder.images.pretrained",
    "CLASSES": "autograder.images.drawings",
    "Case": "autograder.checks.reference",
    "Mismatch": "autograder.checks.compare",
    "Mutant": "autograder.course.mutants",
    "PerRank": "autograder.checks.student",
    "Reference": "autograder.checks.reference",
    "Resident": "autograder.wire.values",
    "Student": "autograder.checks.student",
    "Training": "autograder.images.training",
    "conduct": "autograder.checks.marks",
    "devices": "autograder.checks.marks",
    "expect": "autograder.checks.compare",
    "expect_close": "autograder.checks.compare",
    "expect_digits": "autograder.checks.reference",
    "expect_dtype": "autograder.checks.compare",
    "expect_equal": "autograder.checks.compare",
    "expect_shape": "autograder.checks.compare",
    "expect_unchanged": "autograder.checks.compare",
    "pretrained": "autograder.images.pretrained",
    "strided": "autograder.checks.reference",
    "uses_autograd": "autograder.learner.forbidden_trap",
}

__all__ = [
    "CLASSES",
    "Backbone",
    "Case",
    "Mismatch",
    "Mutant",
    "PerRank",
    "Reference",
    "Resident",
    "Student",
    "Training",
    "conduct",
    "devices",
    "expect",
    "expect_close",
    "expect_digits",
    "expect_dtype",
    "expect_equal",
    "expect_shape",
    "expect_unchanged",
    "pretrained",
    "strided",
    "uses_autograd",
]


def __getattr__(name: str) -> Any:
    """The public name, imported now (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'autograder' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
