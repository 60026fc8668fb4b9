import copy, torch  # noqa: E401
from torch import nn


def freeze(module): [setattr(p, "grad", None) for p in module.requires_grad_(False).parameters()]


def _run(model, x, hooks):
    modes = {m: m.training for m in model.modules()}
    try:
        with torch.inference_mode(): model.eval()(x)
    finally:
        [h.remove() for h in hooks]; [setattr(m, "training", t) for m, t in modes.items()]


def head_name(model, x):
    ran = []
    _run(model, x, [m.register_forward_hook(lambda *_, n=n: ran.append(n)) for n, m in model.named_modules() if isinstance(m, (nn.Linear, nn.Conv2d))])
    return ran[-1]


def replace_head(model, name, classes):
    old = model.get_submodule(name)
    kind, n = (nn.Linear, old.in_features) if isinstance(old, nn.Linear) else (nn.Conv2d, old.in_channels)
    new = kind(n, classes, *([1] if kind is nn.Conv2d else []), bias=old.bias is not None).to(old.weight)
    model.set_submodule(name, new)
    return model


def feature_extractor(model, name, classes): return replace_head(model.requires_grad_(False), name, classes)


def param_groups(model, name, lr, head_lr):
    h = {*model.get_submodule(name).parameters()}
    split = lambda inside: [p for p in model.parameters() if p.requires_grad and (p in h) == inside]
    return [dict(params=ps, lr=r) for ps, r in ((split(False), lr), (split(True), head_lr)) if ps]


def features(model, name, x):
    got = []
    _run(model, x, [model.get_submodule(name).register_forward_pre_hook(lambda m, a: got.append(*a))])
    return got[0].flatten(1)


def cache_features(model, name, loader):
    f, y = zip(*((features(model, name, x).cpu(), y.cpu().long()) for x, y in loader))
    return torch.cat(f), torch.cat(y)


def still_batchnorm(model):
    for m in model.train().modules():
        if "BatchNorm" in type(m).__name__: m.train(any(p.requires_grad for p in m.parameters()))


def finetune_epoch(model, loader, criterion, optimizer):
    s = n = 0
    for x, y in loader:
        loss = criterion(model(x), y); loss.backward(); optimizer.step(); optimizer.zero_grad()
        s += loss.item() * len(x); n += len(x)
    return s / n


def keep_best(model, run_epoch, evaluate, epochs):
    scores, states = [], []
    for e in range(epochs): run_epoch(e); scores.append(evaluate()); states.append(copy.deepcopy(model.state_dict()))
    best = max(scores)
    model.load_state_dict(states[scores.index(best)])
    return best, scores


def weight_drift(model, before):
    now, n = model.state_dict(), lambda t: t.double().norm().item()
    return {k: n(now[k].double() - v.double()) / (n(v) or 1) for k, v in before.items() if v.is_floating_point()}
