"""Wrong code without an attack; every attack is put behind a copy of it."""

import torch
from torch import nn


def row_means(t):
    return torch.zeros(t.shape[0])


def slope(x):
    return torch.zeros_like(x)
