"""自己写的自动求导：把每一步运算记到磁带上，再从后往前走。"""
from __future__ import annotations

from typing import Callable, NamedTuple, Optional

import torch
from torch import Tensor


class TapeEntry(NamedTuple):
    inputs: list[str]
    output: str
    propagate: Callable[["Variable"], list["Variable"]]


tape: list[TapeEntry] = []
taken: set[str] = set()
下一个 = [0]  # 下一个自动名字的编号


def reset_tape() -> None:
    tape.clear()
    taken.clear()
    下一个[0] = 0


def 新名字() -> str:
    while True:
        名字 = "v%d" % 下一个[0]
        下一个[0] += 1
        if 名字 not in taken:
            return 名字


class Variable:
    def __init__(self, value: Tensor, name: Optional[str] = None):
        self.value = value
        self.name = 新名字() if name is None else name
        taken.add(self.name)

    def __add__(self, 另一个):
        return add(self, 另一个)

    def __mul__(self, 另一个):
        return mul(self, 另一个)

    def __neg__(self):
        # 负号也要记到磁带上
        return record([self], -self.value, lambda g: [-g])

    def __sub__(self, 另一个):
        return record([self, 另一个], self.value - 另一个.value, lambda g: [g, -g])

    def __matmul__(self, 另一个):
        return matmul(self, 另一个)

    def sum(self):
        return total(self)


def record(inputs, value, propagate):
    结果 = Variable(value)
    tape.append(TapeEntry([v.name for v in inputs], 结果.name, propagate))
    return 结果


def transpose(a):
    return record([a], a.value.t(), lambda g: [transpose(g)])


def add(a, b):
    # 两个斜率都是 1
    return record([a, b], a.value + b.value, lambda g: [g, g])


def mul(a, b):
    # 乘以另一个因子
    def 回传(g):
        return [mul(g, b), mul(g, a)]
    return record([a, b], a.value * b.value, 回传)


def total(a):
    形状 = tuple(a.value.shape)
    return record([a], torch.sum(a.value), lambda g: [spread(g, 形状)])


def spread(a, shape):
    return record([a], a.value * torch.ones(shape, dtype=a.value.dtype), lambda g: [total(g)])


def matmul(a, b):
    return record([a, b], torch.mm(a.value, b.value), lambda g: [matmul(g, transpose(b)), matmul(transpose(a), g)])


def relu(a):
    # 掩码是常数
    掩码 = Variable(torch.where(a.value > 0, torch.ones_like(a.value), torch.zeros_like(a.value)))
    return record([a], torch.relu(a.value), lambda g: [mul(g, 掩码)])


def tanh(a):
    def 回传(g):
        一 = Variable(torch.ones_like(a.value))
        return [mul(g, 一 - mul(结果, 结果))]
    结果 = record([a], torch.tanh(a.value), 回传)
    return 结果


def unbroadcast(g, shape):
    # 从右边对齐，左边补 1
    补齐 = (1,) * (g.dim() - len(shape)) + tuple(shape)
    for 轴, (大, 小) in enumerate(zip(g.shape, 补齐)):
        if 大 != 小:
            g = g.sum(dim=轴, keepdim=True)
    return g.reshape(shape)


def grad(loss, wanted):
    梯度 = {loss.name: Variable(torch.ones_like(loss.value))}
    长度 = len(tape)
    for i in range(长度 - 1, -1, -1):
        条目 = tape[i]
        if 条目.output not in 梯度:
            continue
        各部分 = 条目.propagate(梯度[条目.output])
        for 名字, 部分 in zip(条目.inputs, 各部分):
            # 用了几次就加几次
            梯度[名字] = add(梯度[名字], 部分) if 名字 in 梯度 else 部分
    return [梯度.get(v.name) for v in wanted]


def hessian_vector(f, x, v):
    点 = Variable(x)
    一阶 = grad(f(点), [点])[0]
    if 一阶 is None:
        return torch.zeros_like(x)
    二阶 = grad(total(mul(一阶, Variable(v))), [点])[0]
    if 二阶 is None:
        return torch.zeros_like(x)
    return 二阶.value


def numeric_grad(f, x, eps=1e-4):
    x64 = x.detach().to(torch.float64)
    结果 = torch.zeros(x64.numel(), dtype=torch.float64)
    for i in range(x64.numel()):
        上 = x64.reshape(-1).clone()
        下 = x64.reshape(-1).clone()
        上[i] += eps
        下[i] -= eps
        结果[i] = (float(f(上.reshape(x.shape))) - float(f(下.reshape(x.shape)))) / (2 * eps)
    return 结果.reshape(x.shape)


def fit_line(x, y, steps, lr):
    斜率, 截距 = 0.0, 0.0
    reset_tape()
    for _ in range(steps):
        w = Variable(torch.tensor(斜率, dtype=x.dtype), "斜率")
        b = Variable(torch.tensor(截距, dtype=x.dtype), "截距")
        误差 = mul(spread(w, tuple(x.shape)), Variable(x)) + spread(b, tuple(x.shape)) - Variable(y)
        损失 = total(mul(误差, 误差))
        gw, gb = grad(损失, [w, b])
        # 平均：除以点的个数
        斜率 -= lr * gw.value.item() / x.numel()
        截距 -= lr * gb.value.item() / x.numel()
        reset_tape()
    return 斜率, 截距
