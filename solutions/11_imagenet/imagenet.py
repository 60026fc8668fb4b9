"""What a real training script has around the loop: the reference solution."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from PIL import Image
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torchvision import transforms

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Criterion = Callable[[Tensor, Tensor], Tensor]


def topk_accuracy(output: Tensor, target: Tensor, topk: Sequence[int] = (1,)) -> list[float]:
    """Per cent of samples whose class is among the k highest scores, for each k."""
    most = min(max(topk), output.shape[1])
    pred = output.topk(most, dim=1).indices
    hits = pred == target[:, None]
    return [100 * hits[:, :k].sum().item() / len(target) for k in topk]


class AverageMeter:
    """The last value, and sum, count and mean of all, weighted."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.val = self.sum = self.avg = 0.0
        self.count = 0

    def update(self, val: float | Tensor, n: int = 1) -> None:
        """Take in a value that stands for n samples."""
        self.val = float(val)
        self.sum += self.val * n
        self.count += n
        self.avg = self.sum / self.count


def eval_transform(resize: int, crop: int) -> Callable[[Any], Tensor]:
    """Shorter side to `resize`, the centre, normalised with ImageNet's mean and deviation."""
    steps = transforms.Compose(
        [
            transforms.Resize(resize),
            transforms.CenterCrop(crop),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )

    def transform(image: Any) -> Tensor:
        return steps(image if isinstance(image, Image.Image) else Image.fromarray(image))

    return transform


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters with two or more axes decay, others do not."""
    trained = [p for p in model.parameters() if p.requires_grad]
    decayed = [p for p in trained if p.ndim >= 2]
    others = [p for p in trained if p.ndim < 2]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def decayed_lr(base: float, epoch: int, step: int = 30, gamma: float = 0.1) -> float:
    """The rate of an epoch that falls by gamma every `step` epochs."""
    return base * gamma ** (epoch // step)


def warmup_cosine(step: int, warmup: int, total: int, base: float, floor: float = 0.0) -> float:
    """A linear ramp, then half a cosine, then floor."""
    if step < warmup:
        return base * (step + 1) / warmup
    if step >= total:
        return floor
    part = (step - warmup) / (total - warmup)
    return floor + (base - floor) * (1 + math.cos(math.pi * part)) / 2


def train_epoch(
    model: nn.Module,
    loader: Any,
    criterion: Criterion,
    optimizer: Optimizer,
    device: torch.device | str,
    accumulate: int = 1,
) -> dict[str, float]:
    """One epoch; a step for every group of `accumulate` batches, with the mean gradient of its samples."""
    model.train()
    optimizer.zero_grad()
    loss_sum, hits, count, waiting = 0.0, 0, 0, 0
    for number, (images, labels) in enumerate(loader, start=1):
        x, y = images.to(device), labels.to(device)
        scores = model(x)
        loss = criterion(scores, y)
        (loss * len(y)).backward()
        waiting += len(y)
        if number % accumulate == 0 or number == len(loader):
            for p in model.parameters():
                if p.grad is not None:
                    p.grad /= waiting
            optimizer.step()
            optimizer.zero_grad()
            waiting = 0
        loss_sum += loss.item() * len(y)
        hits += (scores.argmax(1) == y).sum().item()
        count += len(y)
    return {"loss": loss_sum / count, "acc1": 100 * hits / count}


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
    """One step in mixed precision: scale, backward, unscale, clip, step, update."""
    optimizer.zero_grad()
    with torch.autocast(device_type, dtype):
        loss = criterion(model(x), y)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(model.parameters(), clip)
    scaler.step(optimizer)
    scaler.update()
    return loss.item()


def validate(model: nn.Module, loader: Any, criterion: Criterion, device: torch.device | str) -> dict[str, float]:
    """Mean loss, top-1 and top-5 in per cent over all samples."""
    was_training = model.training
    model.eval()
    loss_sum, top1, top5, count = 0.0, 0, 0, 0
    with torch.no_grad():
        for images, labels in loader:
            x, y = images.to(device), labels.to(device)
            scores = model(x)
            best = scores.topk(min(5, scores.shape[1]), dim=1).indices
            right = best == y[:, None]
            loss_sum += criterion(scores, y).item() * len(y)
            top1 += right[:, :1].sum().item()
            top5 += right.sum().item()
            count += len(y)
    model.train(was_training)
    return {"loss": loss_sum / count, "acc1": 100 * top1 / count, "acc5": 100 * top5 / count}


def save_checkpoint(
    path: str | Path, model: nn.Module, optimizer: Optimizer, scheduler: LRScheduler, epoch: int, best: float
) -> None:
    """Writes beside the old file and then takes its place in one step."""
    bare = model.module if isinstance(model, nn.DataParallel) else model
    state = {
        "model": bare.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "epoch": epoch,
        "best": best,
    }
    partial = Path(f"{path}.part")
    torch.save(state, partial)
    partial.replace(path)


def load_checkpoint(
    path: str | Path, model: nn.Module, optimizer: Optimizer, scheduler: LRScheduler, device: torch.device | str
) -> tuple[int, float]:
    """Fills model, optimizer and scheduler; the epoch and the best accuracy."""
    state = torch.load(path, map_location=device, weights_only=True)
    bare = model.module if isinstance(model, nn.DataParallel) else model
    bare.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    scheduler.load_state_dict(state["scheduler"])
    return state["epoch"], state["best"]


def all_reduce_mean(total: float, count: int, device: torch.device | str) -> float:
    """The mean over the samples of all ranks."""
    sums = torch.tensor([total, count], dtype=torch.float64, device=device)
    if dist.is_initialized():
        dist.all_reduce(sums)
    total, count = sums.tolist()
    return total / count if count else math.nan
