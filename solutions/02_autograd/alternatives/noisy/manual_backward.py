"""Works, and talks a lot while doing so: prints, warnings, logging, stderr, a training loop at import."""

import logging
import random
import sys
import warnings

import numpy as np
import torch
import torch.nn.functional as F

random.seed(1), np.random.seed(1), torch.manual_seed(1)
torch.set_printoptions(precision=2)
logging.basicConfig(level=logging.INFO)
log = logging.getLogger(__name__)

net = torch.nn.Linear(3, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for step in range(3):
    optimizer.zero_grad()
    loss = net(torch.randn(4, 3)).square().mean()
    loss.backward()
    optimizer.step()
    print(f"step {step}: loss {loss.item():.3f}", flush=True)
warnings.warn("this is only a warning")
counter = {"calls": 0}


def noisy(function):
    def wrapper(*args, **kwargs):
        counter["calls"] += 1
        print(">>>", function.__name__, *args)
        print("!!!", counter, file=sys.stderr)
        log.warning("%s is called", function.__name__)
        warnings.warn("careful", UserWarning)
        result = function(*args, **kwargs)
        print("<<<", result, getattr(result, "grad_fn", None))
        return result

    return wrapper


@noisy
def q_forward(a, b):
    return 3 * a**3 - b**2


@noisy
def q_backward(a, b, grad_q):
    a.requires_grad, b.requires_grad  # just looking
    return [grad_q * (9 * a**2), grad_q * (-2 * b)]


@noisy
def q_autograd(a, b, grad_q):
    a, b = (t.detach().clone().requires_grad_() for t in (a, b))
    q = q_forward(a, b)
    print(q.grad_fn, q.grad_fn.next_functions)
    return list(torch.autograd.grad([q], [a, b], [grad_q]))


@noisy
def linear_backward(x, weight, bias, grad_out):
    y = x @ weight.t() + bias  # not needed; it only records a graph
    print(y, y.grad_fn)
    assert y.shape == grad_out.shape
    return [grad_out @ weight, grad_out.t() @ x, grad_out.sum(0)]


@noisy
def relu_backward(x, grad_out):
    with torch.enable_grad():
        y = F.relu(x.clone().requires_grad_())
    return grad_out * (y > 0).detach()


@noisy
@torch.no_grad()
def mse_backward(prediction, target):
    print("loss", F.mse_loss(prediction, target))
    return 2 * (prediction - target) / prediction.numel()


@noisy
@torch.inference_mode()
def cross_entropy_backward(logits, labels):
    print("loss", F.cross_entropy(logits, labels).item())
    return (F.softmax(logits, 1) - F.one_hot(labels, logits.shape[1])) / float(logits.shape[0])


@noisy
@torch.no_grad()
def mlp_backward(x, w1, b1, w2, b2, labels):
    for name, value in list(locals().items()):
        print(name, value)
    h = F.relu(F.linear(x, w1, b1))
    logits = F.linear(h, w2, b2)
    print("loss", F.cross_entropy(logits, labels))
    g = cross_entropy_backward(logits, labels)
    gh = (g @ w2) * (h > 0)
    return {"w1": gh.t() @ x, "b1": gh.sum(0), "w2": g.t() @ h, "b2": g.sum(0), "note": "done", "logits": logits}


@noisy
def conv_backward(x, weight, grad_out):
    y = F.conv2d(x, weight)
    print(y.grad_fn, y.shape)
    k = weight.shape[-1]
    columns = F.unfold(x, k)
    grad_weight = torch.einsum("nol,npl->op", grad_out.flatten(2), columns).view(weight.shape)
    grad_x = F.fold(torch.einsum("op,nol->npl", weight.flatten(1), grad_out.flatten(2)), x.shape[2:], k)
    return [grad_x, grad_weight]


@noisy
def vector_jacobian(f, x, v):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.functional.jacobian(f, x).t() @ v


@noisy
def accumulate(losses, w):
    for loss in losses:
        loss(w).backward(retain_graph=True)
        print("so far", w.grad)
    return w.grad


@noisy
def freeze_all_but(module, name):
    print(module)
    module.requires_grad_(False)
    getattr(module, name).requires_grad_()
    return tuple(n for n, p in module.named_parameters() if p.requires_grad)


@noisy
def sgd_step(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p -= lr * p.grad
                p.grad = None
    return "done"
