import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels=1, out_channels=6, kernel_size=3)
        self.conv2 = nn.Conv2d(in_channels=6, out_channels=16, kernel_size=3)
        self.fc1 = nn.Linear(576, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)
        self.flatten = nn.Flatten()

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(x, kernel_size=2)
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, kernel_size=2)
        x = self.flatten(x)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.fc3(x)
        return F.softmax(x, dim=1)  # probabilities of the ten digits

    def num_flat_features(self, x):
        return x[0].numel()


def feature_sizes(size, kernels, pool):
    result = []
    for kernel in kernels:
        conv = size - (kernel - 1)
        size = conv // pool
        result += [conv, size]
    return result


def parameter_table(net):
    table = []
    for name, param in net.named_parameters():
        table.append((name, param.shape, param.nelement()))
    return table


def random_backward(net, x, grad):
    net.zero_grad()
    output = net(x)
    output.backward(grad)
    gradients = {}
    for name, param in net.named_parameters():
        gradients[name] = param.grad.detach().clone()
    return gradients


def mse_loss(net, x, target):
    prediction = net(x)
    target = target.reshape(prediction.shape)
    return torch.sum((prediction - target) ** 2)


def graph_walk(loss, steps):
    names = []
    node = loss.grad_fn
    for _ in range(steps):
        names.append(type(node).__name__)
        if not node.next_functions:
            break
        node = node.next_functions[0][0]
    return names


def sgd_update(net, lr):
    with torch.no_grad():
        for param in net.parameters():
            param -= lr * param.grad


def train_step(net, criterion, optimizer, x, target):
    optimizer.zero_grad()
    loss = criterion(net(x), target)
    loss.backward()
    optimizer.step()
    return float(loss.detach())


def stale_grads(net, optimizer):
    optimizer.zero_grad()
    stale = []
    for name, param in net.named_parameters():
        if param.grad is not None and torch.any(param.grad != 0):
            stale.append(name)
    return stale


def exponential_lrs(optimizer, gamma, epochs):
    lr = optimizer.param_groups[0]["lr"]
    return [lr * gamma ** epoch for epoch in range(epochs)]
