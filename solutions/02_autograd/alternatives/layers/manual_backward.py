"""Small layer classes with forward and backward, put together like Lego."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch


class Linear:
    def __init__(self, weight, bias):
        self.weight, self.bias = weight, bias
        self.grads = {}

    def forward(self, x):
        self.x = x
        return torch.addmm(self.bias, x, self.weight.t())

    def backward(self, grad):
        self.grads = {"weight": torch.mm(grad.t(), self.x), "bias": grad.sum(dim=0)}
        return torch.mm(grad, self.weight)


class ReLU:
    def forward(self, x):
        self.mask = x.gt(0)
        return x.masked_fill(~self.mask, 0)

    def backward(self, grad):
        return grad.masked_fill(~self.mask, 0)

    def check(self, x):
        """Not part of the work: compares with autograd."""
        x = x.detach().requires_grad_()
        return torch.allclose(torch.autograd.grad(torch.relu(x).sum(), x)[0], (x > 0).to(x.dtype))


class CrossEntropy:
    def forward(self, logits, labels):
        self.p = torch.softmax(logits, dim=-1)
        self.labels = labels
        return -torch.log_softmax(logits, -1).gather(1, labels[:, None]).mean()

    def backward(self):
        grad = self.p.clone()
        grad.scatter_add_(1, self.labels[:, None], torch.full_like(self.labels[:, None], -1, dtype=grad.dtype))
        return grad / len(self.labels)


@dataclass
class Sequential:
    layers: list
    history: list = field(default_factory=list)

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad


class Q:
    """A node of the graph, written out."""

    def __init__(self, a, b):
        self.a, self.b = a, b

    def value(self):
        return 3 * torch.pow(self.a, 3) - torch.pow(self.b, 2)

    def backward(self, grad):
        return 9 * torch.pow(self.a, 2) * grad, -2 * self.b * grad


def q_forward(a, b):
    return Q(a, b).value()


def q_backward(a, b, grad_q):
    return Q(a, b).backward(grad_q)


def q_autograd(a, b, grad_q):
    a, b = torch.nn.Parameter(a.detach().clone()), torch.nn.Parameter(b.detach().clone())
    Q(a, b).value().backward(grad_q)
    return a.grad, b.grad


def linear_backward(x, weight, bias, grad_out):
    layer = Linear(weight, bias)
    layer.forward(x)
    grad_x = layer.backward(grad_out)
    return grad_x, layer.grads["weight"], layer.grads["bias"]


def relu_backward(x, grad_out):
    relu = ReLU()
    relu.forward(x)
    return relu.backward(grad_out)


def mse_backward(prediction, target):
    class MSE:
        def __init__(self):
            self.diff = prediction - target

        def backward(self, grad=1.0):
            return grad * 2.0 * self.diff / self.diff.numel()

    return MSE().backward()


def cross_entropy_backward(logits, labels):
    loss = CrossEntropy()
    loss.forward(logits, labels)
    return loss.backward()


def mlp_backward(x, w1, b1, w2, b2, labels):
    first, second, loss = Linear(w1, b1), Linear(w2, b2), CrossEntropy()
    net = Sequential([first, ReLU(), second])
    loss.forward(net.forward(x), labels)
    net.backward(loss.backward())
    return {"w1": first.grads["weight"], "b1": first.grads["bias"],
            "w2": second.grads["weight"], "b2": second.grads["bias"]}


class Conv:
    def __init__(self, weight):
        self.weight = weight

    def forward(self, x):
        self.x = x
        k = self.weight.shape[-1]
        self.columns = torch.nn.functional.unfold(x, k)  # N, C·k·k, L
        return self.weight.flatten(1) @ self.columns

    def backward(self, grad):
        grad = grad.flatten(2)  # N, O, L
        self.grad_weight = (grad @ self.columns.transpose(1, 2)).sum(0).view_as(self.weight)
        columns = self.weight.flatten(1).t() @ grad
        return torch.nn.functional.fold(columns, self.x.shape[2:], self.weight.shape[-1])


def conv_backward(x, weight, grad_out):
    conv = Conv(weight.contiguous())
    conv.forward(x)
    return conv.backward(grad_out), conv.grad_weight


def vector_jacobian(f, x, v):
    x = x.detach().clone()
    x.requires_grad_()
    y = f(x)
    y.backward(v)
    return x.grad


def accumulate(losses, w):
    class Sum:
        total = 0

    for loss in losses:
        Sum.total = Sum.total + loss(w)
    Sum.total.backward()
    return w.grad.clone()


def freeze_all_but(module, name):
    chosen = {id(p) for p in module.get_submodule(name).parameters()}
    return [n for n, p in module.named_parameters() if p.requires_grad_(id(p) in chosen).requires_grad]


class SGD:
    def __init__(self, params, lr):
        self.params, self.lr = params, lr

    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is not None:
                p.add_(p.grad, alpha=-self.lr)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


def sgd_step(params, lr):
    sgd = SGD(params, lr)
    sgd.step()
    sgd.zero_grad()
