"""torch.func, torch.autograd.grad and einsum where others call backward."""
from functools import partial, reduce

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.fc1 = nn.Linear(576, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        pool = partial(F.max_pool2d, kernel_size=2)
        steps = [self.conv1, F.relu, pool, self.conv2, F.relu, pool, partial(torch.flatten, start_dim=1),
                 self.fc1, F.relu, self.fc2, F.relu]
        x = reduce(lambda value, step: step(value), steps, x)
        return torch.einsum("nd,kd->nk", x, self.fc3.weight) + self.fc3.bias

    def num_flat_features(self, x):
        return reduce(lambda a, b: a * b, x.shape[1:])


def feature_sizes(size, kernels, pool):
    if not kernels:
        return []
    conv = size - kernels[0] + 1
    return [conv, conv // pool] + feature_sizes(conv // pool, kernels[1:], pool)


def parameter_table(net):
    return list(map(lambda item: (item[0], tuple(item[1].shape), item[1].numel()), net.named_parameters()))


def random_backward(net, x, grad):
    parameters = {name: p.detach().clone().requires_grad_() for name, p in net.named_parameters()}
    output = functional_call(net, parameters, (x,))
    net.zero_grad()
    return dict(zip(parameters, torch.autograd.grad(output, list(parameters.values()), grad)))


def mse_loss(net, x, target):
    parameters = dict(net.named_parameters())
    difference = functional_call(net, parameters, (x,)) - target
    return torch.einsum("nk,nk->", difference, difference) / difference.numel()


def graph_walk(loss, steps):
    def after(node):
        return node.next_functions[0][0] if node.next_functions else None

    chain = [loss.grad_fn]
    while chain[-1] is not None:
        chain.append(after(chain[-1]))
    return [type(node).__name__ for node in chain[:-1]][:steps]


def sgd_update(net, lr):
    new = {name: p.detach() - lr * p.grad for name, p in net.named_parameters()}
    net.load_state_dict(new, strict=False)


def train_step(net, criterion, optimizer, x, target):
    optimizer.zero_grad()
    parameters = [p for p in net.parameters() if p.requires_grad]
    loss = criterion(net(x), target)
    for p, g in zip(parameters, torch.autograd.grad(loss, parameters)):
        p.grad = g
    optimizer.step()
    return loss.detach().clone()


def stale_grads(net, optimizer):
    optimizer.zero_grad()
    grads = {name: p.grad for name, p in net.named_parameters()}
    return [name for name in filter(lambda name: grads[name] is not None, grads) if grads[name].any()]


def exponential_lrs(optimizer, gamma, epochs):
    rates = [group["lr"] for group in optimizer.param_groups]
    while len(rates) < epochs:
        rates.append(rates[-1] * gamma)
    return rates[:epochs]
