"""The rules that manual_backward.py uses."""

import torch


def polynomial(a, b):
    return 3 * a**3 - b**2


def polynomial_slopes(a, b):
    return 9 * a**2, -2 * b


def linear(x, weight, bias, grad_out):
    return grad_out @ weight, grad_out.mT @ x, grad_out.sum(-2)


def backward(rule, *tensors):
    return {"relu": relu, "mse": mse}[rule](*tensors)


def relu(x, grad):
    return grad * torch.sign(torch.relu(x))


def mse(prediction, target):
    return (prediction - target) / (0.5 * prediction.numel())


def softmax_minus_one_hot(logits, labels):
    one_hot = labels[:, None] == torch.arange(logits.shape[1])
    return torch.log_softmax(logits, 1).exp() - one_hot.to(logits.dtype)


def mlp(x, w1, b1, w2, b2, labels):
    z = torch.nn.functional.linear(x, w1, b1)
    h = torch.relu(z)
    g = softmax_minus_one_hot(torch.nn.functional.linear(h, w2, b2), labels) / len(x)
    gh, gw2, gb2 = linear(h, w2, b2, g)
    _, gw1, gb1 = linear(x, w1, b1, backward("relu", z, gh))
    return {"w1": gw1, "b1": gb1, "w2": gw2, "b2": gb2}


def conv(x, weight, grad_out):
    by_sample = [torch.nn.functional.conv2d(s[:, None], g[:, None]) for s, g in zip(x, grad_out)]
    return torch.nn.functional.conv_transpose2d(grad_out, weight), torch.stack(by_sample).sum(0).transpose(0, 1)


def by_autograd(f, x, v):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(f(x), x, v)[0]
