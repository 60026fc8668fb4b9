"""Reference."""

import torch
from torch import Tensor, nn


def row_means(t: Tensor) -> Tensor:
    return t.mean(1)


def slope(x: Tensor) -> Tensor:
    return 2 * x


class Scale(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor
