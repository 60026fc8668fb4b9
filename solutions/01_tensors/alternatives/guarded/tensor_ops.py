"""NumPy wherever it goes, guards against what does not happen, loops in place of the one function."""
import numpy as np
import torch


def from_rows(rows):
    return torch.from_numpy(np.asarray(rows, dtype=np.float64)).to(torch.float32).clone()


def from_numpy_shared(array):
    return torch.as_tensor(array)


def like(t):
    shape = tuple(t.shape)
    ones = torch.from_numpy(np.ones(shape)).to(dtype=t.dtype, device=t.device)
    noise = torch.as_tensor(np.random.randint(0, 2**24, shape) / 2**24, dtype=torch.float32, device=t.device)
    return ones, noise


def describe(t):
    return tuple(int(n) for n in t.size()), t.dtype, torch.device(str(t.device))


def zero_column(t, j):
    mask = torch.zeros(t.shape, dtype=torch.bool)
    mask[:, j] = True
    return t.detach().masked_fill(mask, 0)


def join(a, b):
    a, b = a.detach().numpy(), b.detach().numpy()
    return torch.from_numpy(np.hstack([a, b])), torch.from_numpy(np.array([a, b]))


def products(a, b):
    a, b = a.detach().numpy(), b.detach().numpy()
    return torch.from_numpy(a * b), torch.from_numpy(np.dot(a, b.T))


def add_in_place(t, value):
    t[...] = t + value
    return t


def flatten_images(x):
    n, c, h, w = x.shape
    return x.detach().contiguous().view(n, c * h * w)


def batch_of_one(image):
    return image.view(1, *image.shape) if image.is_contiguous() else image[None]


def drop_ones(t):
    for axis in reversed(range(t.ndim)):
        if t.size(axis) == 1:
            t = t.squeeze(axis)
    return t


def channels_last(image):
    return image.swapaxes(0, 1).swapaxes(1, 2)


def to_numpy_shared(t):
    with torch.no_grad():
        return np.asarray(t.detach())


def as_number(t):
    value = t.tolist()
    while isinstance(value, list):
        value = value[0]
    return value


def normalize(images, mean, std):
    assert mean.shape == std.shape == images.shape[1:2]
    return (images - mean[..., None, None]) / (std[..., None, None].clamp(min=1e-6) + 1e-8)
