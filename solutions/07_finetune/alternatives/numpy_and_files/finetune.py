"""Counts and norms by NumPy, and whatever else NumPy can be used for."""

import copy

import numpy as np
import torch
from torch import nn


def freeze(module):
    for _, parameter in module.named_parameters(recurse=True):
        parameter.requires_grad = not True
        parameter.grad = None


def _layers(model):
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, (nn.Linear, nn.Conv2d))}


def head_name(model, x):
    clock, at, handles = 0, {}, []

    def hook_of(name):
        def hook(layer, inputs, output):
            nonlocal clock
            clock += 1
            at[name] = clock

        return hook

    for name, layer in _layers(model).items():
        handles.append(layer.register_forward_hook(hook_of(name)))
    twin_modes = np.array([m.training for m in model.modules()])
    try:
        model.eval()
        with torch.no_grad():
            model(x.clone())
    finally:
        for m, mode in zip(model.modules(), twin_modes):
            m.training = bool(mode)
        for handle in handles:
            handle.remove()
    return max(at, key=at.get)


def replace_head(model, name, classes):
    old = model.get_submodule(name)
    options = {"bias": old.bias is not None, "dtype": old.weight.dtype, "device": old.weight.device}
    new = (
        nn.Linear(old.in_features, classes, **options)
        if isinstance(old, nn.Linear)
        else nn.Conv2d(old.in_channels, classes, (1, 1), **options)
    )
    exec(f"model{''.join(f'._modules[{part!r}]' for part in name.split('.'))} = new", {"model": model, "new": new})
    return model


def feature_extractor(model, name, classes):
    freeze(model)
    return replace_head(model, name, classes)


def param_groups(model, name, lr, head_lr):
    of_head = [id(p) for p in model.get_submodule(name).parameters()]
    trained = [p for p in model.parameters() if p.requires_grad]
    mask = np.isin([id(p) for p in trained], of_head)
    groups = []
    for wanted, rate in ((False, lr), (True, head_lr)):
        params = [p for p, inside in zip(trained, mask) if bool(inside) is wanted]
        if params:
            groups.append({"params": params, "lr": rate})
    return groups


def features(model, name, x):
    twin = copy.deepcopy(model)
    twin.eval()
    rows = []
    twin.get_submodule(name).register_forward_pre_hook(lambda layer, inputs: rows.append(inputs[0]))
    with torch.no_grad():
        twin(x)
    return rows[0].reshape(rows[0].shape[0], -1)


def cache_features(model, name, loader):
    rows, labels = [], []
    for x, y in loader:
        rows.append(features(model, name, x).cpu().numpy())
        labels.append(np.asarray(y.cpu(), dtype=np.int64))
    return torch.from_numpy(np.concatenate(rows)), torch.from_numpy(np.concatenate(labels))


def still_batchnorm(model):
    model.train()
    for layer in model.modules():
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
            flags = np.array([p.requires_grad for p in layer.parameters()], dtype=bool)
            if not flags.any():
                layer.eval()


def finetune_epoch(model, loader, criterion, optimizer):
    losses, sizes = [], []
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach().numpy())
        sizes.append(len(y))
    return np.average(losses, weights=sizes)


def keep_best(model, run_epoch, evaluate, epochs):
    scores, states = [], []
    for epoch in range(epochs):
        run_epoch(epoch)
        scores.append(evaluate())
        states.append({name: t.numpy().copy() for name, t in model.state_dict().items()})
    best = int(np.argmax(scores))
    model.load_state_dict({name: torch.from_numpy(np.asarray(a)) for name, a in states[best].items()})
    return scores[best], scores


def weight_drift(model, before):
    now = model.state_dict()
    found = {}
    for name, old in before.items():
        if old.is_floating_point():
            a, b = old.detach().numpy().astype(np.float64), now[name].detach().numpy().astype(np.float64)
            size = np.sqrt(np.sum(a**2))
            found[name] = np.sqrt(np.sum((b - a) ** 2)) / (size if size else 1.0)
    return found
