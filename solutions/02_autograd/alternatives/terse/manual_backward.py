import torch
import torch.nn.functional as F

q_forward = lambda a, b: 3 * a.pow(3) - b.square()
q_backward = lambda a, b, g: [g * 9 * a * a, g * b * -2]


def q_autograd(a, b, g):
    return torch.autograd.grad(q_forward(*(l := [t.detach().requires_grad_() for t in (a, b)])), l, g)


linear_backward = lambda x, w, b, g: (g @ w, g.T @ x, g.sum(0))
relu_backward = lambda x, g: torch.where(x > 0, g, 0)
mse_backward = lambda p, t: (p - t) * (2 / p.numel())
cross_entropy_backward = lambda z, y: (z.softmax(1) - F.one_hot(y, z.size(1))) / len(z)


def mlp_backward(x, w1, b1, w2, b2, y):
    h = F.relu(F.linear(x, w1, b1))
    g = cross_entropy_backward(F.linear(h, w2, b2), y)
    _, gw2, gb2 = linear_backward(h, w2, b2, g)
    _, gw1, gb1 = linear_backward(x, w1, b1, g @ w2 * (h > 0))
    return dict(w1=gw1, b1=gb1, w2=gw2, b2=gb2)


def conv_backward(x, w, g):
    return F.conv_transpose2d(g, w), F.conv2d(x.transpose(0, 1), g.transpose(0, 1)).transpose(0, 1)


vector_jacobian = lambda f, x, v: torch.autograd.functional.vjp(f, x.detach(), v)[1]
accumulate = lambda losses, w: torch.autograd.grad(sum(f(w) for f in losses), w)[0]


def freeze_all_but(m, name):
    m.requires_grad_(False), getattr(m, name).requires_grad_()
    return [n for n, p in m.named_parameters() if p.requires_grad]


@torch.no_grad()
def sgd_step(params, lr):
    for p in (p for p in params if p.grad is not None):
        p -= lr * p.grad
        p.grad = None
