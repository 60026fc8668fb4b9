"""A network that knows six of the ten classes, for topics that build on a trained one: trained once, and kept in the cache."""

from __future__ import annotations

import contextlib
import functools

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, cross_entropy, max_pool2d

from autograder.files import written_whole
from autograder.images import drawings, store
from autograder.images.drawings import CLASSES

ANIMALS = ("bird", "cat", "deer", "dog", "frog", "horse")
LAYOUT = 1  # of the network: one with other tensors gets another number, and so another file
IMAGES, EPOCHS, BATCH, RATE = 4000, 6, 64, 0.01


class Backbone(nn.Module):
    """Three convolutions with BatchNorm, and `fc`, which makes the scores of 128 features: (N, 3, 32, 32) → (N, classes).

    `aux` is a second head, which forward does not use.
    """

    def __init__(self, classes: int = len(ANIMALS)) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 12, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(12)
        self.conv2, self.bn2 = nn.Conv2d(12, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24)
        self.conv3, self.bn3 = nn.Conv2d(24, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32)
        self.fc = nn.Linear(128, classes)
        self.aux = nn.Linear(24, len(ANIMALS))

    def forward(self, x: Tensor) -> Tensor:
        """The scores of a batch of images."""
        x = max_pool2d(self.bn1(self.conv1(x)).relu(), 2)
        x = max_pool2d(self.bn2(self.conv2(x)).relu(), 2)
        x = avg_pool2d(self.bn3(self.conv3(x)).relu(), 2)
        scores: Tensor = self.fc(x.flatten(1))
        return scores


def pretrained() -> dict[str, Tensor]:
    """The state_dict of a Backbone that tells the six animals among the drawn images apart.

        model = Backbone()
        model.load_state_dict(pretrained())

    It is trained at the first call, which takes some seconds, and kept in the cache folder.
    """
    return {name: tensor.clone() for name, tensor in _kept().items()}


def only(samples: tuple[Tensor, Tensor], names: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """The samples of these classes among images and labels (N,), with 0, 1, … for labels in the order of the names."""
    numbers = torch.full((len(CLASSES),), -1)
    numbers[[CLASSES.index(name) for name in names]] = torch.arange(len(names))
    labels = numbers[samples[1]]
    return samples[0][labels >= 0], labels[labels >= 0]


@functools.cache
def _kept() -> dict[str, Tensor]:
    path = store.default_cache().expanduser() / f"backbone-{LAYOUT}.pt"
    with contextlib.suppress(Exception):  # not there yet, or damaged, which makes torch raise anything
        found: dict[str, Tensor] = torch.load(path, weights_only=True)
        Backbone().load_state_dict(found)
        return found
    weights = _trained()
    with contextlib.suppress(OSError), written_whole(path) as file:  # where nothing can be kept, each process trains its own
        torch.save(weights, file)
    return weights


def _trained() -> dict[str, Tensor]:
    pixels, labels = only(drawings.make(IMAGES, 0), ANIMALS)
    images = pixels.to(torch.float32).div_(127.5).sub_(1)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)
        net = Backbone()
        optimizer = torch.optim.AdamW(net.parameters(), RATE)
        rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, epochs=EPOCHS, steps_per_epoch=-(-len(images) // BATCH))
        for _ in range(EPOCHS):
            order = torch.randperm(len(images))
            for start in range(0, len(images), BATCH):
                batch = order[start : start + BATCH]
                optimizer.zero_grad()
                cross_entropy(net(images[batch]), labels[batch]).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                rate.step()
    return {name: tensor.detach().clone() for name, tensor in net.state_dict().items()}
