"""Net is an nn.Sequential with names; everything else is functional."""
from collections import OrderedDict
from functools import partial, reduce
from operator import mul

import torch
from torch import nn
from torch.func import functional_call, vjp


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(OrderedDict(
            conv1=nn.Conv2d(1, 6, 3), act1=nn.ReLU(), pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(6, 16, kernel_size=(3, 3)), act2=nn.ReLU(inplace=True), pool2=nn.MaxPool2d((2, 2), stride=2),
            flat=nn.Flatten(),
            fc1=nn.Linear(576, 120), act3=nn.ReLU(inplace=True),
            fc2=nn.Linear(120, 84), act4=nn.ReLU(),
            fc3=nn.Linear(84, 10)))

    @staticmethod
    def num_flat_features(x):
        return reduce(mul, x.size()[1:], 1)


def feature_sizes(size, kernels, pool):
    def go(s, ks):
        if not ks:
            return ()
        c = s - ks[0] + 1
        return (c, c // pool) + go(c // pool, ks[1:])
    return go(size, tuple(kernels))


parameter_table = lambda net: tuple((n, p.shape, p.nelement()) for n, p in net.named_parameters(recurse=True))


def random_backward(net, x, grad):
    net.zero_grad(set_to_none=True)
    params = {k: v.detach() for k, v in net.named_parameters()}
    buffers = {k: b.clone() for k, b in net.named_buffers()}
    _, pull = vjp(lambda p: functional_call(net, (p, {k: b.clone() for k, b in buffers.items()}), (x,)), params)
    return pull(grad)[0]


def mse_loss(net, x, target):
    out = net(x)
    d = (out - target).flatten()
    return torch.dot(d, d) / d.numel()


def graph_walk(loss, steps):
    def names(node):
        while node:
            yield node.name().split("::")[-1]
            node = next((n for n, _ in node.next_functions), None)
    import itertools
    return [*itertools.islice(names(loss.grad_fn), steps)]


def sgd_update(net, lr):
    ps = list(net.parameters())
    with torch.no_grad():
        torch._foreach_add_(ps, [p.grad for p in ps], alpha=-lr)


def train_step(net, criterion, optimizer, x, target):
    def closure():
        optimizer.zero_grad()
        loss = criterion(net(x), target)
        loss.backward()
        return loss
    return optimizer.step(closure).detach()


def stale_grads(net, optimizer):
    optimizer.zero_grad(set_to_none=False)
    return tuple(n for n, p in net.named_parameters() if p.grad is not None and torch.count_nonzero(p.grad) > 0)


def exponential_lrs(optimizer, gamma, epochs):
    s = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda e: gamma ** e)
    out = []
    for _ in range(epochs):
        out += s.get_last_lr()
        s.step()
    return out
