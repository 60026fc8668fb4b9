# -*- coding: utf-8 -*-
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class Net(nn.Module):

    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.fc1 = nn.Linear(16 * 6 * 6, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        # Max pooling over a (2, 2) window
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        # If the size is a square you can only specify a single number
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.fc3(x)
        return x

    def num_flat_features(self, x):
        return x.numel() // x.size(0)


def feature_sizes(size, kernels, pool):
    sizes = []
    for k in kernels:
        size = size - k + 1
        sizes.append(size)
        size = int(size / pool)
        sizes.append(size)
    return sizes


def parameter_table(net):
    rows = []
    for name, p in net.named_parameters():
        rows.append([name, list(p.shape), p.numel()])
    return rows


def random_backward(net, x, grad):
    for p in net.parameters():
        p.grad = None
    out = net(x)
    out.backward(grad)
    return {name: p.grad.clone() for name, p in net.named_parameters()}


def mse_loss(net, x, target):
    criterion = nn.MSELoss()
    output = net(x)
    if target.dim() == 1:
        target = target.view(1, -1)
    return criterion(output, target)


def graph_walk(loss, steps):
    names = []
    fn = loss.grad_fn
    for i in range(steps):
        if len(fn.next_functions) == 0:
            break
        names.append(type(fn).__name__)
        fn = fn.next_functions[0][0]
    return names


def sgd_update(net, lr):
    for f in net.parameters():
        f.data.sub_(f.grad.data * lr)


def train_step(net, criterion, optimizer, x, target):
    output = net(x)
    loss = criterion(output, target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def stale_grads(net, optimizer):
    optimizer.zero_grad()
    names = []
    for name, p in net.named_parameters():
        if p.grad is not None and p.grad.norm() != 0:
            names.append(name)
    return names


def exponential_lrs(optimizer, gamma, epochs):
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=gamma)
    lrs = []
    for epoch in range(epochs):
        optimizer.step()
        scheduler.step()
        lrs.append(scheduler.get_last_lr()[0])
    return lrs
