"""Training a classifier: data, a network, the training loop, saved weights, and how good the result is.

Complete each TODO and run `pytest exercises/04_cifar10`. The lesson is in README.md beside this file.
N is the batch size, H and W are height and width, and there are ten classes.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch  # noqa: F401  you will need it
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Dataset


def make_transform() -> Callable[[Any], Tensor]:
    """Return a function that turns an image into what the network takes.

    The image is a PIL image or a uint8 array (H, W, 3) with values from 0 to 255; it becomes a float32 tensor (3, H, W)
    with values from -1 (for 0) to 1 (for 255). torchvision.transforms has the pieces.

    Example: make_transform()(np.zeros((2, 2, 3), np.uint8)) -> a (3, 2, 2) tensor of -1
    """
    # TODO: compose two transforms: to a tensor in [0, 1], then to [-1, 1]
    raise NotImplementedError


def make_loaders(train_set: Dataset[Any], test_set: Dataset[Any], batch_size: int) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Return a loader for training and one for testing, with batches of `batch_size`; the last batch may be smaller.

    The training loader gives every sample once an epoch, in a new random order each epoch. The test loader gives
    every sample, in the data set's order.

    Example: 10 samples and batch_size 4 give batches of 4, 4 and 2
    """
    # TODO: two DataLoaders
    raise NotImplementedError


class Net(nn.Module):
    """Scores for the ten classes from colour images of 32x32.

    conv1 = Conv2d(3, 6, 5), pool = MaxPool2d(2, 2), conv2 = Conv2d(6, 16, 5), fc1 = Linear(400, 120),
    fc2 = Linear(120, 84), fc3 = Linear(84, 10): 62,006 parameters.

    Example: Net()(torch.randn(4, 3, 32, 32)) has shape (4, 10)
    """

    def __init__(self) -> None:
        super().__init__()
        # TODO: create the layers, by the names above
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Scores of a batch of images: conv-ReLU-pool twice, flatten, fc-ReLU twice, fc.

        Args:
            x: images (N, 3, 32, 32), any N ≥ 1

        Returns:
            scores (N, 10), without softmax
        """
        # TODO: send x through the layers
        raise NotImplementedError


def make_training(net: nn.Module) -> tuple[nn.Module, Optimizer]:
    """Return the loss function and the optimizer of the tutorial.

    The loss is the cross entropy; the optimizer is SGD over all parameters of net, learning rate 0.001, momentum 0.9.

    Example: criterion, optimizer = make_training(Net())
    """
    # TODO: create both
    raise NotImplementedError


def train(
    net: nn.Module,
    loader: DataLoader[Any],
    criterion: nn.Module,
    optimizer: Optimizer,
    epochs: int,
    log_every: int = 2000,
) -> list[float]:
    """Train net in place, in train mode, on every batch of the loader, `epochs` times over.

    A window is `log_every` batches in a row; each epoch starts a new one. Return the mean of the batches' losses for
    each full window, as numbers without a graph; a window that the end of an epoch cuts short counts nowhere.

    Example: 5 batches an epoch, epochs=2, log_every=2 -> 4 means: of batches 1-2 and 3-4 of each epoch
    """
    # TODO: for each epoch, for each batch: clear the gradients, forward, loss, backward, step; note the loss
    raise NotImplementedError


def save_weights(net: nn.Module, path: str | Path) -> None:
    """Write net's state_dict to the file `path`, so that torch.load(path, weights_only=True) reads it.

    Example: save_weights(net, "cifar_net.pth")
    """
    # TODO: save the weights, not the network object
    raise NotImplementedError


def load_weights(path: str | Path) -> Net:
    """Return a new Net with the weights of the file `path`, which holds the state_dict of a Net.

    Example: load_weights("cifar_net.pth")(images) equals net(images)
    """
    # TODO: create a Net, load the file, copy its weights into the Net
    raise NotImplementedError


def predict(net: nn.Module, images: Tensor) -> Tensor:
    """Return the label with the highest score for each image: (N, 3, 32, 32) -> (N,) int64, without a graph.

    Where several scores are the highest, any of their labels is right.

    Example: scores [[0.1, 2.0, -1.0], [3.0, 0.0, 1.0]] -> tensor([1, 0])
    """
    # TODO: run the network without recording a graph, then take the position of the highest score
    raise NotImplementedError


def accuracy(net: nn.Module, loader: DataLoader[Any]) -> float:
    """Return which fraction of all images of the loader net labels correctly: from 0 to 1.

    net is in eval mode while it works; afterwards it is in the mode it was in before.

    Example: 3 of 4 labels right -> 0.75
    """
    # TODO: count the right labels and all labels over every batch
    raise NotImplementedError


def per_class_accuracy(net: nn.Module, loader: DataLoader[Any], classes: Sequence[str]) -> dict[str, float]:
    """Return for each class which fraction of the images that belong to it net labels correctly.

    Label i belongs to classes[i]. A class without images has the value float("nan").

    Example: both cats right, one of two dogs right, no ship -> {"cat": 1.0, "dog": 0.5, "ship": nan}
    """
    # TODO: count, for each true label, all images and those labelled correctly
    raise NotImplementedError
