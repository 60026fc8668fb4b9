"""Right, but loud: output, warnings and log messages everywhere."""

import logging
import sys
import warnings

import torch

logging.basicConfig(level=logging.DEBUG)
log = logging.getLogger(__name__)
print("importing tensor_ops", file=sys.stderr)
warnings.warn("this module warns at import", stacklevel=1)


def loud(function):
    def wrapped(*args):
        print(function.__name__, "is called with", args)
        print("ERROR: FAILED (only a message)", file=sys.stderr)
        warnings.warn(f"{function.__name__} is called", UserWarning, stacklevel=2)
        result = function(*args)
        log.error("result: %s", result)
        sys.stdout.write("\x1b[31mdone\x1b[0m\n")
        return result

    return wrapped


@loud
def from_rows(rows):
    return torch.tensor(rows).float()


@loud
def from_numpy_shared(array):
    return torch.from_numpy(array)


@loud
def like(t):
    return torch.ones_like(t), torch.rand_like(t, dtype=torch.float32)


@loud
def describe(t):
    return tuple(t.shape), t.dtype, t.device


@loud
def zero_column(t, j):
    t = t.clone()
    t[:, j] = 0.0
    return t


@loud
def join(a, b):
    return torch.cat((a, b), 1), torch.stack((a, b), 0)


@loud
def products(a, b):
    return a * b, a @ b.T


@loud
def add_in_place(t, value):
    t[:] = t + value
    return t


@loud
def flatten_images(x):
    return x.flatten(1, 3)


@loud
def batch_of_one(image):
    return image.unsqueeze(0)


@loud
def drop_ones(t):
    return t.squeeze()


@loud
def channels_last(image):
    return image.permute(1, 2, 0)


@loud
def to_numpy_shared(t):
    return t.detach().numpy()


@loud
def as_number(t):
    return t.item()


@loud
def normalize(images, mean, std):
    return (images - mean.unsqueeze(1).unsqueeze(2)) / std.unsqueeze(1).unsqueeze(2)
