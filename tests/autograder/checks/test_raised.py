"""What an exception means, for the exceptions that PyTorch and Python raise today."""

import math
import re

import pytest
import torch
from torch import nn

from autograder.checks.raised import meaning
from autograder.learner.explain import call_fault


def leaf(*size):
    return torch.ones(*size, requires_grad=True)


def twice():
    y = (leaf(2) ** 2).sum()
    y.backward()
    y.backward()


def changed():
    w = leaf(2)
    y = w.exp()
    y += 1
    y.sum().backward()


def in_place():
    w = leaf(2)
    w -= 1


class Lazy(nn.Module):
    def __init__(self):
        self.fc = nn.Linear(1, 1)


RAISERS = {
    "gradient from above": lambda: (2 * leaf(2)).backward(),
    "one truth value": lambda: 1 if torch.ones(2) > 0 else 0,
    "functions of math take one number": lambda: math.pow(torch.ones(2), 3),
    "item\\(\\) and": lambda: torch.ones(2).item(),
    "no_grad": in_place,
    "does not require grad: let": lambda: torch.ones(()).backward(),
    "does not require grad: .* first": lambda: torch.autograd.grad(leaf(1).sum(), torch.ones(1)),
    "such a product": lambda: torch.ones(2, 3) @ torch.ones(2, 3),
    "uses up the graph": twice,
    "is None, as .grad is": lambda: 0.1 * leaf(1).grad,
    "is None, as": lambda: leaf(1).grad.zero_(),
    "is a tuple": lambda: torch.autograd.grad(leaf(1).sum(), leaf(1), allow_unused=True).shape,
    "one dtype": lambda: torch.ones(1, 1) @ torch.ones(1, 1, dtype=torch.float64),
    "changed in place": changed,
    "no copy": lambda: torch.autograd.grad(leaf(1).sum(), leaf(1)),
    "axis by axis": lambda: torch.ones(2) + torch.ones(3),
    "import torch.nn.functional as F": lambda: F.relu(1),  # noqa: F821
    "super\\(\\).__init__": Lazy,
}


@pytest.mark.parametrize("said", RAISERS)
def test_it_says_what_to_do_next(said, tmp_path):
    with pytest.raises(Exception) as caught:  # noqa: PT011  each of its own kind
        RAISERS[said]()
    fault = call_fault(caught.value, tmp_path)
    assert fault.message.startswith("Your code raised")
    assert re.search(said, meaning(fault.message)), (fault.message, meaning(fault.message))


def test_what_is_not_known_has_no_meaning():
    assert meaning("Your code raised KeyError: 'w1' (line 3 of m.py: `mat1 and mat2 shapes cannot be multiplied`).") == ""
    assert meaning("Your code raised NameError: name 'x' is not defined.") == ""
