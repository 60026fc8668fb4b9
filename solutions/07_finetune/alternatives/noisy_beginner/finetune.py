import torch
import torch.nn as nn
import torch.nn.functional as F
import copy
import random
import math

print("torch version:", torch.__version__)
DEBUG = True


def freeze(module):
    i = 0
    params = list(module.parameters())
    print("freezing", len(params), "parameters")
    while i < len(params):
        params[i].requires_grad = False
        params[i].grad = None
        i = i + 1
    # check it
    for p in module.parameters():
        assert p.requires_grad == False
    return module


def head_name(model, x):
    print("x:", x.shape)
    lst = []
    handles = []
    # save modes
    modes = []
    for m in model.modules():
        modes.append(m.training)
    for item in model.named_modules():
        n = item[0]
        m = item[1]
        if type(m) == nn.Linear or type(m) == nn.Conv2d:
            def f(mod, inp, out, n=n):
                if DEBUG:
                    print("   layer", n, "->", tuple(out.shape))
                lst.append(n)
            handles.append(m.register_forward_hook(f))
    model.eval()
    with torch.no_grad():
        out = model(x)
    print("scores", out.shape)
    for h in handles:
        h.remove()
    i = 0
    for m in model.modules():
        m.training = modes[i]
        i += 1
    result = lst[len(lst) - 1]
    print("head is", result)
    return result


def replace_head(model, name, classes):
    parts = name.split(".")
    parent = model
    for k in range(len(parts) - 1):
        parent = parent._modules[parts[k]]
    old = parent._modules[parts[-1]]
    b = True
    if old.bias is None:
        b = False
    if isinstance(old, nn.Conv2d) == True:
        new = nn.Conv2d(in_channels=old.in_channels, out_channels=classes, kernel_size=1, stride=1, padding=0, bias=b)
    elif isinstance(old, nn.Linear) == True:
        new = nn.Linear(in_features=old.in_features, out_features=classes, bias=b)
    else:
        print("???")
        return None
    new = new.to(old.weight.device)
    new = new.to(old.weight.dtype)
    print("old:", old)
    print("new:", new)
    parent._modules[parts[-1]] = new
    return model


def feature_extractor(model, name, classes):
    for p in model.parameters():
        p.requires_grad = False
    model = replace_head(model, name, classes)
    print([n for n, p in model.named_parameters() if p.requires_grad])
    return model


def param_groups(model, name, lr, head_lr):
    a = []
    b = []
    head_params = list(model.get_submodule(name).parameters())
    for n, p in model.named_parameters():
        if p.requires_grad == False:
            continue
        is_head = False
        for q in head_params:
            if p is q:
                is_head = True
        if is_head == True:
            b.append(p)
        else:
            a.append(p)
    res = []
    if len(a) != 0:
        res.append({"params": a, "lr": lr, "momentum": 0})
    if len(b) != 0:
        res.append({"params": b, "lr": head_lr, "momentum": 0})
    return res


def features(model, name, x):
    box = [None]

    def hook(module, inp, out):
        box[0] = inp[0].clone().detach()

    modes = {}
    for n, m in model.named_modules():
        modes[n] = m.training
    h = model.get_submodule(name).register_forward_hook(hook)
    err = None
    try:
        model.eval()
        with torch.no_grad():
            _ = model(x)
    except Exception as e:
        print("something went wrong:", e)
        err = e
    h.remove()
    for n, m in model.named_modules():
        m.training = modes[n]
    if err is not None:
        raise err
    out = box[0]
    out = out.view(out.size(0), -1)
    print("features:", out.shape)
    return out


def cache_features(model, name, loader):
    fs = []
    ys = []
    for batch in loader:
        x = batch[0]
        y = batch[1]
        f = features(model, name, x)
        for i in range(len(x)):
            fs.append(f[i].cpu())
            ys.append(int(y[i]))
    fs = torch.stack(fs)
    ys = torch.tensor(ys)
    print(fs.shape, ys.shape)
    return fs, ys


def still_batchnorm(model):
    model.train()
    for n, m in model.named_modules():
        if isinstance(m, nn.BatchNorm1d) or isinstance(m, nn.BatchNorm2d) or isinstance(m, nn.BatchNorm3d):
            count = 0
            for p in m.parameters():
                if p.requires_grad == True:
                    count += 1
            if count == 0:
                m.eval()
                print("still:", n)


def finetune_epoch(model, loader, criterion, optimizer):
    total_loss = 0
    total = 0
    for i, data in enumerate(loader, 0):
        inputs, labels = data
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * inputs.shape[0]
        total += inputs.shape[0]
        print("[%d] loss: %.3f" % (i + 1, loss.item()))
    return total_loss / total


def keep_best(model, run_epoch, evaluate, epochs):
    history = []
    best = None
    best_state = {}
    for e in range(0, epochs):
        run_epoch(e)
        acc = evaluate()
        print("epoch", e, "acc", acc)
        history.append(acc)
        if best == None:
            better = True
        elif acc > best:
            better = True
        else:
            better = False
        if better:
            best = acc
            best_state = {}
            for k, v in model.state_dict().items():
                best_state[k] = v.clone()
    print(model.load_state_dict(best_state))
    return best, history


def weight_drift(model, before):
    d = {}
    sd = model.state_dict()
    for k in before.keys():
        if before[k].dtype == torch.int64 or before[k].dtype == torch.bool:
            print("skip", k)
            continue
        old = before[k].to(torch.float64)
        new = sd[k].to(torch.float64)
        top = torch.sqrt(torch.sum((new - old) ** 2))
        bottom = torch.sqrt(torch.sum(old ** 2))
        if bottom.item() == 0.0:
            d[k] = torch.sqrt(torch.sum(new ** 2)).item()
        else:
            d[k] = (top / bottom).item()
    return d


if __name__ == "__main__":
    m = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    print(head_name(m, torch.randn(2, 3, 2, 2)))
