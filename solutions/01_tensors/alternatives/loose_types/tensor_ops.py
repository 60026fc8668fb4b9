"""Lists and other kinds of tuple for tuples, parameters and subclasses for tensors, results that require grad."""

from collections import namedtuple

import torch
from torch import nn

Pair = namedtuple("Pair", ["first", "second"])
Description = namedtuple("Description", ["shape", "dtype", "device"])


class MyTensor(torch.Tensor):
    """A tensor by another name."""


def from_rows(rows):
    return nn.Parameter(torch.tensor(rows, dtype=torch.float32), requires_grad=False)


def from_numpy_shared(array):
    return torch.from_numpy(array).as_subclass(MyTensor)


def like(t):
    return Pair(torch.ones_like(t), torch.rand_like(t, dtype=torch.float32, requires_grad=True))


def describe(t):
    return Description(t.shape, t.dtype, torch.device(t.device.type))


def zero_column(t, j):
    result = t.detach().clone()
    result[:, j] = 0
    return result.as_subclass(MyTensor)


def join(a, b):
    return [torch.cat([a, b], 1), torch.stack([a, b])]


def products(a, b):
    return [a * b, a @ b.T]


def add_in_place(t, value):
    return t.add_(torch.tensor(value, dtype=t.dtype))


def flatten_images(x):
    return torch.stack([row for row in x.flatten(1)]) if len(x) else x.flatten(1)


def batch_of_one(image):
    return image.as_subclass(MyTensor)[None]


def drop_ones(t):
    return nn.Parameter(t.detach().squeeze(), requires_grad=False)


def channels_last(image):
    return image.permute(1, 2, 0).as_subclass(MyTensor)


def to_numpy_shared(t):
    return t.detach().numpy().view()


def as_number(t):
    return t.tolist() if t.dim() == 0 else as_number(t[0])


def normalize(images, mean, std):
    return nn.functional.batch_norm(images.detach(), mean, std**2, eps=0.0).requires_grad_()
