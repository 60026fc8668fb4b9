"""Tensors: create them, change their shape, and know which memory they use."""

import numpy as np
import torch
from torch import Tensor


def from_rows(rows: list[list[float]]) -> Tensor:
    """Return a float32 tensor of shape (R, C) from R rows of C numbers."""
    return torch.tensor(rows, dtype=torch.float32)


def from_numpy_shared(array: np.ndarray) -> Tensor:
    """Return a tensor that uses the array's own memory."""
    return torch.from_numpy(array)


def like(t: Tensor) -> tuple[Tensor, Tensor]:
    """Return ones with t's shape, dtype and device, and float32 noise from [0, 1) with t's shape and device."""
    ones = torch.ones_like(t)
    noise = torch.rand_like(t, dtype=torch.float32)
    return ones, noise


def describe(t: Tensor) -> tuple[tuple[int, ...], torch.dtype, torch.device]:
    """Return t's shape, dtype and device."""
    return tuple(t.shape), t.dtype, t.device


def zero_column(t: Tensor, j: int) -> Tensor:
    """Return a copy of t, of shape (R, C), with zeros in column j."""
    result = t.clone()
    result[:, j] = 0
    return result


def join(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return a and b, both (R, C), side by side as (R, 2C) and stacked as (2, R, C)."""
    side_by_side = torch.cat([a, b], dim=1)
    stacked = torch.stack([a, b], dim=0)
    return side_by_side, stacked


def products(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return the element-wise product (R, C) and the matrix product of a and the transpose of b, (R, R)."""
    elementwise = a * b
    matrix = a @ b.T
    return elementwise, matrix


def add_in_place(t: Tensor, value: float) -> Tensor:
    """Add value to every element of t, in t's own memory, and return t itself."""
    return t.add_(value)


def flatten_images(x: Tensor) -> Tensor:
    """Turn images (N, C, H, W) into rows (N, C·H·W)."""
    return x.flatten(start_dim=1)


def batch_of_one(image: Tensor) -> Tensor:
    """Return a view of one image (C, H, W) as a batch (1, C, H, W)."""
    return image.unsqueeze(0)


def drop_ones(t: Tensor) -> Tensor:
    """Remove every axis of length 1."""
    return t.squeeze()


def channels_last(image: Tensor) -> Tensor:
    """Return a view of the image (C, H, W) with its axes in the order (H, W, C)."""
    return image.permute(1, 2, 0)


def to_numpy_shared(t: Tensor) -> np.ndarray:
    """Return a NumPy array that uses t's own memory, whether or not t requires grad."""
    return t.detach().numpy()


def as_number(t: Tensor) -> int | float:
    """Return the only element of t as a Python number."""
    return t.item()


def normalize(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Subtract each channel's mean from images (N, C, H, W) and divide by its std; mean and std are (C,)."""
    return (images - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)
