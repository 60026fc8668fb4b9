"""Hooks, batched gradients, sliding windows, one sample at a time: how public code writes these, in one module."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


def q_forward(a, b):
    return torch.addcmul(3 * a ** 3, b, b, value=-1)


class Gradients(NamedTuple):
    a: Tensor
    b: Tensor


@torch.inference_mode()
def q_backward(a, b, grad_q):
    return Gradients(a=(3 * 3) * a.square() * grad_q, b=b.neg().mul(2).mul(grad_q))


def q_autograd(a, b, grad_q):
    seen = {}
    leaves = [t.detach().clone().requires_grad_(True) for t in (a, b)]
    for key, leaf in zip("ab", leaves):
        leaf.register_hook(lambda g, key=key: seen.__setitem__(key, g.clone()))
    with torch.enable_grad():
        (q_forward(*leaves) * grad_q).sum().backward()
    return seen["a"], seen["b"]


def linear_backward(x, weight, bias, grad_out):
    ones = torch.ones(1, grad_out.shape[0], dtype=grad_out.dtype)
    dw = torch.bmm(grad_out.unsqueeze(2), x.unsqueeze(1)).sum(0)
    return grad_out.matmul(weight), dw, (ones @ grad_out).squeeze(0)


def relu_backward(x, grad_out):
    out = torch.clamp_min(x, 0)
    return grad_out.mul(out.ne(0).type_as(grad_out))


def mse_backward(prediction, target):
    return torch.sub(prediction, target).mul_(2).div_(prediction.nelement())


def cross_entropy_backward(logits, labels):
    n = logits.shape[0]
    logit_maxes = logits.max(1, keepdim=True).values
    norm_logits = logits - logit_maxes
    counts = norm_logits.exp()
    counts_sum = counts.sum(1, keepdims=True)
    dlogprobs = torch.zeros_like(logits)
    dlogprobs[range(n), labels] = -1.0 / n
    dnorm = dlogprobs - counts / counts_sum * dlogprobs.sum(1, keepdim=True)
    return dnorm


def mlp_backward(x, w1, b1, w2, b2, labels):
    grads = {k: torch.zeros_like(v) for k, v in (("w1", w1), ("b1", b1), ("w2", w2), ("b2", b2))}
    for xi, yi in zip(x, labels.tolist()):
        z = w1.mv(xi) + b1
        h = z.relu()
        d = torch.softmax(w2.mv(h) + b2, -1)
        d[yi] -= 1.0
        d = d / len(x)
        dz = w2.t().mv(d) * (z > 0)
        grads["w2"] += d.outer(h)
        grads["b2"] += d
        grads["w1"] += dz.outer(xi)
        grads["b1"] += dz
    return grads


def conv_backward(x, weight, grad_out):
    import numpy as np
    from numpy.lib.stride_tricks import sliding_window_view

    xs, ws, gs = (t.detach().cpu().numpy() for t in (x, weight, grad_out))
    k = ws.shape[2]
    dw = np.tensordot(gs, sliding_window_view(xs, (k, k), axis=(2, 3)), axes=((0, 2, 3), (0, 2, 3)))
    gp = np.pad(gs, ((0, 0), (0, 0), (k - 1, k - 1), (k - 1, k - 1)))
    dx = np.einsum("nohwij,ocij->nchw", sliding_window_view(gp, (k, k), axis=(2, 3)), ws[:, :, ::-1, ::-1])
    return torch.tensor(dx, dtype=x.dtype), torch.tensor(dw, dtype=weight.dtype)


def vector_jacobian(f, x, v):
    x = x.detach().clone().requires_grad_()
    y = f(x)
    rows = torch.autograd.grad(y, x, torch.eye(len(v), dtype=y.dtype), is_grads_batched=True)[0]
    return v @ rows


def accumulate(losses, w):
    [loss(w).backward() for loss in losses]
    grad, w.grad = w.grad, None
    return grad


def freeze_all_but(module, name):
    for p in module.parameters(recurse=False):
        p.requires_grad_(False)
    for key, child in module.named_children():
        child.requires_grad_(key == name)
    return [key for key, p in module.named_parameters() if p.requires_grad]


def sgd_step(params, lr):
    opt = torch.optim.SGD(params, lr=lr)
    opt.step()
    opt.zero_grad(set_to_none=False)
