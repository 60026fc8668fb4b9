"""After the transfer learning and the finetuning tutorials of pytorch.org, brought into this topic's functions."""

import copy
import time

import torch
import torch.nn as nn
import torch.optim as optim  # noqa: F401


def set_parameter_requires_grad(model, feature_extracting):
    if feature_extracting:
        for param in model.parameters():
            param.requires_grad = False


def freeze(module):
    set_parameter_requires_grad(module, True)
    for param in module.parameters():
        param.grad = None


def head_name(model, x):
    order = []
    handles = []

    def make_hook(name):
        def hook(module, inputs, outputs):
            order.append(name)

        return hook

    for name, module in model.named_modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            handles.append(module.register_forward_hook(make_hook(name)))
    was = {name: module.training for name, module in model.named_modules()}
    model.eval()
    with torch.no_grad():
        model(x)
    for name, module in model.named_modules():
        module.training = was[name]
    for handle in handles:
        handle.remove()
    return order[-1]


def replace_head(model, name, classes):
    old = model.get_submodule(name)
    has_bias = old.bias is not None
    if isinstance(old, nn.Linear):
        new = nn.Linear(old.in_features, classes, bias=has_bias)
    else:
        new = nn.Conv2d(old.in_channels, classes, kernel_size=(1, 1), stride=(1, 1), bias=has_bias)
    new = new.to(device=old.weight.device, dtype=old.weight.dtype)
    *path, last = name.split(".")
    parent = model
    for part in path:
        parent = getattr(parent, part)
    setattr(parent, last, new)
    return model


def feature_extractor(model, name, classes):
    set_parameter_requires_grad(model, feature_extracting=True)
    return replace_head(model, name, classes)


def param_groups(model, name, lr, head_lr):
    params_to_update = []
    head_params = list(map(id, model.get_submodule(name).parameters()))
    base = filter(lambda p: id(p) not in head_params and p.requires_grad, model.parameters())
    head = filter(lambda p: p.requires_grad, model.get_submodule(name).parameters())
    for params, rate in ((list(base), lr), (list(head), head_lr)):
        if len(params) > 0:
            params_to_update.append({"params": params, "lr": rate})
    return params_to_update


def features(model, name, x):
    activation = {}

    def get_input(module, args):
        activation["head"] = args[0].detach()

    handle = model.get_submodule(name).register_forward_pre_hook(get_input)
    was = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.set_grad_enabled(False):
            model(x)
    finally:
        handle.remove()
        for module, mode in was.items():
            module.training = mode
    return torch.flatten(activation["head"], 1)


def cache_features(model, name, loader):
    all_features, all_labels = [], []
    for inputs, labels in loader:
        all_features.append(features(model, name, inputs).to("cpu"))
        all_labels.append(labels.to("cpu").long())
    return torch.cat(all_features, dim=0), torch.cat(all_labels, dim=0)


def still_batchnorm(model):
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            if all(not p.requires_grad for p in module.parameters()):
                module.eval()


def finetune_epoch(model, loader, criterion, optimizer):
    running_loss = 0.0
    dataset_size = 0
    for inputs, labels in loader:
        # zero the parameter gradients
        optimizer.zero_grad()
        # forward
        with torch.set_grad_enabled(True):
            outputs = model(inputs)
            loss = criterion(outputs, labels)
            # backward + optimize
            loss.backward()
            optimizer.step()
        # statistics
        running_loss += loss.item() * inputs.size(0)
        dataset_size += inputs.size(0)
    epoch_loss = running_loss / dataset_size
    return epoch_loss


def keep_best(model, run_epoch, evaluate, epochs):
    since = time.time()
    val_acc_history = []
    best_model_wts = copy.deepcopy(model.state_dict())
    best_acc = float("-inf")
    for epoch in range(epochs):
        print("Epoch {}/{}".format(epoch, epochs - 1))
        print("-" * 10)
        run_epoch(epoch)
        epoch_acc = evaluate()
        # deep copy the model
        if epoch == 0 or epoch_acc > best_acc:
            best_acc = epoch_acc
            best_model_wts = copy.deepcopy(model.state_dict())
        val_acc_history.append(epoch_acc)
    time_elapsed = time.time() - since
    print("Training complete in {:.0f}m {:.0f}s".format(time_elapsed // 60, time_elapsed % 60))
    # load best model weights
    model.load_state_dict(best_model_wts)
    return best_acc, val_acc_history


def weight_drift(model, before):
    result = {}
    state = model.state_dict()
    for key in before:
        if not torch.is_floating_point(before[key]):
            continue
        a, b = before[key].to(torch.float64), state[key].to(torch.float64)
        norm = torch.linalg.vector_norm(a)
        diff = torch.linalg.vector_norm(b - a)
        result[key] = float(diff) if norm == 0 else float(diff / norm)
    return result
