"""Layers as modules, torch.flatten, and some attributes that the exercise does not ask for."""
import torch
import torch.nn as nn
from torch.optim.lr_scheduler import LambdaLR


class Net(nn.Module):
    name = "LeNet"

    def __init__(self, num_classes: int = 10, verbose: bool = False):
        super().__init__()
        torch.manual_seed(0)
        self.conv1 = nn.Conv2d(1, 6, kernel_size=3)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=3)
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
        self.relu = nn.ReLU(inplace=True)
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(p=0.0)
        self.fc1 = nn.Linear(in_features=16 * 6 * 6, out_features=120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)
        self.layers = nn.Sequential(
            self.conv1, self.relu, self.pool, self.conv2, self.relu, self.pool, self.flatten,
            self.fc1, self.relu, self.fc2, self.relu, self.dropout, self.fc3,
        )
        self.verbose = verbose
        self.classes = [str(i) for i in range(num_classes)]
        self.calls = 0
        self.register_buffer("mean", torch.zeros(1), persistent=False)
        for layer in (self.conv1, self.conv2, self.fc1, self.fc2, self.fc3):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        self.calls += 1
        x = self.pool(self.relu(self.conv1(x)))
        x = self.pool(self.relu(self.conv2(x)))
        x = torch.flatten(x, start_dim=1)
        x = self.relu(self.fc1(x))
        x = self.relu(self.fc2(x))
        return self.fc3(self.dropout(x))

    @staticmethod
    def num_flat_features(x):
        return torch.flatten(x, 1).shape[1]

    def extra_repr(self):
        return f"calls={self.calls}"


def feature_sizes(size, kernels, pool):
    """Runs real layers over a row of zeros."""
    x = torch.zeros(1, 1, size)
    sizes = []
    for kernel in kernels:
        for layer in (nn.Conv1d(1, 1, kernel), nn.MaxPool1d(pool)):
            x = layer(x)
            sizes.append(x.shape[-1])
    return sizes


def parameter_table(net):
    table = []

    def visit(module, prefix):
        for name, p in module.named_parameters(recurse=False):
            table.append((prefix + name, tuple(p.shape), p.numel()))
        for name, child in module.named_children():
            visit(child, f"{prefix}{name}.")

    visit(net, "")
    return table


def random_backward(net, x, grad):
    net.zero_grad(set_to_none=True)
    (net(x) * grad).sum().backward()
    grads = {name: p.grad.detach().clone() for name, p in net.named_parameters()}
    net.zero_grad()
    return grads


def mse_loss(net, x, target):
    criterion = nn.MSELoss(reduction="mean")
    output = net(x)
    return criterion(output, target.unsqueeze(0) if target.dim() < output.dim() else target)


def graph_walk(loss, steps):
    def walk(node, left):
        if node is None or left == 0:
            return []
        following = node.next_functions[0][0] if node.next_functions else None
        return [type(node).__name__, *walk(following, left - 1)]

    return walk(loss.grad_fn, steps)


def sgd_update(net, lr):
    torch.optim.SGD(net.parameters(), lr=lr).step()


def train_step(net, criterion, optimizer, x, target):
    net.train()
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = None

    def closure():
        loss = criterion(net(x), target)
        loss.backward()
        return loss

    return optimizer.step(closure).detach()


def stale_grads(net, optimizer):
    optimizer.zero_grad()
    return [n for n, p in net.named_parameters() if p.grad is not None and not torch.equal(p.grad, torch.zeros_like(p))]


def exponential_lrs(optimizer, gamma, epochs):
    scheduler = LambdaLR(optimizer, lambda epoch: gamma**epoch)
    lrs = []
    for _ in range(epochs):
        lrs += scheduler.get_last_lr()
        scheduler.step()
    return lrs
