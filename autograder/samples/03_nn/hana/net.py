from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.fc1 = nn.Linear(576, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.fc3(x)
        return x

    def num_flat_features(self, x: Tensor) -> int:
        return x.shape[1] * x.shape[2] * x.shape[3]  # channels, height, width


def feature_sizes(size: int, kernels: list[int], pool: int) -> list[int]:
    result = []
    for k in kernels:
        result.append(size - k + 1)
        size = (size - k + 1) // pool
        result.append(size)
    return result


def parameter_table(net: nn.Module) -> list[tuple[str, tuple[int, ...], int]]:
    table = []
    for name, p in net.named_parameters():
        table.append((name, tuple(p.shape), p.numel()))
    return table


def random_backward(net: nn.Module, x: Tensor, grad: Tensor) -> dict[str, Tensor]:
    net.zero_grad()
    net(x).backward(grad)
    return {name: p.grad.clone() for name, p in net.named_parameters()}


def mse_loss(net: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    return F.mse_loss(net(x), target)


def graph_walk(loss: Tensor, steps: int) -> list[str]:
    # TODO: follow grad_fn and next_functions
    raise NotImplementedError


def sgd_update(net: nn.Module, lr: float) -> None:
    with torch.no_grad()
        for p in net.parameters():
            p -= lr * p.grad


def train_step(
    net: nn.Module, criterion: Callable[[Tensor, Tensor], Tensor], optimizer: Optimizer, x: Tensor, target: Tensor
) -> float:
    # TODO: the five actions, in an order that works
    raise NotImplementedError


def stale_grads(net: nn.Module, optimizer: Optimizer) -> list[str]:
    # TODO: call zero_grad, then look at every parameter's gradient
    raise NotImplementedError


def exponential_lrs(optimizer: Optimizer, gamma: float, epochs: int) -> list[float]:
    # TODO: note the rate of each epoch, then let the scheduler step
    raise NotImplementedError
