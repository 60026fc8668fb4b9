"""Adapting a trained network: a new head on an old backbone, what of it is trained, and how. Read README.md first.

A model here takes images (N, 3, H, W) and gives scores (N, K). The layer that makes the scores is its head, an nn.Linear or
an nn.Conv2d with a 1x1 kernel; all the rest is the backbone. The head may be called `fc`, `classifier`, `classifier.6` or
anything else: its dotted name says where it is. A model may also have BatchNorm, Dropout, parameters that are frozen
already, and layers that forward does not use.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch  # noqa: F401  you will need it
from torch import Tensor, nn
from torch.optim import Optimizer


def freeze(module: nn.Module) -> None:
    """Freeze all parameters of a module: afterwards none requires grad, and none holds a gradient (`.grad` is None).

    Values, buffers and modes stay as they are.

    Example: after freeze(model.layer1) an optimizer has nothing to do in layer1 any more
    """
    # TODO: both things, for every parameter
    raise NotImplementedError


def head_name(model: nn.Module, x: Tensor) -> str:
    """Return the dotted name of the head: the last nn.Linear or nn.Conv2d that runs in model(x).

    The last that runs is not always the last that was registered. x has two or more images; each layer runs once. Afterwards
    the model is as it was: parameters, gradients, buffers (running statistics too), the mode of each layer, hooks.

    Example: "fc" for a ResNet, "classifier.6" for a VGG
    """
    # TODO: hooks on the layers that can be the head note who runs
    raise NotImplementedError


def replace_head(model: nn.Module, name: str, classes: int) -> nn.Module:
    """Put a new head with `classes` outputs in the place of the layer called `name`, and return the model, the same object.

    The new head is a new layer of the same kind (Linear, or Conv2d with a 1x1 kernel), with the inputs, the dtype and the
    device of the old one, and a bias if that had one. Its values are fresh, none of them the old head's, and its parameters
    require grad. All other parameters stay the same objects with the same `requires_grad`, and the model keeps its mode.

    Example: replace_head(model, "classifier.6", 4) puts a layer for 4 classes into the Sequential model.classifier
    """
    # TODO: get_submodule finds the old head, and the layer around it
    raise NotImplementedError


def feature_extractor(model: nn.Module, name: str, classes: int) -> nn.Module:
    """Replace the head as replace_head does; afterwards the parameters of the new head, and no others, require grad.

    Example: feature_extractor(resnet, "fc", 4) leaves fc.weight and fc.bias to be trained
    """
    # TODO: two steps, in the right order
    raise NotImplementedError


def param_groups(model: nn.Module, name: str, lr: float, head_lr: float) -> list[dict[str, Any]]:
    """Return groups for an optimizer: the backbone's parameters with the rate `lr`, then the head's with `head_lr`.

    A group is a dict with the keys "params" and "lr". Together the groups hold the parameters that require grad, each once
    (one that backbone and head share counts as the head's). A group without parameters is left out.

    Example: torch.optim.SGD(param_groups(model, "fc", 0.001, 0.01), momentum=0.9)
    """
    # TODO: compare parameters with `is`, or by id(): == compares the numbers in them
    raise NotImplementedError


def features(model: nn.Module, name: str, x: Tensor) -> Tensor:
    """Return what goes into the head called `name` when the model sees x, flattened to (N, F), without a graph.

    The model works in eval mode for it. Afterwards hooks and the mode of each layer are as before, also if forward raises;
    the error reaches the caller.

    Example: features(resnet18, "fc", x) has shape (N, 512)
    """
    # TODO: a forward pre-hook sees what goes in; remove it whatever happens
    raise NotImplementedError


def cache_features(model: nn.Module, name: str, loader: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Return the features (M, F) of all images of a loader, and their labels (M,) as int64, both on the CPU.

    The loader gives batches of images and labels, in one pass: it may shuffle. Its last batch may be smaller.

    Example: with 10 images in batches of 4, 4 and 2 the shapes are (10, F) and (10,)
    """
    # TODO: features and labels of the same batch, batch after batch
    raise NotImplementedError


def still_batchnorm(model: nn.Module) -> None:
    """Put the model into train mode, but each frozen BatchNorm into eval mode, so that its running statistics stay.

    A BatchNorm (1d, 2d or 3d) is frozen if none of its parameters requires grad, or if it has none. All other layers are in
    train mode afterwards, also those that were not.

    Example: after freeze(model.backbone) and still_batchnorm(model) a forward pass leaves all buffers of the backbone alone
    """
    # TODO: everything first, then the exceptions
    raise NotImplementedError


def finetune_epoch(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimizer: Optimizer,
) -> float:
    """Train for one epoch, a step for each batch, and return the mean loss over all samples, each from before its step.

    criterion(scores, labels) is the mean over a batch; the last batch may be smaller. Gradients that are left from an epoch
    before do not count: neither for what is trained, nor for what has been frozen since. Frozen parameters stay as they are,
    whatever the optimizer holds, and each BatchNorm keeps the mode that it is in.

    Example: losses of 1.0 for a batch of 4 and 4.0 for a batch of 2 make 2.0
    """
    # TODO: the loop of topic 04, without its train()
    raise NotImplementedError


def keep_best(
    model: nn.Module, run_epoch: Callable[[int], None], evaluate: Callable[[], float], epochs: int
) -> tuple[float, list[float]]:
    """Train for some epochs and give the model the state of the best one; return that evaluation, and the list of all.

    Calls run_epoch(0), evaluate(), run_epoch(1), evaluate(), … The best is the highest, and the first of equal ones; it may
    be negative. Afterwards all entries of model.state_dict() are as they were then, in the same parameter objects.

    Example: the evaluations 0.5, 0.8, 0.7 give (0.8, [0.5, 0.8, 0.7]), and the model of the second epoch
    """
    # TODO: the tensors in a state_dict are the model's own, and go on changing
    raise NotImplementedError


def weight_drift(model: nn.Module, before: dict[str, Tensor]) -> dict[str, float]:
    """Return how far each tensor has moved since `before`, relative to its size: ‖now - before‖ / ‖before‖, in float64.

    `before` is an earlier state_dict, or a part of it; the result has its order. Where ‖before‖ is 0 it is ‖now‖.
    Tensors of whole numbers, as num_batches_tracked, are left out.

    Example: from (3, 4) to (3, 9) it is 5 / 5 = 1.0
    """
    # TODO: look the names up in model.state_dict()
    raise NotImplementedError
