"""Hooks for all modules at once, a forward pass that ends at the head, and the best state in a file."""

import tempfile
from pathlib import Path

import torch
import torch.nn as nn
from torch.nn.modules.module import register_module_forward_pre_hook


class _Enough(Exception):
    pass


def freeze(module):
    for p in module.parameters():
        p.requires_grad_(False)
    module.zero_grad()


def _evaluating(model, x):
    modes = tuple(m.training for m in model.modules())
    try:
        with torch.no_grad():
            model.eval()
            return model(x)
    finally:
        for m, mode in zip(model.modules(), modes):
            m.training = mode


def head_name(model, x):
    last = {}

    def note(m, args):
        if isinstance(m, (nn.Linear, nn.Conv2d)):
            last["layer"] = m

    handle = register_module_forward_pre_hook(note)
    try:
        _evaluating(model, x)
    finally:
        handle.remove()
    (name,) = [name for name, m in model.named_modules() if m is last["layer"]]
    return name


def replace_head(model, name, classes):
    old = model.get_submodule(name)
    with torch.device(old.weight.device):
        if isinstance(old, nn.Conv2d):
            new = nn.Conv2d(old.in_channels, classes, 1, bias=old.bias is not None, dtype=old.weight.dtype)
        else:
            new = nn.Linear(old.in_features, classes, bias=old.bias is not None, dtype=old.weight.dtype)
    new.train(old.training)
    for path, m in model.named_modules():
        for own, child in m.named_children():
            if child is old:
                m._modules[own] = new
    return model


def feature_extractor(model, name, classes):
    model = replace_head(model, name, classes)
    for path, p in model.named_parameters():
        p.requires_grad = path.startswith(name + ".")
    return model


def param_groups(model, name, lr, head_lr):
    head = {p for p in model.get_submodule(name).parameters()}
    groups = {}
    for p in filter(lambda p: p.requires_grad, model.parameters()):
        groups.setdefault(p in head, []).append(p)
    return [{"lr": (lr, head_lr)[key], "params": groups[key]} for key in sorted(groups)]


def features(model, name, x):
    head = model.get_submodule(name)
    store = []

    def stop(m, args):
        store.append(args[0])
        raise _Enough

    handle = head.register_forward_pre_hook(stop)
    try:
        _evaluating(model, x)
    except _Enough:
        pass
    finally:
        handle.remove()
    return torch.flatten(store[0], start_dim=1)


def cache_features(model, name, loader):
    parts = []
    for x, y in loader:
        parts.append([features(model, name, x).cpu(), y.cpu().to(torch.int64)])
    xs, ys = map(list, zip(*parts))
    return torch.cat(xs), torch.cat(ys)


def still_batchnorm(model):
    for m in model.modules():
        m.training = True
    for m in model.modules():
        match m:
            case nn.BatchNorm1d() | nn.BatchNorm2d() | nn.BatchNorm3d():
                m.training = sum(p.requires_grad for p in m.parameters()) > 0


def finetune_epoch(model, loader, criterion, optimizer):
    losses, sizes = [], []
    for x, y in loader:
        def closure():
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            return loss

        losses.append(float(optimizer.step(closure)))
        sizes.append(y.numel())
    return sum(a * b for a, b in zip(losses, sizes)) / sum(sizes)


def keep_best(model, run_epoch, evaluate, epochs):
    scores = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "best.pt"
        for epoch in range(epochs):
            run_epoch(epoch)
            score = evaluate()
            if not scores or score > max(scores):
                torch.save(model.state_dict(), path)
            scores.append(score)
        model.load_state_dict(torch.load(path, weights_only=True))
    return max(scores), scores


def weight_drift(model, before):
    now = model.state_dict()
    drift = {}
    for name, old in before.items():
        if old.is_floating_point():
            old, new = old.to(torch.float64), now[name].to(torch.float64)
            drift[name] = (torch.norm(new - old) / torch.norm(old)).item() if bool((old != 0).any()) else torch.norm(new).item()
    return drift
