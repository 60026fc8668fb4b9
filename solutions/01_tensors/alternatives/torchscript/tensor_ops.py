import torch
from torch import Tensor
from typing import Tuple, List
import torch.nn.functional as F
import numpy as np

class Ops:
    @staticmethod
    def from_rows(rows): return torch.tensor(rows).to(torch.float32) if rows else torch.empty(0)
    @staticmethod
    def from_numpy_shared(array): return torch.from_numpy(np.asarray(array))

from_rows = Ops.from_rows
from_numpy_shared = Ops.from_numpy_shared

@torch.jit.script
def ones(t: Tensor) -> Tensor:
    return torch.ones_like(t)

# Not compiled: TorchScript's interpreter asks for a device below Python, where simulated devices are not seen.
def like(t): return ones(t), torch.rand(t.size(), dtype=torch.float32, device=t.device)

@torch.jit.script
def describe_shape(t: Tensor) -> List[int]:
    return t.size()

def describe(t): return describe_shape(t), t.dtype, t.device

@torch.jit.script
def zero_column(t: Tensor, j: int) -> Tensor:
    r = t.clone()
    r[:, j] = 0
    return r

@torch.jit.script
def join(a: Tensor, b: Tensor) -> Tuple[Tensor, Tensor]:
    return torch.cat([a, b], 1), torch.stack([a, b], 0)

@torch.jit.script
def products(a: Tensor, b: Tensor) -> Tuple[Tensor, Tensor]:
    return a * b, torch.inner(a, b)

def add_in_place(t, value): return torch.Tensor.add_(t, other=value)

@torch.jit.script
def flatten_images(x: Tensor) -> Tensor: return x.flatten(1)
@torch.jit.script
def batch_of_one(image: Tensor) -> Tensor: return image.unsqueeze(0)
@torch.jit.script
def drop_ones(t: Tensor) -> Tensor: return t.squeeze()
@torch.jit.script
def channels_last(image: Tensor) -> Tensor: return image.permute([1, 2, 0])
def to_numpy_shared(t): return t.detach().resolve_conj().numpy()
def as_number(t): return t.squeeze().item()
def normalize(images, mean, std):
    c = images.shape[1]
    return F.batch_norm(images, mean.to(images), std.to(images) ** 2, training=False, eps=0.0) if False else (images - mean.reshape(1, c, 1, 1)).mul(std.reshape(1, c, 1, 1).reciprocal())
