# -*- coding: utf-8 -*-
"""第一章 张量:创建、变形、内存共享。"""

import torch


def from_rows(rows):
    """把嵌套列表变成 float32 张量。"""
    结果 = torch.tensor(rows, dtype=torch.float)
    return 结果


def from_numpy_shared(array):
    # 不复制数据,两边共享内存
    return torch.from_numpy(array)


def like(t):
    # 全一张量保持原来的类型;随机张量一定是 float32
    return torch.ones_like(t), torch.rand_like(t, dtype=torch.float32)


def describe(t):
    形状 = tuple(t.shape)
    return 形状, t.dtype, t.device


def zero_column(t, j):
    副本 = t.clone()  # 先复制,不要改动原来的张量
    副本[:, j] = 0
    return 副本


def join(a, b):
    return torch.cat((a, b), dim=1), torch.stack((a, b), dim=0)


def products(a, b):
    """逐元素乘积,以及矩阵乘积 a bᵀ。"""
    return a * b, a.mm(b.t())


def add_in_place(t, value):
    t += value  # 原地相加
    return t


def flatten_images(x):
    # N 可能等于 0,所以不能用 -1
    n, c, h, w = x.size()
    return x.reshape(n, c * h * w)


def batch_of_one(image):
    return image.unsqueeze(0)


def drop_ones(t):
    return t.squeeze()


def channels_last(image):
    # 通道放到最后
    return image.permute(1, 2, 0)


def to_numpy_shared(t):
    return t.detach().numpy()


def as_number(t):
    return t.item()


def normalize(images, mean, std):
    # 广播:(N, C, H, W) 和 (C, 1, 1)
    return (images - mean.reshape(-1, 1, 1)) / std.reshape(-1, 1, 1)
