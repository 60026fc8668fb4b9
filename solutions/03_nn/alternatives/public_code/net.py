"""Layers by add_module, a Sequential made in forward, generators, a closure: how public code writes these."""

import copy
from itertools import accumulate, chain
from itertools import islice

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        sizes = [1, 6, 16]
        for i, (c_in, c_out) in enumerate(zip(sizes, sizes[1:]), start=1):
            self.add_module(f"conv{i}", nn.Conv2d(c_in, c_out, 3))
        widths = [16 * 6 ** 2, 120, 84, 10]
        for i, (d, o) in enumerate(zip(widths, widths[1:]), start=1):
            setattr(self, f"fc{i}", nn.Linear(in_features=d, out_features=o))
        self.register_buffer("steps", torch.tensor(0), persistent=False)

    def forward(self, x):
        features = nn.Sequential(self.conv1, nn.ReLU(), nn.MaxPool2d(2), self.conv2, nn.ReLU(), nn.MaxPool2d(2))
        head = nn.Sequential(nn.Flatten(), self.fc1, nn.ReLU(), self.fc2, nn.ReLU(), self.fc3)
        return head(features(x))

    def num_flat_features(self, x):
        return torch.prod(torch.tensor(x.shape[1:])).item()


def feature_sizes(size, kernels, pool):
    moves = chain.from_iterable(((lambda s, k=k: s - k + 1), (lambda s: s // pool)) for k in kernels)
    return list(accumulate(moves, lambda s, move: move(s), initial=size))[1:]


def parameter_table(net):
    rows = []

    def walk(module, prefix):
        for name, p in module._parameters.items():
            if p is not None:
                rows.append((prefix + name, tuple(p.shape), p.numel()))
        for name, child in module.named_children():
            walk(child, f"{prefix}{name}.")

    walk(net, "")
    return rows


def random_backward(net, x, grad):
    for p in net.parameters():
        if p.grad is not None:
            p.grad.zero_()
    (net(x) * grad).sum().backward()
    return copy.deepcopy({n: p.grad for n, p in net.named_parameters()})


class _Loss(nn.MSELoss):
    def forward(self, input, target):
        return super().forward(input, target.view_as(input))


def mse_loss(net, x, target):
    return _Loss(reduction="mean")(net(x), target)


def _nodes(node):
    while node:
        yield node.__class__.__name__
        node = next((fn for fn, _ in node.next_functions[:1]), None)


def graph_walk(loss, steps):
    return [*islice(_nodes(loss.grad_fn), steps)]


def sgd_update(net, lr):
    from torch.nn.utils import parameters_to_vector, vector_to_parameters

    flat = parameters_to_vector(net.parameters()).detach()
    grads = parameters_to_vector([p.grad for p in net.parameters()])
    with torch.no_grad():
        start = 0
        for p in net.parameters():
            p.copy_((flat - lr * grads)[start:start + p.numel()].view_as(p))
            start += p.numel()


def train_step(net, criterion, optimizer, x, target):
    def closure():
        optimizer.zero_grad()
        loss = criterion(net(x), target)
        loss.backward()
        return loss

    return float(optimizer.step(closure).detach())


def stale_grads(net, optimizer):
    optimizer.zero_grad()
    return [n for n, p in net.named_parameters() if p.grad is not None and torch.count_nonzero(p.grad)]


def exponential_lrs(optimizer, gamma, epochs):
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: gamma ** epoch)
    lrs = []
    for _ in range(epochs):
        lrs += scheduler.get_last_lr()
        optimizer.step()
        scheduler.step()
    return lrs
