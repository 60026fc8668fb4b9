"""Plain Python loops over single numbers, as one would compute on paper."""

import math

import torch


def q_forward(a, b):
    out = torch.empty_like(a)
    flat_a, flat_b = a.flatten().tolist(), b.flatten().tolist()
    values = []
    for i in range(len(flat_a)):
        values.append(3 * flat_a[i] ** 3 - flat_b[i] ** 2)
    out = torch.tensor(values, dtype=a.dtype).reshape(a.shape)
    return out


def q_backward(a, b, grad_q):
    grad_a = torch.zeros(a.numel(), dtype=a.dtype)
    grad_b = torch.zeros(b.numel(), dtype=b.dtype)
    fa, fb, fg = a.reshape(-1), b.reshape(-1), grad_q.reshape(-1)
    for i in range(a.numel()):
        grad_a[i] = 9 * fa[i].item() ** 2 * fg[i].item()
        grad_b[i] = -2 * fb[i].item() * fg[i].item()
    return grad_a.reshape(a.shape), grad_b.reshape(b.shape)


def q_autograd(a, b, grad_q):
    a1 = a.clone().detach()
    b1 = b.clone().detach()
    a1.requires_grad = True
    b1.requires_grad = True
    q_forward_graph = 3 * a1 * a1 * a1 - b1 * b1
    q_forward_graph.backward(gradient=grad_q)
    return a1.grad, b1.grad


def linear_backward(x, weight, bias, grad_out):
    n, d = x.shape
    o = weight.shape[0]
    grad_x = torch.zeros(n, d, dtype=x.dtype)
    grad_w = torch.zeros(o, d, dtype=x.dtype)
    grad_b = torch.zeros(o, dtype=x.dtype)
    x, weight, grad_out = x.detach(), weight.detach(), grad_out.detach()
    for s in range(n):
        for k in range(o):
            g = grad_out[s, k]
            grad_b[k] += g
            for j in range(d):
                grad_x[s, j] += g * weight[k, j]
                grad_w[k, j] += g * x[s, j]
    return grad_x, grad_w, grad_b


def relu_backward(x, grad_out):
    result = grad_out.detach().clone()
    xs = x.detach().reshape(-1)
    flat = result.reshape(-1).clone()
    for i in range(xs.numel()):
        if xs[i] <= 0:
            flat[i] = 0
    return flat.reshape(x.shape)


def mse_backward(prediction, target):
    n = 1
    for s in prediction.shape:
        n = n * s
    values = [2 * (p - t) / n for p, t in zip(prediction.flatten().tolist(), target.flatten().tolist())]
    return torch.tensor(values, dtype=prediction.dtype).view(*prediction.shape)


def cross_entropy_backward(logits, labels):
    n, k = logits.shape
    rows = []
    for row, label in zip(logits.tolist(), labels.tolist()):
        m = max(row)
        e = [math.exp(z - m) for z in row]
        total = sum(e)
        rows.append([(e[j] / total - (1 if j == label else 0)) / n for j in range(k)])
    return torch.tensor(rows, dtype=logits.dtype)


def mlp_backward(x, w1, b1, w2, b2, labels):
    x, w1, b1, w2, b2 = x.detach(), w1.detach(), b1.detach(), w2.detach(), b2.detach()
    grads = {"w1": torch.zeros_like(w1), "b1": torch.zeros_like(b1), "w2": torch.zeros_like(w2), "b2": torch.zeros_like(b2)}
    n = x.shape[0]
    for s in range(n):  # one sample after the other
        z = w1.mv(x[s]) + b1
        h = torch.clamp(z, min=0)
        logits = w2.mv(h) + b2
        e = torch.exp(logits - logits.max())
        p = e / e.sum()
        p[labels[s]] -= 1
        p = p / n
        grads["b2"] += p
        grads["w2"] += torch.outer(p, h)
        back = w2.t().mv(p)
        for j in range(len(back)):
            if z[j] <= 0:
                back[j] = 0.0
        grads["b1"] += back
        grads["w1"] += torch.outer(back, x[s])
    return grads


def conv_backward(x, weight, grad_out):
    gx = torch.zeros(x.shape, dtype=x.dtype)
    gw = torch.zeros(weight.shape, dtype=weight.dtype)
    k = weight.shape[-1]
    x, weight, grad_out = x.detach(), weight.detach(), grad_out.detach()
    for n in range(grad_out.shape[0]):
        for o in range(grad_out.shape[1]):
            for i in range(grad_out.shape[2]):
                for j in range(grad_out.shape[3]):
                    g = grad_out[n, o, i, j]
                    gx[n, :, i:i + k, j:j + k] += g * weight[o]
                    gw[o] += g * x[n, :, i:i + k, j:j + k]
    return gx, gw


def vector_jacobian(f, x, v):
    result = torch.zeros_like(x)
    for m in range(len(v)):
        leaf = torch.tensor(x.tolist(), dtype=x.dtype, requires_grad=True)
        f(leaf)[m].backward()
        result += v[m] * leaf.grad
    return result.detach()


def accumulate(losses, w):
    total = torch.zeros_like(w)
    for i in range(len(losses)):
        loss = losses[i](w)
        loss.backward()
        total = total + w.grad
        w.grad.zero_()
    return total


def freeze_all_but(module, name):
    for p in module.parameters():
        p.requires_grad = False
    for child_name, child in module.named_children():
        if child_name == name:
            for p in child.parameters():
                p.requires_grad = True
    names = []
    for n, p in module.named_parameters():
        if p.requires_grad:
            names.append(n)
    return names


def sgd_step(params, lr):
    for i in range(len(params)):
        if params[i].grad is None:
            continue
        params[i].data = params[i].data - lr * params[i].grad.data
        params[i].grad.zero_()
