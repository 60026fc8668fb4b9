import torch
from torch import nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        nn.Module.__init__(self)
        sizes = {"fc1": (576, 120), "fc2": (120, 84), "fc3": (84, 10)}
        for name, (fan_in, fan_out) in sizes.items():
            setattr(self, name, nn.Linear(fan_in, fan_out))
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.conv1 = nn.Conv2d(1, 6, 3)

    def forward(self, x):
        for conv in [self.conv1, self.conv2]:
            x = conv(x).clamp(min=0)
            x = F.max_pool2d(x, 2)
        x = x.reshape(len(x), -1)
        for fc in [self.fc1, self.fc2]:
            x = fc(x).clamp(min=0)
        return self.fc3(x)

    def num_flat_features(self, x):
        return torch.tensor(x.shape[1:]).prod()


def feature_sizes(size, kernels, pool):
    size = torch.tensor(size)
    out = []
    for k in kernels:
        size = size - k + 1
        out.append(size)
        size = torch.div(size, pool, rounding_mode="floor")
        out.append(size)
    return out


def parameter_table(net):
    return [(name, p.shape, torch.tensor(p.numel())) for name, p in net.named_parameters()]


def random_backward(net, x, grad):
    net.zero_grad()
    net(x).backward(gradient=grad)
    return {name: torch.clone(p.grad) for name, p in net.named_parameters()}


def mse_loss(net, x, target):
    return F.mse_loss(net(x), torch.atleast_2d(target))


def graph_walk(loss, steps):
    names, fn = [], loss.grad_fn
    while fn is not None and steps > 0:
        names.append(fn.name().split("::")[-1])
        fn = next(iter(fn.next_functions), (None,))[0]
        steps -= 1
    return names


def sgd_update(net, lr):
    for p in net.parameters():
        p.data.add_(p.grad, alpha=-lr)


def train_step(net, criterion, optimizer, x, target):
    optimizer.zero_grad()
    loss = criterion(net(x), target)
    loss.backward()
    optimizer.step()
    return loss.detach()


def stale_grads(net, optimizer):
    optimizer.zero_grad()
    return [name for name, p in net.named_parameters() if p.grad is not None and p.grad.norm() > 0]


def exponential_lrs(optimizer, gamma, epochs):
    lr = torch.tensor(optimizer.param_groups[0]["lr"], dtype=torch.float64)
    return [lr * gamma**epoch for epoch in range(epochs)]
