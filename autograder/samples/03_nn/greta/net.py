from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ExponentialLR


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.fc1 = nn.Linear(576, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)   # -> (N, 6, 15, 15)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)   # -> (N, 16, 6, 6)
        x = x.view(-1, 576)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)

    def num_flat_features(self, x: Tensor) -> int:
        n = 1
        for s in x.size():
            n *= s
        return n


def feature_sizes(size: int, kernels: list[int], pool: int) -> list[int]:
    out = []
    for k in kernels:
        size = size - k + 1
        out.append(size)
        size = size // pool
        out.append(size)
    return out


def parameter_table(net: nn.Module) -> list[tuple[str, tuple[int, ...], int]]:
    return [(name, tuple(p.shape), p.numel()) for name, p in net.named_parameters()]


def random_backward(net: nn.Module, x: Tensor, grad: Tensor) -> dict[str, Tensor]:
    net.zero_grad()
    net(x).backward(grad)
    return {name: p.grad.clone() for name, p in net.named_parameters()}


def mse_loss(net: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    return nn.MSELoss()(net(x), target)


def graph_walk(loss: Tensor, steps: int) -> list[str]:
    names = []
    node = loss.grad_fn
    while node and len(names) < steps:
        names.append(type(node).__name__)
        node = node.next_functions[0][0] if node.next_functions else None
    return names


@torch.no_grad()
def sgd_update(net: nn.Module, lr: float) -> None:
    for p in net.parameters():
        p.add_(p.grad, alpha=-lr)


def train_step(
    net: nn.Module, criterion: Callable[[Tensor, Tensor], Tensor], optimizer: Optimizer, x: Tensor, target: Tensor
) -> float:
    optimizer.zero_grad()
    loss = criterion(net(x), target)
    loss.backward()
    optimizer.step()
    return loss.item()


def stale_grads(net: nn.Module, optimizer: Optimizer) -> list[str]:
    net.zero_grad()
    return [name for name, p in net.named_parameters() if p.grad is not None and p.grad.any()]


def exponential_lrs(optimizer: Optimizer, gamma: float, epochs: int) -> list[float]:
    scheduler = ExponentialLR(optimizer, gamma)
    lrs = []
    for _ in range(epochs):
        lrs.append(scheduler.get_last_lr()[0])
        scheduler.step()
    return lrs


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for _ in range(3):
    print(train_step(net, nn.MSELoss(), optimizer, torch.randn(4, 1, 32, 32), torch.randn(4, 10)))
