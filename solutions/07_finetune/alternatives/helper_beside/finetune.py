from looking import untouched
from states import copied, relative
from torch import cat, nn

KINDS = (nn.Linear, nn.Conv2d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def freeze(module):
    for p in module.parameters():
        p.requires_grad, p.grad = False, None


def head_name(model, x):
    ran = []
    with untouched(model) as looking:
        for name, layer in model.named_modules():
            if isinstance(layer, KINDS):
                looking.watch(layer, lambda layer, inputs, name=name: ran.append(name))
        looking.run(x)
    return ran[-1]


def replace_head(model, name, classes):
    old = model.get_submodule(name)
    made = {
        nn.Linear: lambda: nn.Linear(old.in_features, classes, bias=old.bias is not None),
        nn.Conv2d: lambda: nn.Conv2d(old.in_channels, classes, 1, bias=old.bias is not None),
    }
    new = next(make for kind, make in made.items() if isinstance(old, kind))()
    new = new.to(device=old.weight.device, dtype=old.weight.dtype)
    parent = model.get_submodule(".".join(name.split(".")[:-1]))
    parent.add_module(name.split(".")[-1], new)
    return model


def feature_extractor(model, name, classes):
    freeze(model)
    return replace_head(model, name, classes)


def param_groups(model, name, lr, head_lr):
    head = list(model.get_submodule(name).parameters())
    groups = [[], []]
    for p in model.parameters():
        if p.requires_grad:
            groups[any(p is q for q in head)].append(p)
    return [{"params": iter(params), "lr": rate} for params, rate in zip(groups, (lr, head_lr)) if params]


def features(model, name, x):
    came = []
    with untouched(model) as looking:
        looking.watch(model.get_submodule(name), lambda layer, inputs: came.append(inputs[0]))
        looking.run(x)
    return came[0].flatten(1)


def cache_features(model, name, loader):
    found = [(features(model, name, x).cpu(), y.cpu().long()) for x, y in loader]
    return tuple(cat(part) for part in zip(*found))


def still_batchnorm(model):
    model.train()
    for layer in model.modules():
        if isinstance(layer, NORMS) and not any(p.requires_grad for p in layer.parameters()):
            layer.eval()


def finetune_epoch(model, loader, criterion, optimizer):
    total, count = 0.0, 0
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total, count = total + loss.item() * len(y), count + len(y)
    return total / count


def keep_best(model, run_epoch, evaluate, epochs):
    found = []
    for epoch in range(epochs):
        run_epoch(epoch)
        found.append((evaluate(), copied(model)))
    score, state = max(found, key=lambda pair: pair[0])
    model.load_state_dict(state)
    return score, [each for each, _ in found]


def weight_drift(model, before):
    now = model.state_dict()
    return {name: relative(now[name], old) for name, old in before.items() if old.is_floating_point()}
