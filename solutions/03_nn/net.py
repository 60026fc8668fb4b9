"""Neural networks: a convolutional network, its gradients, and one step of training."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ExponentialLR


class Net(nn.Module):
    """Scores for the ten digits from one-channel 32x32 images."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.fc1 = nn.Linear(16 * 6 * 6, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Scores (N, 10), without softmax, of images (N, 1, 32, 32)."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)

    def num_flat_features(self, x: Tensor) -> int:
        """Numbers that each sample of x holds: the product of all sizes but the batch's."""
        return math.prod(x.shape[1:])


def feature_sizes(size: int, kernels: list[int], pool: int) -> list[int]:
    """Spatial size after each convolution (stride 1, no padding) and each pooling of a square image."""
    sizes = []
    for kernel in kernels:
        size = size - kernel + 1
        sizes.append(size)
        size = size // pool
        sizes.append(size)
    return sizes


def parameter_table(net: nn.Module) -> list[tuple[str, tuple[int, ...], int]]:
    """Name, shape and element count of every parameter, in order."""
    return [(name, tuple(p.shape), p.numel()) for name, p in net.named_parameters()]


def random_backward(net: nn.Module, x: Tensor, grad: Tensor) -> dict[str, Tensor]:
    """Gradient of sum(grad · net(x)) by parameter name, as copies."""
    net.zero_grad()
    output = net(x)
    output.backward(grad)
    return {name: p.grad.clone() for name, p in net.named_parameters()}


def mse_loss(net: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of net(x); target (N, K), or (K,) where N is 1."""
    output = net(x)
    return F.mse_loss(output, target.view_as(output))


def graph_walk(loss: Tensor, steps: int) -> list[str]:
    """Class names of at most `steps` nodes, from the loss's grad_fn along the first next_functions."""
    names = []
    node = loss.grad_fn
    while node is not None and len(names) < steps:
        names.append(type(node).__name__)
        node = node.next_functions[0][0] if node.next_functions else None
    return names


def sgd_update(net: nn.Module, lr: float) -> None:
    """Gradient descent in place: weight ← weight - lr * gradient."""
    with torch.no_grad():
        for p in net.parameters():
            p.sub_(lr * p.grad)


def train_step(
    net: nn.Module, criterion: Callable[[Tensor, Tensor], Tensor], optimizer: Optimizer, x: Tensor, target: Tensor
) -> float:
    """One step of training on one batch; the loss before the step."""
    optimizer.zero_grad()
    loss = criterion(net(x), target)
    loss.backward()
    optimizer.step()
    return loss.item()


def stale_grads(net: nn.Module, optimizer: Optimizer) -> list[str]:
    """Parameters whose gradient is still not zero after optimizer.zero_grad()."""
    optimizer.zero_grad()
    return [name for name, p in net.named_parameters() if p.grad is not None and p.grad.any()]


def exponential_lrs(optimizer: Optimizer, gamma: float, epochs: int) -> list[float]:
    """Learning rate of each epoch when it is multiplied by gamma after every epoch."""
    scheduler = ExponentialLR(optimizer, gamma)
    lrs = []
    for _ in range(epochs):
        lrs.append(scheduler.get_last_lr()[0])
        optimizer.step()  # an epoch of training; PyTorch warns where the scheduler steps first
        scheduler.step()
    return lrs
