"""A Sequential with semicolons, names cut out of a node's text, the gradients cleared before and after a step."""

import torch
import torch.nn as nn
from torch.optim.lr_scheduler import ExponentialLR


class Net(nn.Sequential):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3); self.relu1 = nn.ReLU(); self.pool1 = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 3); self.relu2 = nn.ReLU(); self.pool2 = nn.MaxPool2d(2, 2)
        self.flat = nn.Flatten()
        self.fc1 = nn.Linear(576, 120); self.relu3 = nn.ReLU()
        self.fc2 = nn.Linear(120, 84); self.relu4 = nn.ReLU()
        self.fc3 = nn.Linear(84, 10)

    def num_flat_features(self, x):
        return x.flatten(1).shape[1]


def feature_sizes(size, kernels, pool):
    if not kernels:
        return []
    conv = size - kernels[0] + 1
    return [conv, conv // pool] + feature_sizes(conv // pool, kernels[1:], pool)


def parameter_table(net):
    table = {}
    for name, p in net.named_parameters():
        table[name] = (list(p.shape), torch.numel(p.data))
    return [(name, *row) for name, row in table.items()]


def random_backward(net, x, grad):
    net.zero_grad(set_to_none=False)
    net(x).backward(gradient=grad, retain_graph=True)
    grads = {n: p.grad.data.clone() for n, p in net.named_parameters()}
    net.zero_grad()
    return grads


def mse_loss(net, x, target):
    out = net(x)
    return torch.sum((out - target.view_as(out)) ** 2) / out.numel()


def graph_walk(loss, steps):
    names, fn = [], loss.grad_fn
    for _ in range(steps):
        names.append(str(fn).split()[0].strip("<"))  # <AddmmBackward0 object at 0x...>
        if not fn.next_functions:
            break
        fn = fn.next_functions[0][0]
    return names


@torch.no_grad()
def sgd_update(net, lr):
    for p in net.parameters():
        p -= lr * p.grad


def train_step(net, criterion, optimizer, x, target):
    net.train()
    loss = criterion(net(x), target)
    optimizer.zero_grad(set_to_none=False)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()


def stale_grads(net, optimizer):
    optimizer.zero_grad()
    stale = []
    for name, p in net.named_parameters():
        if p.grad is not None and not torch.all(p.grad == 0):
            stale.append(name)
    return stale


def exponential_lrs(optimizer, gamma, epochs):
    scheduler = ExponentialLR(optimizer, gamma)
    lrs = []
    while len(lrs) < epochs:
        lrs += [g["lr"] for g in optimizer.param_groups]
        scheduler.step()
    return lrs
