"""What the lesson takes for granted: the module, a network with its weights in a file, a batch; few images stand for many."""

from types import SimpleNamespace

import torch
from train_classifier import *  # noqa: F403  as the learner has it all

from autograder.images import store

store.load = lambda *_: SimpleNamespace(images=torch.zeros(20, 3, 32, 32, dtype=torch.uint8), labels=torch.arange(20) % 10)

net, path = Net(), "weights.pth"  # noqa: F405
save_weights(net, path)  # noqa: F405
criterion, optimizer = make_training(net)  # noqa: F405
inputs, labels = torch.randn(4, 3, 32, 32), torch.tensor([0, 1, 2, 3])
