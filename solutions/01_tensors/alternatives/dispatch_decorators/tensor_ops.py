import functools, types
import numpy as np
import torch
from torch import Tensor, Size, float32

def check_type(kind):
    def deco(f):
        @functools.wraps(f)
        def inner(first, *rest, **kw):
            if not isinstance(first, kind):
                raise TypeError(f"expected {kind}, got {type(first)}")
            return f(first, *rest, **kw)
        return inner
    return deco

@functools.singledispatch
def from_rows(rows): raise TypeError(type(rows))
@from_rows.register
def _(rows: list): return torch.stack([torch.tensor([float(v) for v in r], dtype=float32) for r in rows])
@from_rows.register
def _(rows: np.ndarray): return torch.tensor(rows, dtype=float32)

@check_type(np.ndarray)
def from_numpy_shared(array, /): return torch.from_numpy(array)

class Pair(tuple):
    @property
    def ones(self): return self[0]

@check_type(Tensor)
def like(t): return Pair([torch.ones_like(t, requires_grad=False), torch.rand(*t.shape, dtype=torch.float32, device=t.device)])
@check_type(Tensor)
def describe(t): return tuple(getattr(t, a) for a in ("shape", "dtype", "device"))
@check_type(Tensor)
def zero_column(t, j):
    result = t.detach().clone()
    result.select(1, j).fill_(0)
    return result
@check_type(Tensor)
def join(*tensors): return torch.cat(tensors, -1), torch.stack(tensors, dim=-3)
@check_type(Tensor)
def products(a, b, *, transpose=True): return a.mul(b), torch.matmul(a, torch.transpose(b, 0, 1) if transpose else b)
@check_type(Tensor)
def add_in_place(t, value): t += value; return t
@check_type(Tensor)
def flatten_images(x): return torch.nn.Flatten()(x)
@check_type(Tensor)
def batch_of_one(image): return image[None]
@check_type(Tensor)
def drop_ones(t): return t.reshape(Size([s for s in t.shape if s != 1]))
@check_type(Tensor)
def channels_last(image): return torch.moveaxis(image, 0, -1)
@check_type(Tensor)
def to_numpy_shared(t): return np.asarray(t.detach() if t.requires_grad else t)
@check_type(Tensor)
def as_number(t):
    match t.dtype:
        case torch.bool: return bool(t)
        case d if d.is_floating_point: return float(t)
        case _: return int(t)
@check_type(Tensor)
def normalize(images, mean, std):
    shape = (1, -1) + (1,) * (images.ndim - 2)
    return images.sub(mean.reshape(shape)).div(std.reshape(shape))
