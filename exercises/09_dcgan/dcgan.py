"""A DCGAN: a generator that draws images, a discriminator that tells them from real ones, and the game between them.

Complete each TODO and run `pytest exercises/09_dcgan`. The lesson is in README.md beside this file.
Images are (N, C, 32, 32) with values from -1 to 1; N is the batch size. Noise is (N, nz, 1, 1). A score is a number from
minus to plus infinity for each image: its sigmoid is how likely the image is real.
"""

from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: F401  you will need it
from torch import Tensor, nn
from torch.optim import Optimizer


class Generator(nn.Module):
    """Images (N, nc, 32, 32) from noise (N, nz, 1, 1), with 107,488 parameters by default.

    `main` holds four layers ConvTranspose2d with 4x4 kernels and no bias: nz → 4·ngf (stride 1, padding 0), 4·ngf → 2·ngf,
    2·ngf → ngf and ngf → nc (stride 2, padding 1). After each but the last: BatchNorm2d and ReLU. After the last: tanh.

    Example: Generator()(torch.randn(5, 64, 1, 1)) has shape (5, 3, 32, 32)
    """

    def __init__(self, nz: int = 64, ngf: int = 16, nc: int = 3) -> None:
        super().__init__()
        # TODO: self.main, with the layers in the order in which they run
        raise NotImplementedError

    def forward(self, noise: Tensor) -> Tensor:
        """The images of a batch of noise, each value from -1 to 1."""
        # TODO
        raise NotImplementedError


class Discriminator(nn.Module):
    """Scores (N,) of images (N, nc, 32, 32), without a sigmoid; 42,944 parameters by default.

    `main` holds four layers Conv2d with 4x4 kernels and no bias: nc → ndf, ndf → 2·ndf, 2·ndf → 4·ndf (stride 2, padding 1),
    4·ndf → 1 (stride 1, padding 0). After each but the last: LeakyReLU with slope 0.2; before it, in the second and third,
    BatchNorm2d.

    Example: Discriminator()(torch.randn(5, 3, 32, 32)) has shape (5,)
    """

    def __init__(self, nc: int = 3, ndf: int = 16) -> None:
        super().__init__()
        # TODO: self.main, with the layers in the order in which they run
        raise NotImplementedError

    def forward(self, images: Tensor) -> Tensor:
        """One score for each image: (N,), also for N = 1."""
        # TODO
        raise NotImplementedError


def init_weights(module: nn.Module) -> None:
    """Draw the weights of one module anew, in place; `net.apply(init_weights)` calls it with every module of a network.

    Weights of Conv2d and ConvTranspose2d: normal, mean 0, standard deviation 0.02. Weights of BatchNorm2d: normal, mean 1,
    standard deviation 0.02; its biases: 0. Modules of any other class stay as they are, whatever they are called.

    Example: Generator().apply(init_weights)
    """
    # TODO: which class does the module belong to?
    raise NotImplementedError


def sample_noise(n: int, nz: int, generator: torch.Generator) -> Tensor:
    """Standard normal noise (n, nz, 1, 1), float32, drawn from `generator`.

    Example: sample_noise(5, 64, torch.Generator().manual_seed(0)) has shape (5, 64, 1, 1)
    """
    # TODO
    raise NotImplementedError


def discriminator_loss(real: Tensor, fake: Tensor, smooth: float = 0.0) -> Tensor:
    """The discriminator's loss for the scores of real images (N,) and of drawn ones (M,): a scalar tensor with a graph.

    The mean binary cross entropy of sigmoid(real) with the label 1 - smooth, plus that of sigmoid(fake) with the label 0.
    It is right, and so are its gradients, for scores of 1000 and -1000 too.

    Example: scores of 0 for all images give 2·log 2 = 1.3863
    """
    # TODO: F has a function that takes scores and labels, and applies the sigmoid itself
    raise NotImplementedError


def generator_loss(fake: Tensor) -> Tensor:
    """The generator's loss for the scores of the images that it drew (N,): the mean of -log sigmoid(fake).

    It is right, and so are its gradients, for scores of 1000 and -1000 too.

    Example: scores of 0 give log 2 = 0.6931
    """
    # TODO: which label does the generator want its images to have?
    raise NotImplementedError


def discriminator_step(
    g: nn.Module, d: nn.Module, optimizer: Optimizer, real: Tensor, noise: Tensor, smooth: float = 0.0
) -> float:
    """Take one step of d, whose parameters `optimizer` holds, on a real batch and on g(noise); return the loss before it.

    d sees the two as two batches. Gradients of earlier steps do not count. g's parameters and their gradients stay as they
    are.

    Example: a d that gives 0 for every image returns 1.3863
    """
    # TODO: how do you keep the gradients from going on into g?
    raise NotImplementedError


def generator_step(g: nn.Module, d: nn.Module, optimizer: Optimizer, noise: Tensor) -> float:
    """Take one step of g, whose parameters `optimizer` holds, with the scores that d gives g(noise); return the loss before it.

    Gradients of earlier steps do not count. d's parameters and their requires_grad are afterwards as they were; what is left
    in their gradients is free.

    Example: a d that gives 0 for every image returns 0.6931
    """
    # TODO
    raise NotImplementedError


def train_epoch(
    g: nn.Module,
    d: nn.Module,
    opt_g: Optimizer,
    opt_d: Optimizer,
    loader: Iterable[Any],
    nz: int,
    generator: torch.Generator,
    smooth: float = 0.0,
) -> list[tuple[float, float]]:
    """For each batch a step of d and then a step of g, both nets in train mode; return (d's loss, g's loss) of each batch.

    A batch is a tensor of images, or a tuple or list whose first item is the images. Each of the two steps has noise of its
    own, as many as there are images in the batch, drawn from `generator`.

    Example: 10 images in batches of 4, 4 and 2 give three pairs of losses
    """
    # TODO
    raise NotImplementedError


def to_uint8(images: Tensor) -> Tensor:
    """Images as files hold them: (N, C, H, W) from -1 to 1 → uint8 (N, H, W, C) from 0 to 255, contiguous, without a graph.

    Levels are rounded to the nearest; values below -1 become 0, values above 1 become 255.

    Example: -1, 0.5 and 2 become 0, 191 and 255
    """
    # TODO
    raise NotImplementedError


def interpolate(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """The way from noise a to noise b, both (nz, 1, 1), in `steps` ≥ 2 equal steps along a circle: (steps, nz, 1, 1).

    With the angle Ω between a and b, and t from 0 to 1: sin((1-t)·Ω)/sin Ω · a + sin(t·Ω)/sin Ω · b. Where sin Ω < 1e-6, it is
    (1-t)·a + t·b. float64 stays float64. Neither is zero, and they never point in opposite directions.

    Example: from (1, 0) to (0, 1) in 3 steps: (1, 0), (0.7071, 0.7071), (0, 1)
    """
    # TODO: an angle from its cosine; and what is the cosine of two equal vectors, in floating point?
    raise NotImplementedError
