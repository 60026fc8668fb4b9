# -*- coding: utf-8 -*-
"""
A Gentle Introduction to ``torch.autograd``
---------------------------------
``torch.autograd`` is PyTorch's automatic differentiation engine that powers neural network training.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.autograd import Variable, grad  # grad is used below, where it is allowed

a = torch.tensor([2., 3.], requires_grad=True)
b = torch.tensor([6., 4.], requires_grad=True)
Q = 3*a**3 - b**2
external_grad = torch.tensor([1., 1.])
Q.backward(gradient=external_grad)

# check if collected gradients are correct
print(9*a**2 == a.grad)
print(-2*b == b.grad)


def q_forward(a, b):
    return 3*a**3 - b**2


def q_backward(a, b, grad_q):
    # dQ/da = 9a^2 and dQ/db = -2b; not Q.backward(gradient=grad_q)!
    return 9*a**2*grad_q, -2*b*grad_q


def q_autograd(a, b, grad_q):
    a = Variable(a.detach(), requires_grad=True)
    b = Variable(b.detach(), requires_grad=True)
    Q = q_forward(a, b)
    Q.backward(gradient=grad_q)
    return a.grad, b.grad


def linear_backward(x, weight, bias, grad_out):
    grad_x = grad_out.mm(weight)
    grad_weight = grad_out.t().mm(x)
    grad_bias = grad_out.sum(dim=0)
    print(grad_x.size(), grad_weight.size(), grad_bias.size())
    return grad_x, grad_weight, grad_bias


def relu_backward(x, grad_out):
    grad_x = grad_out.clone()
    grad_x[x <= 0] = 0
    return grad_x


def mse_backward(prediction, target):
    y_pred, y = prediction, target
    grad_y_pred = 2.0 * (y_pred - y) / y.nelement()
    return grad_y_pred


def cross_entropy_backward(logits, labels):
    probs = F.softmax(logits, dim=1)
    backward = probs - F.one_hot(labels, num_classes=logits.size(1)).type_as(probs)
    return backward / logits.size(0)


def mlp_backward(x, w1, b1, w2, b2, labels):
    # Forward pass: compute predicted y
    h = x.mm(w1.t()) + b1
    h_relu = h.clamp(min=0)
    y_pred = h_relu.mm(w2.t()) + b2

    # Backprop to compute gradients of w1, b1, w2 and b2 with respect to loss
    grad_y_pred = cross_entropy_backward(y_pred, labels)
    grad_w2 = grad_y_pred.t().mm(h_relu)
    grad_b2 = grad_y_pred.sum(0)
    grad_h_relu = grad_y_pred.mm(w2)
    grad_h = grad_h_relu.clone()
    grad_h[h <= 0] = 0
    grad_w1 = grad_h.t().mm(x)
    grad_b1 = grad_h.sum(0)
    return {'w1': grad_w1, 'b1': grad_b1, 'w2': grad_w2, 'b2': grad_b2}


def conv_backward(x, weight, grad_out):
    k = weight.size(2)
    # full correlation with the turned kernel
    flipped = torch.flip(weight, [2, 3]).transpose(0, 1)
    grad_x = F.conv2d(grad_out, flipped, padding=k - 1)
    grad_weight = torch.zeros_like(weight)
    for n in range(x.size(0)):
        for o in range(weight.size(0)):
            for c in range(weight.size(1)):
                grad_weight[o, c] += F.conv2d(x[n, c][None, None], grad_out[n, o][None, None])[0, 0]
    return grad_x, grad_weight


def vector_jacobian(f, x, v):
    x = x.detach().requires_grad_(True)
    y = f(x)
    return grad(outputs=y, inputs=x, grad_outputs=v)[0]


def accumulate(losses, w):
    for loss in losses:
        out = loss(w)
        out.backward()
        print(w.grad)
    return w.grad


def freeze_all_but(model, name):
    # Freeze all the parameters in the network
    for param in model.parameters():
        param.requires_grad = False
    for param in getattr(model, name).parameters():
        param.requires_grad = True
    return [n for n, p in model.named_parameters() if p.requires_grad]


def sgd_step(params, lr):
    optimizer = optim.SGD(params, lr=lr)
    optimizer.step()
    optimizer.zero_grad()
