import torch
from torch import Tensor, einsum


def q_forward(a: Tensor, b: Tensor) -> Tensor:
    return 3 * einsum("...,...,...->...", a, a, a) - einsum("...,...->...", b, b)


def q_backward(a: Tensor, b: Tensor, grad_q: Tensor):
    return 9 * einsum("...,...,...->...", a, a, grad_q), -2 * einsum("...,...->...", b, grad_q)


def q_autograd(a, b, grad_q):
    with torch.enable_grad():
        leaves = a.detach().clone().requires_grad_(True), b.detach().clone().requires_grad_(True)
        torch.autograd.backward(q_forward(*leaves), grad_q)
    return tuple(t.grad for t in leaves)


def linear_backward(x, weight, bias, grad_out):
    return einsum("no,od->nd", grad_out, weight), einsum("no,nd->od", grad_out, x), einsum("no->o", grad_out)


def relu_backward(x, grad_out):
    return einsum("...,...->...", grad_out, torch.heaviside(x, torch.zeros((), dtype=x.dtype)))


def mse_backward(prediction, target):
    return torch.sub(prediction, target).mul(2).div(prediction.nelement())


def cross_entropy_backward(logits, labels):
    log_p = logits - torch.logsumexp(logits, dim=-1, keepdim=True)
    p = log_p.exp()
    p[torch.arange(len(labels)), labels] -= 1.0
    return p / labels.numel()


def mlp_backward(x, w1, b1, w2, b2, labels):
    z = einsum("nd,hd->nh", x, w1) + b1
    h = z * (z > 0)
    g = cross_entropy_backward(einsum("nh,kh->nk", h, w2) + b2, labels)
    gz = einsum("nk,kh,nh->nh", g, w2, (z > 0).to(z.dtype))
    return {
        "b2": einsum("nk->k", g),
        "w2": einsum("nk,nh->kh", g, h),
        "b1": einsum("nh->h", gz),
        "w1": einsum("nh,nd->hd", gz, x),
        "x": einsum("nh,hd->nd", gz, w1),
        "loss": 0.0,
    }


def conv_backward(x, weight, grad_out):
    k = weight.shape[-1]
    windows = x.unfold(2, k, 1).unfold(3, k, 1)  # N, C, H', W', k, k
    grad_weight = einsum("nchwij,nohw->ocij", windows, grad_out)
    padded = torch.nn.functional.pad(grad_out, (k - 1,) * 4)
    grad_x = einsum("nohwij,ocij->nchw", padded.unfold(2, k, 1).unfold(3, k, 1), weight.flip(2, 3))
    return [grad_x, grad_weight]


def vector_jacobian(f, x, v):
    jacobian = torch.func.jacrev(f)(x.detach())
    return einsum("m,md->d", v, jacobian)


def accumulate(losses, w):
    return torch.stack([torch.autograd.grad(loss(w), w)[0] for loss in losses]).sum(0)


def freeze_all_but(module, name):
    names = [f"{name}.{n}" for n, _ in getattr(module, name).named_parameters()]
    for n, p in module.named_parameters():
        p.requires_grad = n in names
    return names


def sgd_step(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is None:
                continue
            p.copy_(p - lr * p.grad)
            p.grad = torch.zeros_like(p)
