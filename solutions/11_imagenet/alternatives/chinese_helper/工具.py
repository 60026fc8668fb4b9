"""几个小工具。"""

from torch import nn


def 去掉外壳(模型):
    """nn.DataParallel 里面的模型。"""
    return 模型.module if isinstance(模型, nn.DataParallel) else 模型


def 搬(批次, 设备):
    图, 标签 = 批次
    return 图.to(设备), 标签.to(设备)
