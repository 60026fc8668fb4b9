"""By hand with NumPy; PyTorch only where autograd is asked for."""

import numpy as np
import torch


def n(t):
    return t.detach().numpy()


def q_forward(a, b):
    return torch.from_numpy(np.asarray(3 * n(a) ** 3 - n(b) ** 2))


def q_backward(a, b, grad_q):
    a, b, g = n(a), n(b), n(grad_q)
    return torch.from_numpy(9 * a ** 2 * g), torch.from_numpy(-2 * b * g)


def q_autograd(a, b, grad_q):
    a = torch.tensor(n(a), requires_grad=True)
    b = torch.tensor(n(b), requires_grad=True)
    Q = 3 * a ** 3 - b ** 2
    Q.backward(grad_q)
    return a.grad, b.grad


def linear_backward(x, weight, bias, grad_out):
    x, w, g = n(x), n(weight), n(grad_out)
    return torch.from_numpy(g.dot(w)), torch.from_numpy(g.T.dot(x)), torch.from_numpy(np.sum(g, axis=0))


def relu_backward(x, grad_out):
    g = n(grad_out).copy()
    g[n(x) <= 0] = 0
    return torch.from_numpy(g)


def mse_backward(prediction, target):
    d = n(prediction) - n(target)
    return torch.as_tensor(2.0 * d / d.size)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy_backward(logits, labels):
    z = n(logits)
    y = np.eye(z.shape[1], dtype=z.dtype)[n(labels)]
    return torch.from_numpy((softmax(z) - y) / z.shape[0])


def mlp_backward(x, w1, b1, w2, b2, labels):
    x, w1, b1, w2, b2, labels = map(n, (x, w1, b1, w2, b2, labels))
    z1 = x @ w1.T + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ w2.T + b2
    dz2 = softmax(z2)
    dz2[np.arange(len(labels)), labels] -= 1
    dz2 /= len(labels)
    dz1 = (dz2 @ w2) * (z1 > 0)
    grads = {"w1": dz1.T @ x, "b1": dz1.sum(0), "w2": dz2.T @ a1, "b2": dz2.sum(0)}
    return {k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in grads.items()}


def conv_backward(x, weight, grad_out):
    x, w, g = n(x), n(weight), n(grad_out)
    N, C, H, W = x.shape
    O, _, kh, kw = w.shape
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for i in range(H - kh + 1):
        for j in range(W - kw + 1):
            patch = x[:, :, i:i + kh, j:j + kw]
            dw += np.tensordot(g[:, :, i, j], patch, axes=(0, 0))
            dx[:, :, i:i + kh, j:j + kw] += np.tensordot(g[:, :, i, j], w, axes=(1, 0))
    return torch.from_numpy(dx), torch.from_numpy(dw)


def vector_jacobian(f, x, v):
    x = torch.from_numpy(n(x).copy()).requires_grad_()
    (f(x) * v).sum().backward()
    return x.grad


def accumulate(losses, w):
    for f in losses:
        torch.autograd.backward(f(w))
    return torch.from_numpy(w.grad.numpy().copy())


def freeze_all_but(module, name):
    trainable = []
    for key, value in module.named_parameters():
        keep = key.split(".")[0] == name and "." in key
        value.requires_grad_(keep)
        trainable += [key] * keep
    return trainable


def sgd_step(params, lr):
    for p in params:
        if p.grad is not None:
            p.data.numpy()[...] -= lr * p.grad.numpy()
            p.grad = None
