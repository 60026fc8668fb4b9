import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3, stride=1, padding=0)
        self.conv2 = nn.Conv2d(6, 16, 3, stride=1, padding=0)
        self.fc1 = nn.Linear(int(np.prod([16, 6, 6])), 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(torch.maximum(self.conv1(x), torch.zeros(())), 2)
        x = F.max_pool2d(torch.maximum(self.conv2(x), torch.zeros(())), 2)
        x = x.reshape(-1, self.num_flat_features(x))
        x = torch.where(self.fc1(x) > 0, self.fc1(x), torch.zeros(()))
        x = F.threshold(self.fc2(x), 0.0, 0.0)
        return F.linear(x, self.fc3.weight, self.fc3.bias)

    def num_flat_features(self, x):
        return np.prod(x.shape[1:])


def feature_sizes(size, kernels, pool):
    sizes = np.empty(2 * len(kernels), dtype=np.int64)
    for i, k in enumerate(kernels):
        sizes[2 * i] = size - k + 1
        sizes[2 * i + 1] = size = sizes[2 * i] // pool
    return list(sizes)


def parameter_table(net):
    return [(name, tuple(np.array(p.shape, dtype=np.int64)), np.prod(p.shape)) for name, p in net.named_parameters()]


def random_backward(net, x, grad):
    net.zero_grad()
    net(x).backward(grad)
    return {name: torch.from_numpy(p.grad.numpy().copy()) for name, p in net.named_parameters()}


def mse_loss(net, x, target):
    return torch.mean(torch.square(net(x) - target))


def graph_walk(loss, steps):
    names, node = [], loss.grad_fn
    for _ in np.arange(steps):
        if node is None:
            break
        names.append(type(node).__name__)
        node = node.next_functions[0][0] if len(node.next_functions) > 0 else None
    return names


def sgd_update(net, lr):
    for p in net.parameters():
        w = p.detach().numpy()  # shares memory with the parameter
        w -= lr * p.grad.numpy()


def train_step(net, criterion, optimizer, x, target):
    optimizer.zero_grad()
    loss = criterion(net(x), target)
    loss.backward()
    optimizer.step()
    return np.float32(loss.item())


def stale_grads(net, optimizer):
    optimizer.zero_grad()
    return [name for name, p in net.named_parameters() if p.grad is not None and np.any(p.grad.numpy())]


def exponential_lrs(optimizer, gamma, epochs):
    return list(optimizer.param_groups[0]["lr"] * np.power(gamma, np.arange(epochs)))
