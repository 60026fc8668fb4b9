import torch
import torch.nn.functional as F


def _towards(scores, label):
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, label))


def d_loss(real, fake, smooth=0.0):
    return _towards(real, 1.0 - smooth) + _towards(fake, 0.0)


def g_loss(fake):
    return _towards(fake, 1.0)
