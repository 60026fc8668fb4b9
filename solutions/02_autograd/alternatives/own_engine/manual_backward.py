"""A tiny own autograd: Node has .backward(), nothing of torch's."""
from __future__ import annotations
import functools, operator
import numpy as np
import torch
import torch.nn.functional as F


class Node:
    def __init__(self, data, parents=(), pull=None, name=""):
        self.data, self.parents, self.pull, self.name = data, parents, pull, name
        self.grad = None

    def accumulate(self, g):
        self.grad = g if self.grad is None else self.grad + g

    def backward(self, grad=None):
        order, seen = [], set()
        def visit(n):
            if id(n) not in seen:
                seen.add(id(n))
                for p in n.parents:
                    visit(p)
                order.append(n)
        visit(self)
        self.grad = grad
        for n in reversed(order):
            if n.pull:
                for p, g in zip(n.parents, n.pull(n.grad)):
                    p.accumulate(g)

    def __mul__(self, other):
        return Node(self.data * other.data, (self, other), lambda g: (g * other.data, g * self.data))

    def __sub__(self, other):
        return Node(self.data - other.data, (self, other), lambda g: (g, -g))

    def scale(self, c):
        return Node(self.data * c, (self,), lambda g: (g * c,))

    def matmul_t(self, w):
        return Node(self.data @ w.data.T, (self, w), lambda g: (g @ w.data, g.T @ self.data))

    def add_row(self, b):
        return Node(self.data + b.data, (self, b), lambda g: (g, g.sum(0)))

    def relu(self):
        mask = (self.data > 0).to(self.data.dtype)
        return Node(self.data * mask, (self,), lambda g: (g * mask,))


def leaves(*tensors):
    return [Node(t.detach()) for t in tensors]


def cubed(n):
    return n * n * n


def q_forward(a, b):
    a, b = leaves(a, b)
    return (cubed(a).scale(3.0) - b * b).data


def q_backward(a, b, grad_q):
    a, b = leaves(a, b)
    (cubed(a).scale(3.0) - b * b).backward(grad_q)
    return a.grad, b.grad


def q_autograd(a, b, grad_q):
    a, b = a.detach().clone(), b.detach().clone()
    a.requires_grad = b.requires_grad = True
    q = 3 * a ** 3 - b ** 2
    q.backward(gradient=grad_q)
    return a.grad, b.grad


def linear_backward(x, weight, bias, grad_out):
    x, w, b = leaves(x, weight, bias)
    x.matmul_t(w).add_row(b).backward(grad_out)
    return x.grad, w.grad, b.grad


def relu_backward(x, grad_out):
    (n,) = leaves(x)
    n.relu().backward(grad_out)
    return n.grad


def mse_backward(prediction, target):
    p, t = leaves(prediction, target)
    d = p - t
    (d * d).scale(1 / d.data.numel()).backward(torch.ones_like(prediction))
    return p.grad


def cross_entropy_backward(logits, labels):
    with torch.no_grad():
        probs = torch.nn.Softmax(dim=-1)(logits)
        probs[torch.arange(logits.size(0)), labels] -= 1.0
        probs /= logits.size(0)
    return probs


def mlp_backward(x, w1, b1, w2, b2, labels):
    x, *ps = leaves(x, w1, b1, w2, b2)
    z = x.matmul_t(ps[0]).add_row(ps[1]).relu().matmul_t(ps[2]).add_row(ps[3])
    z.backward(cross_entropy_backward(z.data, labels))
    return {k: p.grad for k, p in zip(("w1", "b1", "w2", "b2"), ps)}


def conv_backward(x, weight, grad_out):
    x, weight, grad_out = (t.detach().double() if t.dtype == torch.float64 else t.detach() for t in (x, weight, grad_out))
    n, c, h, w = x.shape
    o, _, k, _ = weight.shape
    cols = F.unfold(x, k)                       # N, C*k*k, L
    g = grad_out.reshape(n, o, -1)
    gw = torch.einsum("nol,ncl->oc", g, cols).reshape(weight.shape)
    gx = F.fold(torch.einsum("nol,oc->ncl", g, weight.reshape(o, -1)), (h, w), k)
    return gx, gw


def vector_jacobian(f, x, v):
    leaf = x.detach().clone().requires_grad_(True)
    y = f(leaf)
    y.backward(v)
    return leaf.grad


def accumulate(losses, w):
    w.grad = None
    for l in losses:
        l(w).backward()
    g, w.grad = w.grad, None
    return g


def freeze_all_but(module, name):
    for child, m in module.named_children():
        for p in m.parameters():
            p.requires_grad = child == name
    for p in module.parameters(recurse=False):
        p.requires_grad = False
    return [f"{name}.{n}" for n, _ in getattr(module, name).named_parameters()]


def sgd_step(params, lr):
    for p in params:
        if p.grad is None:
            continue
        p.data = p.data - lr * p.grad.data
        p.grad.zero_()
