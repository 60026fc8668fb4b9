"""The axes are handled in a helper file beside this one, which one function imports late."""

import torch
from shapes import per_channel, rows_of


def from_rows(rows):
    return torch.vstack([torch.tensor(row, dtype=torch.float32) for row in rows])


def from_numpy_shared(array):
    return torch.from_numpy(array)


def like(t):
    return torch.ones_like(t), torch.rand_like(t.to(torch.float32))


def describe(t):
    return tuple(t.shape), t.dtype, t.device


def zero_column(t, j):
    columns = list(t.unbind(1))
    columns[j] = torch.zeros_like(columns[j])
    return torch.stack(columns, dim=1)


def join(a, b):
    return torch.column_stack((a, b)), torch.stack((a, b))


def products(a, b):
    return a.multiply(b), torch.tensordot(a, b, dims=([1], [1]))


def add_in_place(t, value):
    return torch.add(t, value, out=t)


def flatten_images(x):
    return rows_of(x)


def batch_of_one(image):
    from shapes import add_axis

    return add_axis(image)


def drop_ones(t):
    return t.squeeze(tuple(axis for axis, size in enumerate(t.shape) if size == 1))


def channels_last(image):
    return image.moveaxis(0, 2)


def to_numpy_shared(t):
    with torch.no_grad():
        return t.detach().__array__()


def as_number(t):
    return t.flatten()[0].item()


def normalize(images, mean, std):
    return (images - per_channel(mean)) / per_channel(std)
