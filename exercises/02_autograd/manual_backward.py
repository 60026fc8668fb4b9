"""Gradients by hand, and through autograd. Read README.md first.

N is the batch size, D the features in, H the hidden features, O the features (or channels) out, K the classes.
In tasks marked "by hand", write the derivative out yourself: no backward(), nothing of torch.autograd (no class built on
its Function either) or torch.func, no difference quotients. Every function returns new tensors of the inputs' dtype,
computed in that dtype (float64 inputs give float64's digits, which a way through float32 loses), and leaves its inputs as
they were, unless its text says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable

import torch  # noqa: F401  you will need it
from torch import Tensor, nn


def q_forward(a: Tensor, b: Tensor) -> Tensor:
    """Compute Q = 3a³ - b², element by element; a, b and Q have the same shape.

    Example: a = [2.], b = [6.] gives [-12.], because 3·8 - 36 = -12.
    """
    # TODO: one line.
    raise NotImplementedError


def q_backward(a: Tensor, b: Tensor, grad_q: Tensor) -> tuple[Tensor, Tensor]:
    """By hand: the gradients of Σ grad_q·Q with respect to a and b; all tensors have the same shape.

    Example: a = [2.], b = [6.], grad_q = [1.] gives ([36.], [-12.]).
    """
    # TODO: the local derivatives dQ/da and dQ/db, each times the gradient that arrives from above.
    raise NotImplementedError


def q_autograd(a: Tensor, b: Tensor, grad_q: Tensor) -> tuple[Tensor, Tensor]:
    """Through autograd: the same two gradients.

    a and b may or may not require grad, and may hold an old .grad. Leave them exactly as you found them.
    Example: a = [2.], b = [6.], grad_q = [1.] gives ([36.], [-12.]).
    """
    # TODO: make leaves of your own, compute Q from them, and give autograd the external gradient grad_q.
    raise NotImplementedError


def linear_backward(x: Tensor, weight: Tensor, bias: Tensor, grad_out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """By hand: through y = x weightᵀ + bias, the gradients of x, weight and bias.

    x (N, D), weight (O, D), bias (O,), grad_out (N, O) → tensors of the shapes (N, D), (O, D), (O,).
    Example: x = [[1., 2.]], weight = [[3., 4.]], bias = [5.], grad_out = [[10.]]
    gives ([[30., 40.]], [[10., 20.]], [10.]).
    """
    # TODO: write the three shapes down; only one product of matrices fits each.
    raise NotImplementedError


def relu_backward(x: Tensor, grad_out: Tensor) -> Tensor:
    """By hand: through y = max(x, 0), the gradient of x; at x = 0 it is 0. x and grad_out have the same shape.

    Example: x = [-1., 0., 2.], grad_out = [5., 5., 5.] gives [0., 0., 5.].
    """
    # TODO
    raise NotImplementedError


def mse_backward(prediction: Tensor, target: Tensor) -> Tensor:
    """By hand: the gradient of the mean of (prediction - target)² over all elements; the shape of prediction.

    Example: prediction = [4., 1.], target = [1., 1.] gives [3., 0.].
    """
    # TODO
    raise NotImplementedError


def cross_entropy_backward(logits: Tensor, labels: Tensor) -> Tensor:
    """By hand: the gradient of the cross entropy, averaged over the batch, with respect to the logits.

    logits (N, K), labels (N,) int64 → (N, K). It must stay finite for logits of ±1000.
    Example: logits = [[0., 0.]], labels = [1] gives [[0.5, -0.5]].
    """
    # TODO: softmax minus one-hot, and the mean over the batch.
    raise NotImplementedError


def mlp_backward(x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """By hand: the gradients of cross_entropy(relu(x w1ᵀ + b1) w2ᵀ + b2, labels), averaged over the batch.

    x (N, D), w1 (H, D), b1 (H,), w2 (K, H), b2 (K,), labels (N,) → a dict with the keys "w1", "b1", "w2" and "b2".
    Example: with N = D = H = 1 and K = 2, x = [[1.]], w1 = [[1.]], b1 = [0.], w2 = [[0.], [0.]], b2 = [0., 0.] and
    labels = [1] give {"w1": [[0.]], "b1": [0.], "w2": [[0.5], [-0.5]], "b2": [0.5, -0.5]}.
    """
    # TODO: forward, keeping what the way back needs; then backward, one layer after the other, last layer first.
    raise NotImplementedError


def conv_backward(x: Tensor, weight: Tensor, grad_out: Tensor) -> tuple[Tensor, Tensor]:
    """By hand: through y = conv2d(x, weight) with stride 1, no padding and no bias, the gradients of x and weight.

    x (N, C, H, W), weight (O, C, k, k), grad_out (N, O, H-k+1, W-k+1) → the shapes of x and weight. You may use forward
    functions such as conv2d, conv_transpose2d, unfold and einsum, but nothing of torch.nn.grad.
    Example: x = [[[[1., 2.]]]], weight = [[[[3.]]]], grad_out = [[[[1., 10.]]]]
    gives ([[[[3., 30.]]]], [[[[21.]]]]).
    """
    # TODO: each position (i, j) of the kernel is a linear layer on the window of x that it sees.
    raise NotImplementedError


def vector_jacobian(f: Callable[[Tensor], Tensor], x: Tensor, v: Tensor) -> Tensor:
    """Through autograd: vᵀJ, where J (M, D) is the Jacobian of f: R^D → R^M at x.

    x (D,), v (M,) → (D,). Leave x and its .grad untouched; x may or may not require grad. Inside f there may be a detach():
    what it holds back is a constant for autograd, and so for J.
    Example: f = lambda x: x**2, x = [1., 2.], v = [1., 10.] gives [2., 40.].
    """
    # TODO
    raise NotImplementedError


def accumulate(losses: list[Callable[[Tensor], Tensor]], w: Tensor) -> Tensor:
    """The sum of the gradients of all losses at w, as backward on each of them adds it up in w.grad.

    w is a leaf that requires grad, its .grad is None; each of `losses` maps w to a scalar, and may use detach() on the
    way, which makes a constant. → the shape of w
    Example: losses = [lambda w: (w**2).sum(), lambda w: (5 * w).sum()], w = [1., 2.] gives [7., 9.].
    """
    # TODO
    raise NotImplementedError


def freeze_all_but(module: nn.Module, name: str) -> list[str]:
    """Freeze the module so that exactly the parameters of its child `name` require grad, even if they did not before.

    → the full names of the parameters that require grad now, in the order of module.named_parameters().
    Example: a network with the children conv and fc, and name = "fc", gives ["fc.weight", "fc.bias"].
    """
    # TODO
    raise NotImplementedError


def sgd_step(params: list[Tensor], lr: float) -> None:
    """Take one step of gradient descent: p ← p - lr·p.grad, in the same parameter objects, without recording it.

    Skip parameters whose .grad is None. Afterwards no gradient is left: every .grad is None or zeros.
    Example: p = [1.] with p.grad = [2.] and lr = 0.5 becomes [0.].
    """
    # TODO
    raise NotImplementedError
