"""Pools before ReLU, asks nodes for their C++ names, updates one long vector, steps with a closure."""

import torch
import torch.nn.functional as F
from torch import nn, optim


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.fc1 = nn.Linear(16 * 6 * 6, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            x = F.relu(F.max_pool2d(conv(x), (2, 2)))  # the largest, then cut at 0: the same as cut, then the largest
        x = x.view(-1, self.num_flat_features(x))
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))

    def num_flat_features(self, x):
        return x.numel() // x.size(0)


def feature_sizes(size, kernels, pool):
    result = []
    for k in kernels:
        result.append(int((size - k + 2 * 0) / 1) + 1)
        size = int((result[-1] - pool) / pool) + 1
        result.append(size)
    return result


def parameter_table(net):
    return [(n, p.size(), p.nelement()) for n, p in net.named_parameters()]


def random_backward(net, x, grad):
    for p in net.parameters():
        p.grad = None
    torch.autograd.backward([net(x)], [grad])
    return {n: p.grad.detach().clone() for n, p in net.named_parameters()}


def mse_loss(net, x, target):
    output = net(x)
    return ((output - target.reshape(output.size(0), -1)) ** 2).mean()


def graph_walk(loss, steps):
    names, node = [], loss.grad_fn
    while node and len(names) < steps:
        names.append(node.name())  # torch::autograd::AccumulateGrad at the leaf
        node = node.next_functions[0][0] if node.next_functions else None
    return names


def sgd_update(net, lr):
    with torch.no_grad():
        weights = nn.utils.parameters_to_vector(net.parameters())
        grads = nn.utils.parameters_to_vector([p.grad for p in net.parameters()])
        nn.utils.vector_to_parameters(weights - lr * grads, net.parameters())


def train_step(net, criterion, optimizer, x, target):
    def closure():
        optimizer.zero_grad()
        loss = criterion(net(x), target)
        loss.backward()
        return loss

    return optimizer.step(closure).item()


def stale_grads(net, optimizer):
    optimizer.zero_grad(set_to_none=False)
    return [n for n, p in net.named_parameters() if p.grad is not None and torch.count_nonzero(p.grad) > 0]


def exponential_lrs(optimizer, gamma, epochs):
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=gamma, last_epoch=-1)
    lrs = []
    for _ in range(epochs):
        lrs.append(optimizer.state_dict()["param_groups"][0]["lr"])
        optimizer.step()
        scheduler.step()
    return lrs
