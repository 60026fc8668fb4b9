"""A probe travels with all that it names, and what cannot travel is refused while it is packed, with its name."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from autograder import Student
from autograder.checks.probes import ProbeError, probe_source
from autograder.learner.in_process import InProcess

SIZES = (2, (3, 4), "x", None, float("inf"), torch.float32)
LIST = [1, 2]
DICT = {"a": 1}
TENSOR = torch.ones(2)
MIXED = (1, torch.ones(2))
FUNCTION = torch.nn.functional.relu
Alias = nn.Linear


class Counter:
    """A class that a probe may bring along."""

    start = SIZES[0]

    def __init__(self) -> None:
        self.count = self.start


def helper(x: Unknown) -> Unknown:
    return [FUNCTION(x), Counter().count]


Unknown = Callable[[int], int]  # a type that only the author's tools know


def uses_everything(module: types.ModuleType, x: torch.Tensor) -> Any:
    array: Unknown = np.zeros(2)
    return helper(x), SIZES, Alias(2, 2).in_features, array.size, F_of(x)


def F_of(x: torch.Tensor) -> torch.Tensor:
    return x if x.dim() else F_of(x)


def run(probe, *args):
    """What a probe gives where only its source is."""
    namespace: dict[str, Any] = {}
    exec(compile(probe_source(probe), "<suite>", "exec", dont_inherit=True), namespace)
    return namespace[probe.__name__](types.ModuleType("module"), *args)


def test_a_probe_brings_its_helpers_classes_constants_imports_and_aliases():
    (values, count), sizes, features, size, same = run(uses_everything, torch.tensor([-1.0, 1.0]))
    assert values.tolist() == [0.0, 1.0]
    assert (count, sizes, features, size) == (2, SIZES, 2, 2)
    assert same.tolist() == [-1.0, 1.0]


METHOD = Counter().__init__


def uses_a_method(module):
    return METHOD


def uses_a_list(module):
    return LIST


def uses_a_dict(module):
    return [DICT[key] for key in "a"]


def uses_a_tensor(module):
    return [TENSOR for _ in range(2)]


def uses_a_tuple_of_tensors(module):
    return MIXED


def uses_a_helper_that_uses_a_list(module):
    return uses_a_list(module)


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        (uses_a_list, "the probe uses_a_list uses LIST, a list of its module"),
        (uses_a_dict, "uses DICT, a dict of its module"),
        (uses_a_tensor, "uses TENSOR, a Tensor of its module"),
        (uses_a_tuple_of_tensors, "uses MIXED, a tuple of its module"),
        (uses_a_helper_that_uses_a_list, "uses LIST, a list of its module"),
        (uses_a_method, "uses METHOD, a method of its module"),
        (lambda module: 1, "must be a function that `def` defines"),
    ],
)
def test_what_cannot_travel_is_refused_with_its_name(probe, words):
    with pytest.raises(ProbeError, match=words):
        probe_source(probe)


def test_a_closure_is_refused_with_the_name_of_what_it_closes_over():
    secret = [1]

    def inner(module):
        return secret

    with pytest.raises(ProbeError, match="uses secret of the function around it"):
        probe_source(inner)


def test_a_local_name_hides_what_the_module_calls_the_same():
    def own_name(module, LIST, DICT=None):
        TENSOR = 1
        return [MIXED + 1 for MIXED in (LIST, TENSOR)]

    assert run(own_name, 5) == [6, 2]


def test_a_student_never_hears_of_a_probe_that_cannot_be_packed():
    class Nobody(InProcess):
        def ask(self, request, ahead=()):
            raise AssertionError("the submission was asked")

    student = Student(Nobody(None, 0, 0.0), b"")
    with pytest.raises(ProbeError, match="LIST"):
        student.run(uses_a_list)
    assert student.replies == []
