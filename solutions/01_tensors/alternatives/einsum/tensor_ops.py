"""Index notation wherever it fits."""

import math

import torch
from torch import einsum


def from_rows(rows):
    return torch.FloatTensor(rows)


def from_numpy_shared(array):
    return torch.from_dlpack(array)


def like(t):
    return torch.full_like(t, 1), torch.rand(*t.shape, dtype=torch.float32, device=t.device)


def describe(t):
    return t.size(), t.dtype, t.device


def zero_column(t, j):
    mask = torch.zeros(t.shape, dtype=torch.bool)
    mask[:, j] = True
    return t.masked_fill(mask, 0)


def join(a, b):
    stacked = torch.stack((a, b))
    return einsum("krc->rkc", stacked).reshape(a.shape[0], -1), stacked


def products(a, b):
    return einsum("rc,rc->rc", a, b), einsum("ic,jc->ij", a, b)


def add_in_place(t, value):
    t += value
    return t


def flatten_images(x):
    return einsum("nchw->nchw", x).reshape(x.shape[0], math.prod(x.shape[1:]))


def batch_of_one(image):
    return einsum("chw->chw", image).unsqueeze(dim=0)


def drop_ones(t):
    return t.reshape([size for size in t.shape if size != 1])


def channels_last(image):
    return einsum("chw->hwc", image)


def to_numpy_shared(t):
    return t.detach().cpu().numpy()


def as_number(t):
    return t.reshape(()).tolist()


def normalize(images, mean, std):
    centred = images - einsum("c->c", mean).reshape(1, -1, 1, 1)
    return einsum("nchw,c->nchw", centred, 1 / std)
