"""Everything with loops over elements, as someone who comes from C would write it."""

import torch


def from_rows(rows):
    result = torch.empty(len(rows), len(rows[0]))
    for r in range(len(rows)):
        for c in range(len(rows[r])):
            result[r][c] = rows[r][c]
    return result


def from_numpy_shared(array):
    return torch.asarray(array)


def like(t):
    ones = torch.empty_like(t)
    ones[...] = 1
    noise = torch.zeros_like(t, dtype=torch.float32)
    noise.uniform_()
    return ones, noise


def describe(t):
    shape = []
    for axis in range(t.dim()):
        shape.append(t.size(axis))
    return tuple(shape), t.dtype, t.device


def zero_column(t, j):
    rows, columns = t.shape
    if j < 0:
        j = columns + j
    result = t.detach().clone()
    for r in range(rows):
        result[r, j] = 0
    return result


def join(a, b):
    rows, columns = a.shape
    wide = torch.empty(rows, 2 * columns, dtype=a.dtype)
    deep = torch.empty(2, rows, columns, dtype=a.dtype)
    with torch.no_grad():
        for r in range(rows):
            for c in range(columns):
                wide[r, c] = a[r, c]
                wide[r, columns + c] = b[r, c]
                deep[0, r, c] = a[r, c]
                deep[1, r, c] = b[r, c]
    return wide, deep


def products(a, b):
    rows, columns = a.shape
    each = torch.zeros(rows, columns, dtype=a.dtype)
    matrix = torch.zeros(rows, rows, dtype=a.dtype)
    for i in range(rows):
        for k in range(columns):
            each[i, k] = a[i, k] * b[i, k]
            for j in range(rows):
                matrix[i, j] += a[i, k] * b[j, k]
    return each, matrix


def add_in_place(t, value):
    for i in range(len(t)):
        t[i] += value
    return t


def flatten_images(x):
    n, c, h, w = x.shape
    result = torch.zeros(n, c * h * w, dtype=x.dtype)
    for i in range(n):
        k = 0
        for channel in range(c):
            for row in range(h):
                for column in range(w):
                    result[i, k] = x[i, channel, row, column]
                    k += 1
    return result


def batch_of_one(image):
    c, h, w = image.shape
    return image.view(1, c, h, w)


def drop_ones(t):
    axis = 0
    while axis < t.dim():
        if t.shape[axis] == 1:
            t = t.squeeze(axis)
        else:
            axis += 1
    return t


def channels_last(image):
    return image.transpose(0, 1).transpose(1, 2)


def to_numpy_shared(t):
    if t.requires_grad:
        return t.detach().numpy()
    return t.numpy()


def as_number(t):
    while t.dim() > 0:
        t = t[0]
    return t.item()


def normalize(images, mean, std):
    result = torch.empty_like(images)
    with torch.no_grad():
        for n in range(images.shape[0]):
            for c in range(images.shape[1]):
                result[n, c] = (images[n, c] - mean[c]) / std[c]
    return result
