from collections import OrderedDict

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 3), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(576, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)
        )
        self.conv1, self.conv2 = self.features[0], self.features[3]
        self.fc1, self.fc2, self.fc3 = self.classifier[1], self.classifier[3], self.classifier[5]

    def forward(self, x):
        return self.classifier(self.features(x))

    def num_flat_features(self, x):
        return x[0].numel()


def feature_sizes(size, kernels, pool):
    sizes = ()
    for k in kernels:
        conv = size - (k - 1)
        size = (conv - pool) // pool + 1
        sizes += (conv, size)
    return sizes


def parameter_table(net):
    state, names = net.state_dict(), [name for name, _ in net.named_parameters()]
    return tuple([name, list(state[name].shape), state[name].numel()] for name in names)


def random_backward(net, x, grad):
    net.zero_grad()
    torch.autograd.backward([net(x)], [grad])
    return OrderedDict((name, p.grad * 1) for name, p in net.named_parameters())


def mse_loss(net, x, target):
    output = net(x)
    return torch.sum((output - target.reshape_as(output)).pow(2)) / output.numel()


def graph_walk(loss, steps):
    node, names = loss.grad_fn, []
    for _ in range(steps):
        names += [str(type(node).__name__)]
        if type(node).__name__ == "AccumulateGrad":
            break
        node = node.next_functions[0][0]
    return tuple(names)


@torch.no_grad()
def sgd_update(net, lr):
    for p in net.parameters():
        p.copy_(p - lr * p.grad)


def train_step(net, criterion, optimizer, x, target):
    output = net(x)
    loss = criterion(output, target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.cpu().detach().numpy().item()


def stale_grads(net, optimizer):
    optimizer.zero_grad()
    left = {name for name, p in net.named_parameters() if p.grad is not None and p.grad.ne(0).any()}
    return tuple(sorted(left))


def exponential_lrs(optimizer, gamma, epochs):
    start = optimizer.param_groups[0]["lr"]
    return tuple(start * gamma**epoch for epoch in range(epochs))
