"""DLPack, out=, masks by where, layers and buffers of torch.nn: how public code writes these, in one module."""

from operator import attrgetter

import numpy as np
import torch


def from_rows(rows):
    return torch.FloatTensor(rows).clone()


def from_numpy_shared(array):
    return torch.from_dlpack(array)


def like(t):
    return t.new_ones(t.size()), t.new_empty(t.size(), dtype=torch.float32).uniform_(0, 1)


def describe(t):
    _, dtype, device = attrgetter("shape", "dtype", "device")(t)
    return tuple(map(int, t.size())), dtype, device


def zero_column(t, j):
    columns = torch.arange(t.size(1), device=t.device)
    return torch.where(columns == j % t.size(1), torch.zeros_like(t), t)


def join(a, b):
    return torch.column_stack([a, b]), torch.cat([a.unsqueeze(0), b.unsqueeze(0)])


def products(a, b):
    return torch.multiply(a, b), torch.nn.functional.linear(a, b)


def add_in_place(t, value):
    torch.add(t, value, out=t)
    return t


_flatten = torch.nn.Flatten(start_dim=1)


def flatten_images(x):
    return _flatten(x)


def batch_of_one(image):
    return image.expand(1, *image.shape)


def drop_ones(t):
    return torch.squeeze(t, dim=tuple(i for i, s in enumerate(t.shape) if s == 1))


def channels_last(image):
    return image.swapaxes(0, 1).swapaxes(1, 2)


def to_numpy_shared(t):
    with torch.no_grad():
        return t.numpy()


def as_number(t):
    return t.squeeze().tolist()


class Normalize(torch.nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", mean.view(1, -1, 1, 1))
        self.register_buffer("std", std.view(1, -1, 1, 1))

    def forward(self, x):
        return (x - self.mean) / self.std


def normalize(images, mean, std):
    return Normalize(mean, std).eval()(images)
