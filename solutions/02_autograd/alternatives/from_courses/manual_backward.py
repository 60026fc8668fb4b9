"""As courses teach it: im2col with NumPy's own float64 buffers, every step of the softmax, the Jacobian row by row."""
import math

import numpy as np
import torch
import torch.nn.functional as F


def q_forward(a, b):
    return torch.sub(3 * torch.mul(a, a * a), b.square())


def q_backward(a, b, grad_q):
    with torch.no_grad():
        da, db = torch.full_like(a, 9.0), torch.full_like(b, -2.0)
        da *= a * a
        db *= b
        return da.mul_(grad_q), db.mul_(grad_q)


def q_autograd(a, b, grad_q):
    """Forward mode is autograd too."""
    jac_a, jac_b = torch.func.jacfwd(q_forward, argnums=(0, 1))(a.detach(), b.detach())
    return torch.tensordot(grad_q, jac_a, dims=a.dim()), torch.tensordot(grad_q, jac_b, dims=b.dim())


def linear_backward(x, weight, bias, grad_out):
    dx, dw, db = torch.zeros_like(x), torch.zeros_like(weight), torch.zeros_like(bias)
    with torch.no_grad():
        for n in range(x.shape[0]):
            dx[n] = weight.t().mv(grad_out[n])
            dw += torch.outer(grad_out[n], x[n])
            db += grad_out[n]
    return dx, dw, db


def relu_backward(x, grad_out):
    return torch.heaviside(x.detach(), torch.zeros((), dtype=x.dtype)) * grad_out


def mse_backward(prediction, target):
    difference = prediction.detach() - target
    return difference * 2.0 / math.prod(difference.size())


def cross_entropy_backward(logits, labels):
    logits, n = logits.detach(), len(labels)
    shifted = logits - logits.max(1, keepdim=True).values
    counts = shifted.exp()
    probs = counts * counts.sum(1, keepdim=True) ** -1
    return probs.scatter_add(1, labels[:, None], -torch.ones_like(probs[:, :1])) / n


def mlp_backward(x, w1, b1, w2, b2, labels):
    z1 = F.linear(x, w1, b1).detach()
    a1 = z1 * (z1 > 0)
    z2 = a1 @ w2.detach().T + b2.detach()
    dz2 = cross_entropy_backward(z2, labels)
    dz1 = (dz2 @ w2.detach()).where(z1 > 0, torch.zeros((), dtype=z1.dtype))
    return {"w1": dz1.T @ x, "b1": dz1.sum(0), "w2": dz2.T @ a1, "b2": dz2.sum(0), "loss": None}


def conv_backward(x, weight, grad_out):
    X, W, D = (t.detach().numpy() for t in (x, weight, grad_out))
    (n, c, _, _), (o, _, k, _), (_, _, oh, ow) = X.shape, W.shape, D.shape
    col = np.zeros((n, c, k, k, oh, ow))
    for i in range(k):
        for j in range(k):
            col[:, :, i, j] = X[:, :, i:i + oh, j:j + ow]
    col = col.transpose(0, 4, 5, 1, 2, 3).reshape(n * oh * ow, -1)
    d = D.transpose(0, 2, 3, 1).reshape(-1, o)
    dcol = d.dot(W.reshape(o, -1)).reshape(n, oh, ow, c, k, k).transpose(0, 3, 4, 5, 1, 2)
    dx = np.zeros(X.shape)
    for i in range(k):
        for j in range(k):
            dx[:, :, i:i + oh, j:j + ow] += dcol[:, :, i, j]
    return torch.from_numpy(dx).to(x.dtype), torch.from_numpy(d.T.dot(col).reshape(W.shape)).to(x.dtype)


def vector_jacobian(f, x, v):
    x = x.detach().clone().requires_grad_()
    y = f(x)
    return sum(v[i] * torch.autograd.grad(y[i], x, retain_graph=True)[0] for i in range(len(v)))


def accumulate(losses, w):
    total = None
    for loss in losses:
        copy = w.detach().clone().requires_grad_()
        loss(copy).backward()
        total = copy.grad if total is None else total + copy.grad
    return total


def freeze_all_but(module, name):
    keep = {id(p) for p in module.get_submodule(name).parameters()}
    for p in module.parameters():
        p.requires_grad = id(p) in keep
    return [n for n, p in module.named_parameters() if id(p) in keep]


def sgd_step(params, lr):
    for p in filter(lambda p: p.grad is not None, params):
        p.data.add_(p.grad.data, alpha=-lr)
        p.grad.detach_()
        p.grad.zero_()
