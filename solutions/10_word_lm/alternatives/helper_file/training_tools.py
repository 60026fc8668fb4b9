import contextlib

import torch


@contextlib.contextmanager
def quietly(model):
    """Eval mode and no graph, for as long as it lasts."""
    modes = [(m, m.training) for m in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for m, training in modes:
            m.training = training


def descend(model, lr):
    for p in model.parameters():
        if p.grad is not None:
            p.data = p.data - lr * p.grad


def zero(model):
    for p in model.parameters():
        if p.grad is not None:
            p.grad.detach_().zero_()
