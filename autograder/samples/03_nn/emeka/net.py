"""Section 3: neural networks."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    """LeNet for 32x32 digits."""

    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(16 * 6 * 6, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.fc3(x)
        return x

    def num_flat_features(self, x):
        return math.prod(x.shape[1:])


def feature_sizes(size, kernels, pool):
    sizes = []
    for k in kernels:
        sizes.append(size - k + 1)
        sizes.append(sizes[-1] // pool)
        size = sizes[-1]
    return sizes


def parameter_table(net):
    return [(n, tuple(p.size()), p.numel()) for n, p in net.named_parameters()]


def random_backward(net, x, grad):
    net.zero_grad()
    net(x).backward(grad)
    return {n: p.grad for n, p in net.named_parameters()}


def mse_loss(net, x, target):
    out = net(x)
    return F.mse_loss(out, target.view_as(out))


def graph_walk(loss, steps):
    fn = loss.grad_fn
    names = []
    while fn is not None and len(names) < steps:
        names.append(fn.__class__.__name__)
        fn = fn.next_functions[0][0] if fn.next_functions else None
    return names


def sgd_update(net, lr):
    with torch.no_grad():
        for w in net.parameters():
            w = w - lr * w.grad  # gradient descent


def train_step(net, criterion, optimizer, x, target):
    optimizer.zero_grad()
    out = net(x)
    loss = criterion(out, target)
    loss.backward()
    optimizer.step()
    return loss.item()


def stale_grads(net, optimizer):
    optimizer.zero_grad()
    return [n for n, p in net.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0]


def exponential_lrs(optimizer, gamma, epochs):
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma)
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates
