"""Tensors: create them, change their shape, and know which memory they use.

Complete every function: replace its `raise NotImplementedError`. Unless a function says otherwise, the result has the
input's dtype and device and is computed in that dtype (a float64 input gives float64's digits), and the input is left as
it was. Check your work with `pytest exercises/01_tensors`.
"""

import numpy as np
import torch
from torch import Tensor


def from_rows(rows: list[list[float]]) -> Tensor:
    """Turn R rows of C numbers, floats or ints, into a float32 tensor of shape (R, C).

    Example: from_rows([[1, 2], [3, 4]]) -> tensor([[1., 2.], [3., 4.]])
    """
    # TODO: create a tensor from the rows and choose its dtype
    raise NotImplementedError


def from_numpy_shared(array: np.ndarray) -> Tensor:
    """Return a tensor with the array's shape and dtype that shares its memory: a change of one shows in the other.

    Example: t = from_numpy_shared(array); array[0] = 7.0; t[0] -> tensor(7.)
    """
    # TODO: make a tensor from the array without a copy
    raise NotImplementedError


def like(t: Tensor) -> tuple[Tensor, Tensor]:
    """Return two new tensors of t's shape, on t's device: ones and noise.

    The ones have t's dtype. The noise is uniform in [0, 1), float32 whatever t's dtype, and different at every call.

    Example: like(torch.tensor([5, 6])) -> (tensor([1, 1]), tensor([0.4963, 0.7682]))
    """
    # TODO: ones like t, and random numbers like t but float32
    raise NotImplementedError


def describe(t: Tensor) -> tuple[tuple[int, ...], torch.dtype, torch.device]:
    """Return t's shape, dtype and device.

    Example: describe(torch.zeros(2, 3)) -> ((2, 3), torch.float32, device(type='cpu'))
    """
    # TODO: read three attributes
    raise NotImplementedError


def zero_column(t: Tensor, j: int) -> Tensor:
    """Return a copy of t, of shape (R, C), in which column j is zero; t itself does not change.

    A negative j counts from the end. The column becomes zero whatever it held, nan and inf too.

    Example: zero_column(torch.ones(2, 2), 0) -> tensor([[0., 1.], [0., 1.]])
    """
    # TODO: copy, then assign to one column
    raise NotImplementedError


def join(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Join a and b, both (R, C), in two ways: side by side, (R, 2C), and stacked on a new first axis, (2, R, C).

    Example: join(torch.zeros(1, 2), torch.ones(1, 2))
             -> (tensor([[0., 0., 1., 1.]]), tensor([[[0., 0.]], [[1., 1.]]]))
    """
    # TODO: concatenate along an axis that exists, stack along a new one
    raise NotImplementedError


def products(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return two products of a and b, both (R, C): element by element, (R, C), and the matrix product a bᵀ, (R, R).

    Example: products(torch.tensor([[1., 2.]]), torch.tensor([[3., 4.]])) -> (tensor([[3., 8.]]), tensor([[11.]]))
    """
    # TODO: two different operators
    raise NotImplementedError


def add_in_place(t: Tensor, value: float) -> Tensor:
    """Add value to every element of t, in t's own memory, and return t itself: the same object, no copy.

    Example: t = torch.zeros(2); add_in_place(t, 3.0) is t -> True, and t is now tensor([3., 3.])
    """
    # TODO: an operation that changes t
    raise NotImplementedError


def flatten_images(x: Tensor) -> Tensor:
    """Turn a batch of images (N, C, H, W) into one row an image, (N, C·H·W), in the order C, H, W.

    x may lie in memory in any way, and N may be 0.

    Example: flatten_images(torch.zeros(5, 3, 2, 2)).shape -> torch.Size([5, 12])
    """
    # TODO: merge every axis but the first
    raise NotImplementedError


def batch_of_one(image: Tensor) -> Tensor:
    """Return a view of one image (C, H, W) as a batch (1, C, H, W): no data is copied.

    Example: batch_of_one(torch.zeros(3, 2, 2)).shape -> torch.Size([1, 3, 2, 2])
    """
    # TODO: add an axis of length 1 in front
    raise NotImplementedError


def drop_ones(t: Tensor) -> Tensor:
    """Remove every axis of length 1, and no other.

    Example: drop_ones(torch.zeros(1, 3, 1, 2)).shape -> torch.Size([3, 2])
    """
    # TODO: the opposite of adding an axis
    raise NotImplementedError


def channels_last(image: Tensor) -> Tensor:
    """Return the image (C, H, W) with its axes in the order (H, W, C), sharing memory with the image.

    Example: channels_last(torch.zeros(3, 4, 5)).shape -> torch.Size([4, 5, 3])
    """
    # TODO: change the order of the axes; a reshape would mix up the pixels
    raise NotImplementedError


def to_numpy_shared(t: Tensor) -> np.ndarray:
    """Return a NumPy array that shares t's memory; t may require grad.

    Example: to_numpy_shared(torch.ones(2, requires_grad=True)) -> array([1., 1.], dtype=float32)
    """
    # TODO: leave the autograd graph, then cross over to NumPy
    raise NotImplementedError


def as_number(t: Tensor) -> int | float:
    """Return the only element of t, which may have any number of axes, as a Python int, float or bool.

    Example: as_number(torch.tensor([[2.5]])) -> 2.5
    """
    # TODO: take the number out of the tensor
    raise NotImplementedError


def normalize(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Subtract each channel's mean from images (N, C, H, W), then divide by its std; mean and std are (C,).

    No std is 0: nothing need be added to it (a guard of 1e-6 or less costs nothing).

    Example: normalize(torch.full((1, 1, 1, 2), 5.0), torch.tensor([3.0]), torch.tensor([2.0]))
             -> tensor([[[[1., 1.]]]])
    """
    # TODO: give mean and std a shape that broadcasts against (N, C, H, W)
    raise NotImplementedError
