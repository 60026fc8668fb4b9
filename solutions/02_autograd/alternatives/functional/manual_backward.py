"""torch.func where autograd is allowed; vmap, unfold and outer products where it is not."""

import torch
from torch.func import grad, vjp, vmap
from torch.nn import functional as F


@torch.no_grad()
def q_forward(a, b):
    return torch.add(3 * torch.float_power(a, 3).to(a.dtype), torch.square(b), alpha=-1)


@torch.no_grad()
def q_backward(a, b, grad_q):
    return (3 * 3 * a.square()).mul(grad_q), b.mul(-2).mul(grad_q)


def q_autograd(a, b, grad_q):
    with torch.set_grad_enabled(True):
        return grad(lambda a, b: (grad_q * (3 * a**3 - b**2)).sum(), argnums=(0, 1))(a.detach(), b.detach())


def linear_backward(x, weight, bias, grad_out):
    per_sample = vmap(torch.outer)(grad_out, x)
    return F.linear(grad_out, weight.t()), per_sample.sum(0), torch.ones(len(x), dtype=x.dtype) @ grad_out


def relu_backward(x, grad_out):
    return (torch.sgn(x.clamp_min(0)) * grad_out).view_as(x)


def mse_backward(prediction, target):
    return torch.lerp(torch.zeros_like(prediction), prediction - target, 2 / prediction.numel())


def cross_entropy_backward(logits, labels):
    one = vmap(lambda row, label: torch.softmax(row, 0) - (torch.arange(row.numel()) == label).to(row.dtype))
    return one(logits, labels) / labels.shape[0]


def mlp_backward(x, w1, b1, w2, b2, labels):
    def one_sample(x, label):
        z = w1 @ x + b1
        h = torch.relu(z)
        g = torch.softmax(w2 @ h + b2, 0) - (torch.arange(b2.numel()) == label).to(x.dtype)
        gz = torch.where(z > 0, w2.t() @ g, 0.0)
        return {"w1": torch.outer(gz, x), "b1": gz, "w2": torch.outer(g, h), "b2": g}

    return {name: each.mean(0) for name, each in vmap(one_sample)(x, labels).items()}


def conv_backward(x, weight, grad_out):
    o, c, k, _ = weight.shape
    grad_x = F.fold(
        (weight.reshape(o, -1).t() @ grad_out.flatten(2)), output_size=x.shape[-2:], kernel_size=(k, k)
    )
    groups = F.conv2d(
        x.reshape(1, -1, *x.shape[2:]).repeat_interleave(o, 1),
        grad_out.repeat(1, c, 1, 1).reshape(-1, 1, *grad_out.shape[2:]),
        groups=x.shape[0] * c * o,
    )
    return grad_x, groups.view(x.shape[0], c, o, k, k).sum(0).transpose(0, 1)


def vector_jacobian(f, x, v):
    return vjp(f, x.detach())[1](v)[0]


def accumulate(losses, w):
    return sum((grad(loss)(w.detach()) for loss in losses), torch.zeros_like(w).detach())


def freeze_all_but(module, name):
    trainable = dict(module.named_children())[name].requires_grad_()
    for child_name, child in module.named_children():
        if child_name != name:
            child.requires_grad_(False)
    for parameter in module.parameters(recurse=False):
        parameter.requires_grad_(False)
    return [f"{name}.{key}" for key in dict(trainable.named_parameters())]


def sgd_step(params, lr):
    with_grad = [p for p in params if p.grad is not None]
    with torch.no_grad():
        torch._foreach_add_(with_grad, [p.grad for p in with_grad], alpha=-lr)
    for p in params:
        p.grad = None
