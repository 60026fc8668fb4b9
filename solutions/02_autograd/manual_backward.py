"""Gradients by hand and through autograd.

Shapes: N batch, D features in, H hidden features, O features or channels out, K classes, C channels in.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def q_forward(a: Tensor, b: Tensor) -> Tensor:
    """Q = 3a³ - b², element-wise."""
    return 3 * a**3 - b**2


def q_backward(a: Tensor, b: Tensor, grad_q: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of Σ grad_q·Q with respect to a and b: dQ/da = 9a², dQ/db = -2b."""
    return 9 * a**2 * grad_q, -2 * b * grad_q


def q_autograd(a: Tensor, b: Tensor, grad_q: Tensor) -> tuple[Tensor, Tensor]:
    """The same through autograd; detached leaves keep the caller's a and b out of the graph."""
    a = a.detach().requires_grad_()
    b = b.detach().requires_grad_()
    grad_a, grad_b = torch.autograd.grad(3 * a**3 - b**2, (a, b), grad_outputs=grad_q)
    return grad_a, grad_b


def linear_backward(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,  # noqa: ARG001  no gradient depends on its value
    grad_out: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Through y = x weightᵀ + bias: (N, D), (O, D), (O,), (N, O) → gradients of x, weight and bias."""
    grad_x = grad_out @ weight
    grad_weight = grad_out.t() @ x
    grad_bias = grad_out.sum(0)
    return grad_x, grad_weight, grad_bias


def relu_backward(x: Tensor, grad_out: Tensor) -> Tensor:
    """Through max(x, 0): the gradient passes where x is positive."""
    return grad_out * (x > 0)


def mse_backward(prediction: Tensor, target: Tensor) -> Tensor:
    """The gradient of the mean squared error over all elements."""
    return 2 * (prediction - target) / prediction.numel()


def cross_entropy_backward(logits: Tensor, labels: Tensor) -> Tensor:
    """The gradient of the batch-mean cross entropy: (softmax - one-hot) / N; (N, K), (N,) → (N, K)."""
    grad = logits.softmax(dim=1)
    grad = grad - F.one_hot(labels, logits.shape[1])
    return grad / logits.shape[0]


def mlp_backward(x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Gradients of cross_entropy(relu(x w1ᵀ + b1) w2ᵀ + b2, labels); x (N, D), w1 (H, D), w2 (K, H)."""
    hidden = x @ w1.t() + b1
    active = hidden.clamp(min=0)
    logits = active @ w2.t() + b2

    grad_logits = logits.softmax(dim=1)
    grad_logits = grad_logits - F.one_hot(labels, logits.shape[1])
    grad_logits = grad_logits / x.shape[0]
    grad_active = grad_logits @ w2
    grad_hidden = grad_active * (hidden > 0)
    return {
        "w1": grad_hidden.t() @ x,
        "b1": grad_hidden.sum(0),
        "w2": grad_logits.t() @ active,
        "b2": grad_logits.sum(0),
    }


def conv_backward(x: Tensor, weight: Tensor, grad_out: Tensor) -> tuple[Tensor, Tensor]:
    """Through conv2d(x, weight) with stride 1 and no padding: the gradients of x and weight.

    Each of the k·k positions (i, j) of the kernel is a linear layer on the window of x that it sees.
    """
    height, width = grad_out.shape[2:]
    grad_x, grad_weight = torch.zeros_like(x), torch.zeros_like(weight)
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            window = x[:, :, i : i + height, j : j + width]
            grad_weight[:, :, i, j] = torch.einsum("nohw,nchw->oc", grad_out, window)
            grad_x[:, :, i : i + height, j : j + width] += torch.einsum("nohw,oc->nchw", grad_out, weight[:, :, i, j])
    return grad_x, grad_weight


def vector_jacobian(f: Callable[[Tensor], Tensor], x: Tensor, v: Tensor) -> Tensor:
    """vᵀJ of f: R^D → R^M at x; a detached leaf keeps x and its .grad untouched."""
    x = x.detach().clone().requires_grad_()
    (product,) = torch.autograd.grad(f(x), x, grad_outputs=v)
    return product


def accumulate(losses: list[Callable[[Tensor], Tensor]], w: Tensor) -> Tensor:
    """The sum of the losses' gradients at the leaf w: each backward adds to w.grad."""
    for loss in losses:
        loss(w).backward()
    return w.grad


def freeze_all_but(module: nn.Module, name: str) -> list[str]:
    """Let exactly the parameters of the child `name` require grad; the names of these, in order."""
    trainable = []
    for full_name, parameter in module.named_parameters():
        parameter.requires_grad_(full_name.startswith(f"{name}."))
        if parameter.requires_grad:
            trainable.append(full_name)
    return trainable


def sgd_step(params: list[Tensor], lr: float) -> None:
    """p ← p - lr·p.grad in place, after which no gradient is left."""
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p.sub_(lr * p.grad)
                p.grad = None
