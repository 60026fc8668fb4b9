"""Adapting a trained network: a new head on an old backbone, what is trained of it, and how it is trained."""

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn


def freeze(module: nn.Module) -> None:
    """No parameter requires grad or holds a gradient."""
    for p in module.parameters():
        p.requires_grad = False
        p.grad = None


def head_name(model: nn.Module, x: Tensor) -> str:
    """The last Linear or Conv2d that runs."""
    ran: list[str] = []
    hooks = [
        layer.register_forward_pre_hook(lambda *_, name=name: ran.append(name))
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
    ]
    modes = [(layer, layer.training) for layer in model.modules()]
    try:
        model.eval()
        with torch.no_grad():
            model(x)
    finally:
        for layer, mode in modes:
            layer.training = mode
        for hook in hooks:
            hook.remove()
    return ran[-1]


def replace_head(model: nn.Module, name: str, classes: int) -> nn.Module:
    """A fresh layer like the old one, with `classes` outputs."""
    old = model.get_submodule(name)
    like = {"bias": old.bias is not None, "dtype": old.weight.dtype, "device": old.weight.device}
    if isinstance(old, nn.Conv2d):
        new = nn.Conv2d(old.in_channels, classes, 1, **like)
    else:
        new = nn.Linear(old.in_features, classes, **like)
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, new)
    return model


def feature_extractor(model: nn.Module, name: str, classes: int) -> nn.Module:
    """A new head on a frozen backbone."""
    freeze(model)
    return replace_head(model, name, classes)


def param_groups(model: nn.Module, name: str, lr: float, head_lr: float) -> list[dict[str, Any]]:
    """What is trained of the backbone, then of the head."""
    of_head = {id(p) for p in model.get_submodule(name).parameters()}
    trained = [p for p in model.parameters() if p.requires_grad]
    backbone = [p for p in trained if id(p) not in of_head]
    head = [p for p in trained if id(p) in of_head]
    groups = [{"params": backbone, "lr": lr}, {"params": head, "lr": head_lr}]
    return [group for group in groups if group["params"]]


def features(model: nn.Module, name: str, x: Tensor) -> Tensor:
    """What goes into the head, (N, F)."""
    came: list[Tensor] = []
    hook = model.get_submodule(name).register_forward_pre_hook(lambda _, inputs: came.append(inputs[0]))
    modes = [(layer, layer.training) for layer in model.modules()]
    try:
        model.eval()
        with torch.no_grad():
            model(x)
    finally:
        for layer, mode in modes:
            layer.training = mode
        hook.remove()
    return came[-1].flatten(1)


def cache_features(model: nn.Module, name: str, loader: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Features (M, F) and labels (M,) of a whole loader."""
    rows, labels = [], []
    for x, y in loader:
        rows.append(features(model, name, x).cpu())
        labels.append(y.cpu())
    return torch.cat(rows), torch.cat(labels).to(torch.int64)


def still_batchnorm(model: nn.Module) -> None:
    """Train mode, but for each BatchNorm that is frozen."""
    model.train()
    for layer in model.modules():
        norm = isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d)
        if norm and not any(p.requires_grad for p in layer.parameters()):
            layer.eval()


def finetune_epoch(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
) -> float:
    """One epoch; the mean loss over samples."""
    total, count = 0.0, 0
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        count += len(y)
    return total / count


def keep_best(
    model: nn.Module, run_epoch: Callable[[int], None], evaluate: Callable[[], float], epochs: int
) -> tuple[float, list[float]]:
    """The state of the best epoch."""
    best, kept, scores = -math.inf, None, []
    for epoch in range(epochs):
        run_epoch(epoch)
        score = evaluate()
        scores.append(score)
        if kept is None or score > best:
            best, kept = score, copy.deepcopy(model.state_dict())
    model.load_state_dict(kept)
    return best, scores


def weight_drift(model: nn.Module, before: dict[str, Tensor]) -> dict[str, float]:
    """How far each tensor has moved, relative to its size."""
    now, drift = model.state_dict(), {}
    for name, old in before.items():
        if old.is_floating_point():
            moved = (now[name].double() - old.double()).norm()
            size = old.double().norm()
            drift[name] = (moved / size if size > 0 else moved).item()
    return drift
