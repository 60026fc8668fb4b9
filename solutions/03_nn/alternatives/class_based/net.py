"""Callable objects and class methods in place of plain functions."""
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR, MultiplicativeLR


class ConvBlock(nn.Conv2d):
    """A convolution that also applies ReLU and pooling."""

    def forward(self, x):
        return nn.functional.max_pool2d(torch.relu(super().forward(x)), 2)


class Hidden(nn.Linear):
    def forward(self, x):
        return torch.relu(super().forward(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = ConvBlock(1, 6, 3)
        self.conv2 = ConvBlock(6, 16, 3)
        self.fc1 = Hidden(576, 120)
        self.fc2 = Hidden(120, 84)
        self.fc3 = nn.Linear(84, 10)
        self._flat = nn.Flatten()

    def forward(self, x):
        for module in self.children():
            if module is not self._flat:
                x = module(x)
            if module is self.conv2:
                x = self._flat(x)
        return x

    def num_flat_features(self, x):
        return self._flat(x).size(1)


@dataclass
class Image:
    size: int

    def convolved(self, kernel):
        return Image(self.size - kernel + 1)

    def pooled(self, pool):
        return Image(self.size // pool)


def feature_sizes(size, kernels, pool):
    image, images = Image(size), []
    for kernel in kernels:
        images.append(image.convolved(kernel))
        images.append(images[-1].pooled(pool))
        image = images[-1]
    return [image.size for image in images]


class Row(tuple):
    @classmethod
    def of(cls, name, parameter):
        return cls((name, parameter.size(), parameter.numel()))


def parameter_table(net):
    return [Row.of(name, p) for name, p in net.named_parameters()]


class Backward:
    def __call__(self, net, x, grad):
        net.zero_grad()
        output = net(x)
        output.backward(grad)
        return self.copies(net)

    @staticmethod
    def copies(net):
        return {name: torch.empty_like(p).copy_(p.grad) for name, p in net.named_parameters()}


random_backward = Backward()


class Loss(nn.MSELoss):
    def __call__(self, net, x, target):
        output = net(x)
        return super().__call__(output, target.reshape(output.shape))


mse_loss = Loss()


class Walk:
    def __init__(self, start):
        self.node = start

    def __iter__(self):
        return self

    def __next__(self):
        if self.node is None:
            raise StopIteration
        name = type(self.node).__name__
        self.node = self.node.next_functions[0][0] if self.node.next_functions else None
        return name


def graph_walk(loss, steps):
    return [name for _, name in zip(range(steps), Walk(loss.grad_fn))]


class GradientDescent(torch.optim.Optimizer):
    def __init__(self, parameters, lr):
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.add_(p.grad, alpha=-group["lr"])


def sgd_update(net, lr):
    GradientDescent(net.parameters(), lr).step()


class Step:
    losses = []

    def __call__(self, net, criterion, optimizer, x, target):
        optimizer.zero_grad()
        loss = criterion(net(x), target)
        loss.backward()
        optimizer.step()
        self.losses.append(loss.item())
        return self.losses[-1]


train_step = Step()


def stale_grads(net, optimizer):
    optimizer.zero_grad()

    class Stale(list):
        def look(self, name, p):
            if p.grad is not None and (p.grad.min() != 0 or p.grad.max() != 0):
                self.append(name)

    stale = Stale()
    for name, p in net.named_parameters():
        stale.look(name, p)
    return stale


def exponential_lrs(optimizer, gamma, epochs):
    schedulers = [MultiplicativeLR(optimizer, lambda epoch: gamma)]
    lrs = []
    for _ in range(epochs):
        lrs.append(schedulers[0].get_last_lr()[0])
        for scheduler in schedulers:
            scheduler.step()
    return lrs
