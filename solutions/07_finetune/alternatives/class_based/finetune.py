"""Everything that has to be put back afterwards is a context manager."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

HEADS = (nn.Linear, nn.Conv2d)


class Measuring:
    """The model in eval mode and without a graph; each layer's own mode comes back in the end."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def __enter__(self) -> nn.Module:
        self.modes = [(layer, layer.training) for layer in self.model.modules()]
        self.no_grad = torch.no_grad()
        self.no_grad.__enter__()
        return self.model.eval()

    def __exit__(self, *error) -> None:
        self.no_grad.__exit__(*error)
        for layer, mode in self.modes:
            layer.training = mode


class Spy:
    """Notes what goes into a layer while it is looked at."""

    def __init__(self, layer: nn.Module, into: list, what=None) -> None:
        self.layer, self.into, self.what = layer, into, what

    def __enter__(self) -> Spy:
        self.handle = self.layer.register_forward_pre_hook(self.note)
        return self

    def note(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.into.append(inputs[0] if self.what is None else self.what)

    def __exit__(self, *error) -> None:
        self.handle.remove()


@dataclass
class Mean:
    total: float = 0.0
    weight: int = 0

    def add(self, value: float, weight: int) -> None:
        self.total += value * weight
        self.weight += weight

    @property
    def value(self) -> float:
        return self.total / self.weight


@dataclass
class Best:
    score: float = -math.inf
    state: dict[str, Tensor] = field(default_factory=dict)

    def offer(self, score: float, model: nn.Module) -> None:
        if not self.state or score > self.score:
            self.score = score
            self.state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def freeze(module: nn.Module) -> None:
    module.zero_grad(set_to_none=True)
    module.requires_grad_(False)


def head_name(model: nn.Module, x: Tensor) -> str:
    ran: list[str] = []
    with ExitStack() as stack:
        for name, layer in model.named_modules():
            if isinstance(layer, HEADS):
                stack.enter_context(Spy(layer, ran, name))
        stack.enter_context(Measuring(model))(x)
    return ran.pop()


def replace_head(model: nn.Module, name: str, classes: int) -> nn.Module:
    old = model.get_submodule(name)
    common = dict(bias=old.bias is not None, device=old.weight.device, dtype=old.weight.dtype)
    match old:
        case nn.Linear():
            new: nn.Module = nn.Linear(old.in_features, classes, **common)
        case nn.Conv2d():
            new = nn.Conv2d(old.in_channels, classes, old.kernel_size, **common)
        case _:
            raise TypeError(f"{name} is a {type(old).__name__}")
    around, _, own = name.rpartition(".")
    model.get_submodule(around).register_module(own, new)
    return model


def feature_extractor(model: nn.Module, name: str, classes: int) -> nn.Module:
    replace_head(model, name, classes)
    head = set(model.get_submodule(name).parameters())
    for p in model.parameters():
        p.requires_grad_(p in head)
    return model


def param_groups(model: nn.Module, name: str, lr: float, head_lr: float) -> list[dict]:
    head = model.get_submodule(name)
    groups = []
    for p in model.parameters():
        inside = any(p is own for own in head.parameters())
        if p.requires_grad:
            groups.append((inside, {"params": [p], "lr": head_lr if inside else lr}))
    return [group for _, group in sorted(groups, key=lambda pair: pair[0])]


def features(model: nn.Module, name: str, x: Tensor) -> Tensor:
    came: list[Tensor] = []
    with Spy(model.get_submodule(name), came), Measuring(model):
        model(x)
    return came[-1].reshape(len(x), -1)


def cache_features(model: nn.Module, name: str, loader) -> tuple[Tensor, Tensor]:
    pairs = [(features(model, name, x).cpu(), y.cpu()) for x, y in loader]
    return torch.cat([rows for rows, _ in pairs]), torch.cat([labels for _, labels in pairs]).to(torch.long)


def still_batchnorm(model: nn.Module) -> None:
    norms = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    for layer in model.modules():
        frozen = isinstance(layer, norms) and not any(p.requires_grad for p in layer.parameters())
        layer.training = not frozen


def finetune_epoch(model, loader, criterion, optimizer) -> float:
    mean = Mean()
    for x, y in loader:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        mean.add(loss.item(), len(y))
    return mean.value


def keep_best(model, run_epoch, evaluate, epochs) -> tuple[float, list[float]]:
    best, scores = Best(), []
    for epoch in range(epochs):
        run_epoch(epoch)
        scores.append(evaluate())
        best.offer(scores[-1], model)
    model.load_state_dict(best.state)
    return best.score, scores


def weight_drift(model: nn.Module, before: dict[str, Tensor]) -> dict[str, float]:
    now = model.state_dict()

    def size(t: Tensor) -> float:
        return math.sqrt(t.double().square().sum().item())

    return {
        name: size(now[name].double() - old.double()) / (size(old) or 1.0)
        for name, old in before.items()
        if old.dtype.is_floating_point
    }
