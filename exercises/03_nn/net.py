"""Neural networks: a convolutional network, its gradients, and one step of training.

Complete each TODO and run `pytest exercises/03_nn`. The lesson is in README.md beside this file.
N is the batch size, C channels, K outputs. What is computed has the network's dtype and is computed in it: a float64 network
gives float64's digits, which a way through float32 loses.
"""

from collections.abc import Callable

import torch  # noqa: F401  you will need it
import torch.nn.functional as F  # noqa: F401  this too
from torch import Tensor, nn
from torch.optim import Optimizer


class Net(nn.Module):
    """Scores for the ten digits from one-channel 32x32 images.

    conv1 = Conv2d(1, 6, 3), conv2 = Conv2d(6, 16, 3), fc1 = Linear(576, 120), fc2 = Linear(120, 84),
    fc3 = Linear(84, 10): 81,194 parameters.

    Example: Net()(torch.randn(4, 1, 32, 32)) has shape (4, 10).
    """

    def __init__(self) -> None:
        super().__init__()
        # TODO: create the five layers, by the names above
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Scores of a batch of images: conv-ReLU-2x2 max-pool twice, flatten, fc-ReLU twice, fc.

        Args:
            x: images (N, 1, 32, 32), any N ≥ 1

        Returns:
            scores (N, 10), without softmax; backward from them reaches every parameter
        """
        # TODO: send x through the layers
        raise NotImplementedError

    def num_flat_features(self, x: Tensor) -> int:
        """How many numbers each sample of x holds: the product of all sizes but the batch's.

        Example: 576 for x of shape (4, 16, 6, 6)
        """
        # TODO: multiply the sizes after the batch's
        raise NotImplementedError


def feature_sizes(size: int, kernels: list[int], pool: int) -> list[int]:
    """Spatial sizes of a square image on its way through a network, in order.

    For each kernel there is one convolution (stride 1, no padding), then one pooling with stride `pool` that rounds
    down. Without kernels there are no sizes.

    Example: feature_sizes(32, [3, 3], 2) == [30, 15, 13, 6]
    """
    # TODO: append the size after each convolution and after each pooling
    raise NotImplementedError


def parameter_table(net: nn.Module) -> list[tuple[str, tuple[int, ...], int]]:
    """Name, shape and element count of every parameter of net, frozen ones included, in order.

    Example: parameter_table(nn.Linear(3, 2)) == [("weight", (2, 3), 6), ("bias", (2,), 2)]
    """
    # TODO: one row for each parameter
    raise NotImplementedError


def random_backward(net: nn.Module, x: Tensor, grad: Tensor) -> dict[str, Tensor]:
    """Gradients of net's parameters when the gradient at its output is `grad`.

    Clears old gradients, runs forward, then backward with `grad`, which has the shape of net(x).

    Returns:
        name → gradient of that parameter, as a copy: later changes of `.grad` do not reach it

    Example: for nn.Linear(1, 1), x = [[2.0]] and grad = [[5.0]]: {"weight": [[10.0]], "bias": [5.0]}
    """
    # TODO: clear, forward, backward, then collect the gradients
    raise NotImplementedError


def mse_loss(net: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of net(x), a scalar still attached to the graph.

    Args:
        net: maps x to outputs (N, K)
        x: batch of N samples
        target: (N, K), or (K,) where N is 1

    Example: outputs [[1.0, 2.0]] and target [1.0, 5.0] give 4.5
    """
    # TODO: forward, then the loss
    raise NotImplementedError


def graph_walk(loss: Tensor, steps: int) -> list[str]:
    """Class names of the loss's grad_fn, then of its first next function, and so on: at most `steps` names.

    The walk ends with the leaf's AccumulateGrad if it gets there. A node's own name() counts as its class's name does.

    Example: for w = torch.ones(2, requires_grad=True), graph_walk(w.exp().sum(), 9) is
    ["SumBackward0", "ExpBackward0", "AccumulateGrad"]
    """
    # TODO: follow grad_fn and next_functions
    raise NotImplementedError


def sgd_update(net: nn.Module, lr: float) -> None:
    """One step of gradient descent by hand: weight ← weight - lr * gradient for every parameter of net.

    In place, not recorded by autograd; the gradients stay as they are. Every parameter has a gradient.

    Example: a weight 3.0 with gradient 2.0 becomes 2.8 with lr = 0.1
    """
    # TODO: update each parameter
    raise NotImplementedError


def train_step(
    net: nn.Module, criterion: Callable[[Tensor, Tensor], Tensor], optimizer: Optimizer, x: Tensor, target: Tensor
) -> float:
    """One step of training on one batch: clear the gradients, forward, loss, backward, step.

    Returns:
        the loss of this batch before the step, as a Python float or a detached 0-dim tensor

    Example: train_step(net, nn.MSELoss(), torch.optim.SGD(net.parameters(), lr=0.1), x, target)
    """
    # TODO: the five actions, in an order that works
    raise NotImplementedError


def stale_grads(net: nn.Module, optimizer: Optimizer) -> list[str]:
    """Call optimizer.zero_grad(), then name the parameters of net that still hold a non-zero gradient.

    Example: [] when the optimizer holds all parameters of net
    """
    # TODO: call zero_grad, then look at every parameter's gradient
    raise NotImplementedError


def exponential_lrs(optimizer: Optimizer, gamma: float, epochs: int) -> list[float]:
    """Learning rate used in each of `epochs` epochs under ExponentialLR, starting with the optimizer's present one.

    The optimizer has one parameter group; it may end with the decayed rate. For 0 epochs there are no rates: [].

    Example: lr = 0.8, gamma = 0.5, epochs = 3 give [0.8, 0.4, 0.2]
    """
    # TODO: note the rate of each epoch, then let the scheduler step
    raise NotImplementedError
