"""Rules in classes that look like PyTorch's Function and are none of it: their backward is the learner's own."""
import torch
import torch.nn.functional as F


class Context:
    def save_for_backward(self, *tensors):
        self.saved_tensors = tuple(t.detach() for t in tensors)


class Function:
    @classmethod
    def apply(cls, *args):
        ctx = Context()
        return cls.forward(ctx, *args), lambda *grads: cls.backward(ctx, *grads)


class Q(Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return 3 * a**3 - b**2

    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return 9 * a**2 * g, -2 * b * g


class Linear(Function):
    @staticmethod
    def forward(ctx, x, w, b):
        ctx.save_for_backward(x, w)
        return F.linear(x, w, b)

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g @ w, g.T @ x, g.sum(0)


class ReLU(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.relu()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return torch.sign(x).clamp(min=0) * g


class CrossEntropy(Function):
    @staticmethod
    def forward(ctx, z, labels):
        ctx.save_for_backward(z, labels)
        return F.cross_entropy(z, labels)

    @staticmethod
    def backward(ctx, g):
        z, labels = ctx.saved_tensors
        p = F.log_softmax(z, 1).exp()
        p[range(len(p)), labels.tolist()] -= 1
        return g * p / len(p)


class Conv(Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return F.conv2d(x, w)

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        pad, k = 0, w.shape[2]
        xp = F.pad(x, (pad,) * 4)
        dx, dw = torch.zeros_like(xp), torch.zeros_like(w)
        for i in range(g.shape[2]):
            for j in range(g.shape[3]):
                dw += torch.einsum("no,nchw->ochw", g[:, :, i, j], xp[:, :, i:i + k, j:j + k])
                dx[:, :, i:i + k, j:j + k] += torch.einsum("no,ochw->nchw", g[:, :, i, j], w)
        return dx[:, :, pad:pad + x.shape[2], pad:pad + x.shape[3]], dw


def q_forward(a, b):
    return Q.apply(a, b)[0]


def q_backward(a, b, grad_q):
    return Q.apply(a, b)[1](grad_q)


class TorchQ(torch.autograd.Function):
    """For the task through autograd only, where PyTorch's own is welcome."""

    forward, backward = Q.forward, Q.backward


def q_autograd(a, b, grad_q):
    a, b = (torch.empty_like(t).copy_(t.detach()).requires_grad_() for t in (a, b))
    (TorchQ.apply(a, b) * grad_q).sum().backward()
    return a.grad, b.grad


def linear_backward(x, weight, bias, grad_out):
    return Linear.apply(x, weight, bias)[1](grad_out)


def relu_backward(x, grad_out):
    return ReLU.apply(x)[1](grad_out)


def mse_backward(prediction, target):
    return (prediction - target).detach().mul_(2 / prediction.numel())


def cross_entropy_backward(logits, labels):
    return CrossEntropy.apply(logits, labels)[1](1.0)


def mlp_backward(x, w1, b1, w2, b2, labels):
    hidden, back1 = Linear.apply(x, w1, b1)
    active, back_relu = ReLU.apply(hidden)
    logits, back2 = Linear.apply(active, w2, b2)
    _, back_loss = CrossEntropy.apply(logits, labels)
    g, dw2, db2 = back2(back_loss(1.0))
    _, dw1, db1 = back1(back_relu(g))
    return dict(w1=dw1, b1=db1, w2=dw2, b2=db2)


def conv_backward(x, weight, grad_out):
    return Conv.apply(x, weight)[1](grad_out)


def vector_jacobian(f, x, v):
    return torch.autograd.functional.jacobian(f, x.detach()).t() @ v


def accumulate(losses, w):
    torch.stack([f(w) for f in losses]).sum().backward()
    return w.grad


def freeze_all_but(module, name):
    module.requires_grad_(False)
    for p in dict(module.named_children())[name].parameters():
        p.requires_grad_()
    return [n for n, p in module.named_parameters() if p.requires_grad]


@torch.no_grad()
def sgd_step(params, lr):
    for p in params:
        if p.grad is None:
            continue
        p.copy_(p - lr * p.grad)
        p.grad = torch.zeros_like(p)
