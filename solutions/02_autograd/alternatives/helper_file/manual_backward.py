import torch

import rules
from rules import backward, softmax_minus_one_hot as probabilities_error


def q_forward(a, b):
    return rules.polynomial(a, b)


def q_backward(a, b, grad_q):
    return tuple(slope * grad_q for slope in rules.polynomial_slopes(a, b))


def q_autograd(a, b, grad_q):
    _, pull_back = torch.func.vjp(rules.polynomial, a.detach(), b.detach())
    return pull_back(grad_q)


linear_backward = rules.linear


def relu_backward(x, grad_out):
    return backward("relu", x, grad_out)


def mse_backward(prediction, target):
    return backward("mse", prediction, target)


def cross_entropy_backward(logits, labels):
    return probabilities_error(logits, labels) / len(labels)


def mlp_backward(x, w1, b1, w2, b2, labels):
    from rules import mlp  # imported when it is needed

    return mlp(x, w1, b1, w2, b2, labels)


def conv_backward(x, weight, grad_out):
    return rules.conv(x, weight, grad_out)


def vector_jacobian(f, x, v):
    return rules.by_autograd(f, x, v)


def accumulate(losses, w):
    return rules.by_autograd(lambda t: sum(loss(t) for loss in losses), w, None)


def freeze_all_but(module, name):
    module.requires_grad_(False)
    module._modules[name].requires_grad_(True)
    return [n for n, p in module.named_parameters() if p.requires_grad]


def sgd_step(params, lr):
    for p in params:
        if p.grad is not None:
            p.data.add_(p.grad, alpha=-lr)
            p.grad = None
