"""No hooks: a recorder takes the head's place for a while, and ends the forward pass there."""

import copy
import functools

import torch
from torch import nn


class Reached(Exception):
    def __init__(self, x):
        super().__init__()
        self.x = x


class Recorder(nn.Module):
    def forward(self, x):
        raise Reached(x)


def put(model, name, layer):
    """Put a layer at a dotted name and return the one that was there."""
    parent, _, last = name.rpartition(".")
    parent = functools.reduce(getattr, parent.split("."), model) if parent else model
    old = parent._modules[last]
    parent._modules[last] = layer
    return old


def freeze(module):
    for _, p in module.named_parameters():
        p.requires_grad_(False)
        if p.grad is not None:
            p.grad = None


def modes_of(model):
    return [m.training for m in model.modules()]


def set_modes(model, modes):
    for m, mode in zip(model.modules(), modes):
        m.training = mode


def head_name(model, x):
    names = [n for n, m in model.named_modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
    order = []
    original = {n: model.get_submodule(n) for n in names}

    class Passing(nn.Module):
        def __init__(self, name, layer):
            super().__init__()
            self.name, self.layer = name, layer

        def forward(self, x):
            order.append(self.name)
            return self.layer(x)

    modes = modes_of(model)
    model.eval()
    try:
        for n in names:
            put(model, n, Passing(n, original[n]))
        with torch.no_grad():
            model(x)
    finally:
        for n in names:
            put(model, n, original[n])
        set_modes(model, modes)
    return order[-1]


def replace_head(model, name, classes):
    old = model.get_submodule(name)
    new = copy.deepcopy(old)
    if isinstance(new, nn.Linear):
        new.out_features = classes
    else:
        new.out_channels = classes
    new.weight = nn.Parameter(torch.empty(classes, *old.weight.shape[1:], dtype=old.weight.dtype, device=old.weight.device))
    if old.bias is not None:
        new.bias = nn.Parameter(torch.zeros(classes, dtype=old.weight.dtype, device=old.weight.device))
    nn.init.xavier_uniform_(new.weight)
    put(model, name, new)
    return model


def feature_extractor(model, name, classes):
    freeze(model)
    return replace_head(model, name, classes)


def param_groups(model, name, lr, head_lr):
    head = model.get_submodule(name)
    ids = [id(p) for p in head.parameters()]
    named = dict(model.named_parameters())
    first = {k: p for k, p in named.items() if p.requires_grad and id(p) not in ids}
    second = {k: p for k, p in named.items() if p.requires_grad and id(p) in ids}
    groups = []
    if first:
        groups.append({"params": first.values(), "lr": lr, "name": "backbone"})
    if second:
        groups.append({"params": second.values(), "lr": head_lr, "name": "head"})
    return groups


def features(model, name, x):
    modes = modes_of(model)
    model.eval()
    head = put(model, name, Recorder())
    try:
        with torch.no_grad():
            model(x)
    except Reached as reached:
        return reached.x.flatten(start_dim=1)
    finally:
        put(model, name, head)
        set_modes(model, modes)


def cache_features(model, name, loader):
    rows, labels = torch.empty(0), torch.empty(0, dtype=torch.int64)
    for x, y in loader:
        f = features(model, name, x).cpu()
        rows = f if len(rows) == 0 else torch.cat([rows, f])
        labels = torch.cat([labels, y.cpu().type(torch.int64)])
    return rows, labels


def still_batchnorm(model):
    model.train(True)

    def still(layer):
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
            layer.train(True in [p.requires_grad for p in layer.parameters()])

    model.apply(still)


def finetune_epoch(model, loader, criterion, optimizer):
    losses, sizes = [], []
    for x, y in loader:
        model.zero_grad()
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        sizes.append(len(y))
    weights = torch.tensor(sizes, dtype=losses[0].dtype)
    return (torch.stack(losses) * weights).sum() / weights.sum()


def keep_best(model, run_epoch, evaluate, epochs):
    run_epoch(0)
    scores = [evaluate()]
    best, at = copy.deepcopy(model), 0
    for epoch in range(1, epochs):
        run_epoch(epoch)
        scores.append(evaluate())
        if scores[epoch] > scores[at]:
            best, at = copy.deepcopy(model), epoch
    with torch.no_grad():
        for mine, its in zip(model.state_dict().values(), best.state_dict().values()):
            mine.copy_(its)
    return scores[at], scores


def weight_drift(model, before):
    now = model.state_dict()
    drift = {}
    for name in before:
        a, b = before[name], now[name]
        if a.dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
            a, b = a.double(), b.double()
            drift[name] = torch.dist(a, b) / a.norm() if a.any() else b.norm()
    return drift
