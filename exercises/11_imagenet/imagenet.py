"""What a real training script has around the loop. Read README.md first.

Accuracy, meters and preprocessing, learning rates, steps over several batches, mixed precision, validation, checkpoints
that survive a crash, and means over several processes: the parts of the script that trains on ImageNet.
Complete each TODO and run `pytest exercises/11_imagenet`. You need neither ImageNet nor a GPU: the checks draw images and
simulate GPUs. N is the batch size, K the number of classes. A loader is a DataLoader or a list of pairs (images, labels),
never empty; its tensors are on the host.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist  # noqa: F401  you will need it
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels, from 0 to 1: red, green, blue

Criterion = Callable[[Tensor, Tensor], Tensor]  # from scores (N, K) and labels (N,) to the mean loss over the batch


def topk_accuracy(output: Tensor, target: Tensor, topk: Sequence[int] = (1,)) -> list[float]:
    """Return the percentage of samples whose class is among the k highest scores, for each k in the order given.

    Args:
        output: scores (N, K); it may have a graph, the result has none
        target: classes (N,), int64
        topk: at least one k ≥ 1; where k exceeds K, all samples count as right

    Example: scores [[1., 3., 2.]] and target [2] -> topk (1, 2) gives [0.0, 100.0]
    """
    # TODO: the classes of the k highest scores of each row; is the target among them?
    raise NotImplementedError


class AverageMeter:
    """The last value, the sum, the count and the mean of what was measured so far.

    `val`, `sum`, `avg` and `count` are Python numbers, each 0 before the first update and after reset(). The sum and the
    mean are weighted: a value that is the mean of n samples counts n times.

    Example: after update(2.0) and update(5.0, n=3) val is 5.0, sum 17.0, count 4, avg 4.25
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        # TODO: four zeros
        raise NotImplementedError

    def update(self, val: float | Tensor, n: int = 1) -> None:
        """Take in a value, a number or a tensor without axes (which may have a graph), that stands for n ≥ 1 samples."""
        # TODO: make it a Python number first
        raise NotImplementedError


def eval_transform(resize: int, crop: int) -> Callable[[Any], Tensor]:
    """Return a function that makes an image ready for a network that was trained on ImageNet.

    The image is a PIL image (RGB) or a uint8 array (H, W, 3); the result is float32 (3, crop, crop). The shorter side
    becomes `resize`, bilinear with antialiasing, and the longer one follows, so that the aspect is kept; the centre is cut
    out; then values go from 0 … 255 to 0 … 1, minus MEAN, divided by STD. No part of it is random.

    Args:
        resize: length of the shorter side before the crop
        crop: side of the square, at most `resize`

    Example: eval_transform(256, 224)(image) has shape (3, 224, 224)
    """
    # TODO: compose the steps; an array has to become an image first
    raise NotImplementedError


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return two groups for torch.optim: what decays, and what does not.

    The first has the parameters with two or more axes and `weight_decay`, the second all others (biases, most norms) and
    0.0; the number of axes alone decides. Only parameters that require grad, each once, in the order of
    `model.parameters()`. A group may be empty. Each is a dict with the keys params (a list) and weight_decay.

    Example: for nn.Linear(3, 2) -> [{"params": [weight], "weight_decay": 0.1}, {"params": [bias], "weight_decay": 0.0}]
    """
    # TODO: two lists
    raise NotImplementedError


def decayed_lr(base: float, epoch: int, step: int = 30, gamma: float = 0.1) -> float:
    """Return the learning rate of an epoch, counted from 0: base, multiplied by gamma once every `step` epochs.

    Example: decayed_lr(0.1, 29) == 0.1, decayed_lr(0.1, 30) == 0.01
    """
    # TODO: how many times has it been multiplied?
    raise NotImplementedError


def warmup_cosine(step: int, warmup: int, total: int, base: float, floor: float = 0.0) -> float:
    """Return the learning rate of a step, counted from 0: a ramp up to base, then half a cosine down to floor.

    For step < warmup it is base · (step + 1) / warmup, so that the first step learns and step warmup - 1 has base. Then it
    falls along floor + (base - floor) · (1 + cos(π · p)) / 2, where p goes from 0 at step = warmup to 1 at step = total.
    From `total` on it is floor.

    Args:
        step: at least 0; it may exceed total
        warmup: from 0 to total
        total: at least 1
        base: the highest rate
        floor: the lowest

    Example: warmup_cosine(0, 4, 8, 1.0) == 0.25, warmup_cosine(3, 4, 8, 1.0) == 1.0, warmup_cosine(6, 4, 8, 1.0) == 0.5
    """
    # TODO: three cases
    raise NotImplementedError


def train_epoch(
    model: nn.Module,
    loader: Any,
    criterion: Criterion,
    optimizer: Optimizer,
    device: torch.device | str,
    accumulate: int = 1,
) -> dict[str, float]:
    """Train for one epoch in train mode, with a step after every `accumulate` batches and, for what is left, at the end.

    Each batch goes through the model by itself, once. A step's gradient is that of the mean over all *samples* of its
    batches, which may be of different sizes. Gradients from before the call do not count.

    Args:
        model: is on `device` already and is trained in place
        loader: see above; each batch is moved to `device`
        criterion: the mean loss over a batch
        optimizer: of the model's parameters
        device: where to train
        accumulate: batches for each step, at least 1

    Returns:
        "loss" and "acc1": the mean loss and the accuracy in per cent over all samples, from the scores before each step

    Example: 5 batches and accumulate=2 make 3 steps
    """
    # TODO: the usual loop. How much does a batch of 4 count beside one of 2?
    raise NotImplementedError


def amp_step(
    model: nn.Module,
    criterion: Criterion,
    optimizer: Optimizer,
    scaler: GradScaler,
    x: Tensor,
    y: Tensor,
    device_type: str,
    dtype: torch.dtype,
    clip: float,
) -> float:
    """Take one step in mixed precision, one of many, and return the loss (not the scaled one).

    Forward pass and loss run under autocast, the backward pass outside. The scaled loss is differentiated; the gradients
    are unscaled, then clipped to the total norm `clip`, and the scaler takes the step and is updated. Parameters stay
    float32. Gradients of earlier steps do not count. Where gradients are not finite, a scaler that is enabled skips the step.

    Args:
        model: is trained in place, on the device of x and y
        criterion: the mean loss over a batch
        optimizer: of the model's parameters
        scaler: may be disabled; then it passes everything through
        x: inputs (N, ...)
        y: labels (N,)
        device_type: "cpu" or "cuda", for autocast
        dtype: torch.bfloat16 or torch.float16, for autocast
        clip: the largest total 2-norm of the gradients of `model.parameters()`

    Example: amp_step(model, criterion, optimizer, GradScaler("cuda"), x, y, "cuda", torch.float16, 1.0) -> 2.31
    """
    # TODO: eight lines, whose order matters
    raise NotImplementedError


def validate(model: nn.Module, loader: Any, criterion: Criterion, device: torch.device | str) -> dict[str, float]:
    """Return "loss", "acc1" and "acc5" over all samples of the loader, the accuracies in per cent.

    In eval mode, without a graph; afterwards `model.training` is what it was. With fewer than five classes acc5 is 100.
    The model is on `device` already; each batch is moved there.

    Example: {"loss": 1.2, "acc1": 71.0, "acc5": 90.5}
    """
    # TODO: add up over samples, divide once
    raise NotImplementedError


def save_checkpoint(
    path: str | Path, model: nn.Module, optimizer: Optimizer, scheduler: LRScheduler, epoch: int, best: float
) -> None:
    """Write everything that training needs to go on into one file, which `torch.load(path, weights_only=True)` reads.

    Whenever the program ends, `path` names a whole file: the old one or the new one. After success the folder holds no other
    file than before. The model may be in nn.DataParallel; the file does not tell.

    Args:
        path: its folder exists; it may be relative and without a folder
        model: stays as it is, and so do the next two
        optimizer: of the model's parameters
        scheduler: of the optimizer
        epoch: the number of the epoch
        best: the best accuracy so far

    Example: save_checkpoint("checkpoint.pt", model, optimizer, scheduler, 12, 71.5)
    """
    # TODO: what do the three objects remember?
    # TODO: write under another name in the same folder, then os.replace
    raise NotImplementedError


def load_checkpoint(
    path: str | Path, model: nn.Module, optimizer: Optimizer, scheduler: LRScheduler, device: torch.device | str
) -> tuple[int, float]:
    """Restore model, optimizer and scheduler in place from a file of save_checkpoint, and return (epoch, best).

    Training then goes on exactly as it would have. The file may have been written on a GPU that this machine lacks, and
    with or without nn.DataParallel around the model, as this one is.

    Args:
        path: of the file
        model: is on `device` already
        optimizer: made anew, as the one that was saved
        scheduler: likewise
        device: where the model is

    Example: start, best = load_checkpoint("checkpoint.pt", model, optimizer, scheduler, "cuda:0")
    """
    # TODO: read the file to a place that exists, then fill the three
    raise NotImplementedError


def all_reduce_mean(total: float, count: int, device: torch.device | str) -> float:
    """Return the mean over the samples of all processes: the sum of all totals over the sum of all counts.

    In a process group each rank calls it, also one with a count of 0, and all get the same float. Without a group it is
    total / count. Where all counts are 0 it is nan.

    Args:
        total: the sum over this rank's samples
        count: how many samples these are
        device: where this rank's tensors are, for the communication

    Example: rank 0 with (6.0, 2) and rank 1 with (0.0, 1) -> 2.0 on both
    """
    # TODO: sum both over the ranks, then divide
    raise NotImplementedError
