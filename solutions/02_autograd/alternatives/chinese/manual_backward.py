# 第二章：自动求导。作者：学生甲
"""手动反向传播与自动求导。"""
import torch
from torch import nn


def q_forward(a, b):
    """前向：Q = 3a³ − b²"""
    return 3 * a ** 3 - b ** 2


def q_backward(a, b, grad_q):
    # 对 a 求导是 9a²，对 b 求导是 −2b；再乘以上游梯度
    对a的梯度 = 9 * a ** 2 * grad_q
    对b的梯度 = -2 * b * grad_q
    return 对a的梯度, 对b的梯度


def q_autograd(a, b, grad_q):
    # 不要动原来的张量，先 detach 再求导
    甲 = a.detach().requires_grad_(True)
    乙 = b.detach().requires_grad_(True)
    结果 = q_forward(甲, 乙)
    结果.backward(grad_q)
    return 甲.grad, 乙.grad


def linear_backward(x, weight, bias, grad_out):
    # 形状：(N,O)@(O,D)；(O,N)@(N,D)；(O,)
    return torch.matmul(grad_out, weight), torch.matmul(grad_out.transpose(0, 1), x), grad_out.sum(axis=0)


def relu_backward(x, grad_out):
    # x 等于 0 时梯度为 0
    return torch.where(x > 0, grad_out, torch.zeros_like(grad_out))


def mse_backward(prediction, target):
    误差 = prediction - target
    return 2 / 误差.numel() * 误差


def 稳定的softmax(z):
    # 先减去每一行的最大值，防止溢出
    z = z - z.max(dim=1, keepdim=True)[0]
    指数 = z.exp()
    return 指数 / 指数.sum(dim=1, keepdim=True)


def cross_entropy_backward(logits, labels):
    概率 = 稳定的softmax(logits)
    独热 = torch.zeros_like(logits).scatter_(1, labels.view(-1, 1), 1.0)
    return (概率 - 独热) / logits.size(0)


def mlp_backward(x, w1, b1, w2, b2, labels):
    # 前向
    z1 = x @ w1.T + b1
    a1 = torch.relu(z1)
    z2 = a1 @ w2.T + b2
    # 反向，从最后一层开始
    dz2 = cross_entropy_backward(z2, labels)
    da1, dw2, db2 = linear_backward(a1, w2, b2, dz2)
    dz1 = relu_backward(z1, da1)
    _, dw1, db1 = linear_backward(x, w1, b1, dz1)
    return {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2}


def conv_backward(x, weight, grad_out):
    # 每个输出位置都是一个小的全连接层
    _, _, 高, 宽 = grad_out.shape
    k = weight.size(-1)
    dx = x.new_zeros(x.shape)
    dw = weight.new_zeros(weight.shape)
    for i in range(高):
        for j in range(宽):
            窗口 = x[:, :, i:i + k, j:j + k].reshape(x.size(0), -1)
            g = grad_out[:, :, i, j]
            dw = dw + (g.t() @ 窗口).reshape(weight.shape)
            dx[:, :, i:i + k, j:j + k] += (g @ weight.reshape(weight.size(0), -1)).reshape(x.size(0), x.size(1), k, k)
    return dx, dw


def vector_jacobian(f, x, v):
    x = x.clone().detach().requires_grad_()
    return torch.autograd.grad(torch.dot(f(x), v), x)[0]


def accumulate(losses, w):
    for 损失 in losses:
        损失(w).backward()
    return w.grad


def freeze_all_but(module: nn.Module, name: str):
    for 全名, 参数 in module.named_parameters():
        参数.requires_grad = 全名.startswith(name + ".")
    return [全名 for 全名, 参数 in module.named_parameters() if 参数.requires_grad]


def sgd_step(params, lr):
    with torch.no_grad():
        for 参数 in params:
            if 参数.grad is None:
                continue
            参数 -= lr * 参数.grad
            参数.grad.zero_()


if __name__ == "__main__":
    x = torch.tensor([1.0], requires_grad=True)
    (x * x).backward()
    print("自测：", x.grad)
