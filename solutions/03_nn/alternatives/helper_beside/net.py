import itertools

import torch
from torch import nn

import layers
from layers import Base, block


class Net(Base):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.fc1 = nn.Linear(576, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = block(self.conv2, block(self.conv1, x))
        x = x.view(x.shape[0], self.num_flat_features(x))
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


def feature_sizes(size, kernels, pool):
    def after():
        here = size
        for kernel in kernels:
            here += 1 - kernel
            yield here
            here //= pool
            yield here

    return list(after())


def parameter_table(net):
    return [(name, tuple(p.shape), p.shape.numel()) for name, p in net.named_parameters()]


def random_backward(net, x, grad):
    layers.zero(net.parameters())
    net(x).backward(grad)
    return {name: p.grad.clone() for name, p in net.named_parameters()}


def mse_loss(net, x, target):
    output = net(x)
    return torch.nn.functional.mse_loss(output, target.expand_as(output))


def graph_walk(loss, steps):
    from walks import nodes

    return [type(node).__name__ for node in itertools.islice(nodes(loss.grad_fn), steps)]


def sgd_update(net, lr):
    with torch.no_grad():
        torch._foreach_sub_(list(net.parameters()), [lr * p.grad for p in net.parameters()])


def train_step(net, criterion, optimizer, x, target):
    layers.zero(p for group in optimizer.param_groups for p in group["params"])
    loss = criterion(net(x), target)
    loss.backward()
    optimizer.step()
    return loss.item()


def stale_grads(net, optimizer):
    optimizer.zero_grad()
    return [name for name, p in net.named_parameters() if p.grad is not None and p.grad.count_nonzero()]


def exponential_lrs(optimizer, gamma, epochs):
    rate = optimizer.param_groups[0]["lr"]
    return list(itertools.accumulate(range(epochs), lambda lr, _: lr * gamma, initial=rate))[:epochs]
