"""Prints, warns and logs at import and in every function."""
import logging
import sys
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F

logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
log = logging.getLogger("net")
warnings.warn("this module is chatty", UserWarning)
sys.stderr.write("Traceback (most recent call last): not really\n")
print("FAILED: nothing at all", flush=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        print("making a network", file=sys.stderr)
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.fc1 = nn.Linear(16 * 6 * 6, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        log.debug("input %s", x.shape)
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        print("after conv1", x.shape)
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        print("after conv2", x.shape)
        x = x.flatten(1)
        print("flat", x.shape)
        x = self.fc1(x).relu()
        x = self.fc2(x).relu()
        x = self.fc3(x)
        print("scores", x.data)
        return x

    def num_flat_features(self, x):
        warnings.warn("num_flat_features was called", DeprecationWarning)
        count = 1
        for axis, size in enumerate(x.shape):
            if axis > 0:
                count = count * size
        return count


def feature_sizes(size, kernels, pool):
    sizes = []
    for k in kernels:
        size = size - k + 1
        sizes.append(size)
        while size % pool != 0:
            size -= 1
        size //= pool
        sizes.append(size)
        print(sizes, file=sys.stderr)
    return sizes


def parameter_table(net):
    table = []
    print(f"{'name':20} {'shape':20} count")
    for name, p in net.named_parameters():
        count = 1
        for s in p.shape:
            count *= s
        print(f"{name:20} {tuple(p.shape)!s:20} {count}")
        table.append((name, tuple(p.shape), count))
    return table


def random_backward(net, x, grad):
    print("before", [p.grad for p in net.parameters()])
    net.zero_grad()
    out = net(x)
    out.backward(grad, retain_graph=True)
    print("after", [p.grad for p in net.parameters()])
    return {name: p.grad + 0.0 for name, p in net.named_parameters()}


def mse_loss(net, x, target):
    output = net(x)
    loss = F.mse_loss(output, target)  # a target of shape (K,) is broadcast, with a warning
    print("loss", loss, float(loss))
    return loss


def graph_walk(loss, steps):
    names = []
    fn = loss.grad_fn
    while len(names) < steps:
        print(fn)
        names.append(type(fn).__name__)
        if not fn.next_functions:
            break
        fn = fn.next_functions[0][0]
    return names


def sgd_update(net, lr):
    with torch.no_grad():
        for name, p in net.named_parameters():
            warnings.warn(f"updating {name}")
            p += -lr * p.grad


def train_step(net, criterion, optimizer, x, target):
    net.zero_grad()
    optimizer.zero_grad()
    loss = criterion(net(x), target)
    print("loss before the step:", loss, file=sys.stderr)
    loss.backward()
    optimizer.step()
    return float(loss)


def stale_grads(net, optimizer):
    log.warning("zero_grad on %s", optimizer)
    optimizer.zero_grad()
    names = []
    for name, p in net.named_parameters():
        print(name, p.grad)
        if p.grad is not None and bool((p.grad != 0).any()):
            names.append(name)
    return names


def exponential_lrs(optimizer, gamma, epochs):
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma)
    lrs = []
    for _ in range(epochs):
        lrs.append(optimizer.param_groups[0]["lr"])
        scheduler.step()  # PyTorch warns: the optimizer has not stepped
    return lrs
