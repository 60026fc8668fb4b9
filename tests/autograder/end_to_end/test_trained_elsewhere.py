"""trained_accuracy is earned by training here: not by weights made elsewhere, in whatever order of the classes."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from autograder import Mismatch

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def suite():
    path = ROOT / "tests/hidden/04_cifar10/test_train_classifier.py"
    spec = importlib.util.spec_from_file_location("hidden_04", path)
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_weights_that_were_trained_from_others_are_told_from_those_that_moved_far(suite):
    start, elsewhere = suite.initial(1), suite.initial(2)
    moved = {name: w + w.norm() / w.numel() ** 0.5 * torch.randn_like(w) for name, w in start.items()}
    suite.expect_continues(start, start)
    suite.expect_continues(moved, start)  # farther than any training moves these layers
    for weights in (elsewhere, {name: w.flip(0) for name, w in start.items()}, {**start, "fc1.weight": elsewhere["fc1.weight"]}):
        with pytest.raises(Mismatch, match="nothing to do with what it was before"):
            suite.expect_continues(weights, start)


def test_each_grading_has_its_own_start_and_leaves_torchs_generator_alone(suite):
    before = torch.get_rng_state()
    assert not torch.equal(suite.initial(1)["fc1.weight"], suite.initial(2)["fc1.weight"])
    assert torch.equal(torch.get_rng_state(), before)
