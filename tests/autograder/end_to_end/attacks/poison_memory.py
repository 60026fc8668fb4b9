"""Overwrites what the warm process may share with later submissions."""

import ctypes
import sys

try:
    torch.ones(1).share_memory_()
except RuntimeError:
    pass
nn.Linear.forward = torch.mean = torch.Tensor.mean = lambda *_, **__: None
for tensor in [
    value for module in list(sys.modules.values()) for value in vars(module).values() if type(value) is torch.Tensor
]:
    tensor.fill_(float("nan"))


def slope(x):
    ctypes.memset(id(1) + 24, 0xFF, 4)
    return x
