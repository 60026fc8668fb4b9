import warnings

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import Module, Linear, Conv2d
from torch.nn.functional import *
import torch.nn as nn

warnings.warn("module level")


class Net(nn.Module):
    def __init__(self, num_classes: int = 10, *, verbose: bool = False) -> None:
        super(Net, self).__init__()
        self.verbose = verbose
        self.conv1 = nn.Conv2d(in_channels=1, out_channels=6, kernel_size=3)
        self.conv2 = nn.Conv2d(in_channels=6, out_channels=16, kernel_size=3)
        self.fc1 = nn.Linear(in_features=16 * 6 ** 2, out_features=120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)
        self.features = nn.Sequential(self.conv1, nn.ReLU(), nn.MaxPool2d(2), self.conv2, nn.ReLU(), nn.MaxPool2d(2))
        self.classifier = nn.ModuleList([self.fc1, self.fc2, self.fc3])
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))
        self.hook = self.fc3.register_forward_hook(lambda m, i, o: print("fc3", o.shape) if verbose else None)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight)

    def forward(self, x):
        self.calls += 1
        x = self.features(x)
        x = x.reshape(x.size(0), self.num_flat_features(x))
        for i, fc in enumerate(self.classifier):
            x = fc(x) if i == len(self.classifier) - 1 else fc(x).relu()
        return x

    @classmethod
    def num_flat_features(cls, x):
        return np.prod(x.shape[1:])


def feature_sizes(size, kernels, pool):
    """by really running layers on meta"""
    x = torch.empty(1, 1, size, size, device="meta")
    res = []
    for k in kernels:
        x = nn.Conv2d(1, 1, k, device="meta")(x)
        res.append(x.shape[-1])
        x = nn.functional.max_pool2d(x, pool)
        res.append(x.shape[-1])
    return np.array(res).tolist()


def parameter_table(net):
    table = []
    for name, p in net.named_parameters():
        table.append([name, list(p.shape), np.int64(p.numel())])
    return table


def random_backward(net, x, grad):
    for p in net.parameters():
        p.grad = None
    (net(x) * grad).sum().backward()
    res = {}
    for name, p in net.named_parameters():
        res[name] = p.grad
        p.grad = None
    return res


def mse_loss(net, x, target):
    return ((net(x).squeeze(0) - target.squeeze(0)) ** 2).mean()


def graph_walk(loss, steps):
    res, fn = [], loss.grad_fn
    for _ in range(steps):
        res.append(str(fn).split(" ")[0].strip("<"))
        if len(fn.next_functions) == 0:
            break
        fn = fn.next_functions[0][0]
    return res


@torch.no_grad()
def sgd_update(net, lr):
    v = nn.utils.parameters_to_vector(net.parameters())
    g = nn.utils.parameters_to_vector(p.grad for p in net.parameters())
    nn.utils.vector_to_parameters(v - lr * g, net.parameters())


def train_step(net, criterion, optimizer, x, target):
    net.train()
    optimizer.zero_grad()
    loss = criterion(net(x), target)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach().cpu().numpy()


def stale_grads(net, optimizer):
    optimizer.zero_grad()
    stale = []
    for name, p in net.named_parameters():
        if p.grad is None:
            continue
        if float(p.grad.abs().sum()) != 0.0:
            stale.append(name)
    return stale


def exponential_lrs(optimizer, gamma, epochs):
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=gamma)
    lrs = []
    for epoch in range(epochs):
        lrs.append(np.float64(optimizer.param_groups[0]["lr"]))
        optimizer.zero_grad()
        optimizer.step()
        scheduler.step()
    return lrs
