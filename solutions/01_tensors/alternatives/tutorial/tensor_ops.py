"""In the way of the tutorial: one step a line, and a look at the results."""

from __future__ import print_function

import torch
import numpy as np

x = torch.empty(5, 3)
print(x)
x = torch.rand(5, 3)
print(x)
x = x.new_ones(5, 3, dtype=torch.double)
x = torch.randn_like(x, dtype=torch.float)
print(x.size())


def from_rows(rows):
    data = np.array(rows)
    x_data = torch.from_numpy(data)
    return x_data.float()


def from_numpy_shared(array):
    t = torch.from_numpy(array)
    print(f"t: {t}")
    print(f"n: {array}")
    return t


def like(t):
    x_ones = torch.ones_like(t)  # retains the properties of t
    print(f"Ones Tensor: \n {x_ones} \n")
    x_rand = torch.rand_like(t, dtype=torch.float)  # overrides the datatype of t
    print(f"Random Tensor: \n {x_rand} \n")
    return x_ones, x_rand


def describe(t):
    print(f"Shape of tensor: {t.shape}")
    print(f"Datatype of tensor: {t.dtype}")
    print(f"Device tensor is stored on: {t.device}")
    return t.shape, t.dtype, t.device


def zero_column(t, j):
    tensor = t.clone()
    tensor[:, j] = 0
    print(tensor)
    return tensor


def join(a, b):
    t1 = torch.cat([a, b], dim=1)
    t2 = torch.stack([a, b])
    return t1, t2


def products(a, b):
    z1 = a.mul(b)
    z2 = a.matmul(b.T)
    return z1, z2


def add_in_place(t, value):
    t.add_(value)
    return t


def flatten_images(x):
    return torch.flatten(x, 1)  # flatten all dimensions except batch


def batch_of_one(image):
    input = image.unsqueeze(0)  # torch.nn only supports mini-batches
    return input


def drop_ones(t):
    return t.squeeze()


def channels_last(image):
    # as in imshow of the tutorial, but without leaving PyTorch
    return image.permute(1, 2, 0)


def to_numpy_shared(t):
    n = t.detach().numpy()
    print(f"n: {n}")
    return n


def as_number(t):
    return t.item()


def normalize(images, mean, std):
    mean = mean.view(1, -1, 1, 1)
    std = std.view(1, -1, 1, 1)
    return (images - mean) / std


if __name__ == "__main__":
    print(join(torch.ones(2, 3), torch.zeros(2, 3)))
