# 神经网络 —— 第三节练习
# 一个典型的训练过程:定义网络、前向传播、计算损失、反向传播、更新权重

import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    """卷积神经网络,输入为 1×32×32 的图片,输出 10 个类别的得分。"""

    def __init__(self):
        super().__init__()
        # 输入图像 channel:1;输出 channel:6;3x3 卷积核
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        # 全连接层 y = Wx + b
        self.fc1 = nn.Linear(16 * 6 * 6, 120)  # 6*6 来自图像维度
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        # 2x2 最大池化
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        # 如果是方阵,则可以只使用一个数字进行定义
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, self.num_flat_features(x))
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.fc3(x)
        return x

    def num_flat_features(self, x):
        尺寸 = x.size()[1:]  # 除去批处理维度的其他所有维度
        特征数 = 1
        for s in 尺寸:
            特征数 *= s
        return 特征数


def feature_sizes(size, kernels, pool):
    结果 = []
    for 核 in kernels:
        结果.append(size - 核 + 1)      # 卷积之后
        结果.append(结果[-1] // pool)   # 池化之后(向下取整)
        size = 结果[-1]
    return 结果


def parameter_table(net):
    return [(名字, tuple(参数.shape), 参数.numel()) for 名字, 参数 in net.named_parameters()]


def random_backward(net, x, grad):
    net.zero_grad()          # 清零所有参数的梯度缓存
    输出 = net(x)
    输出.backward(grad)      # 用给定的梯度进行反向传播
    return {名字: 参数.grad.detach().clone() for 名字, 参数 in net.named_parameters()}


def mse_loss(net, x, target):
    输出 = net(x)
    目标 = target.reshape(输出.shape)  # 使目标值与数据值尺寸一致
    print("损失计算中……")
    return nn.MSELoss()(输出, 目标)


def graph_walk(loss, steps):
    节点 = loss.grad_fn
    名单 = []
    while 节点 and len(名单) < steps:
        名单.append(节点.__class__.__name__)
        下一个 = 节点.next_functions
        节点 = 下一个[0][0] if 下一个 else None
    return 名单


def sgd_update(net, lr):
    # 权重 = 权重 - 学习率 * 梯度
    with torch.no_grad():
        for 参数 in net.parameters():
            参数 -= lr * 参数.grad


def train_step(net, criterion, optimizer, x, target):
    optimizer.zero_grad()   # 清零梯度缓存
    输出 = net(x)
    loss = criterion(输出, target)
    loss.backward()
    optimizer.step()        # 更新参数
    return float(loss.detach())


def stale_grads(net, optimizer):
    optimizer.zero_grad()
    剩余 = []
    for 名字, 参数 in net.named_parameters():
        if 参数.grad is None:
            continue
        if torch.count_nonzero(参数.grad) > 0:
            剩余.append(名字)
    return 剩余


def exponential_lrs(optimizer, gamma, epochs):
    调度器 = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=gamma)
    学习率 = []
    for 轮 in range(epochs):
        学习率.append(调度器.get_last_lr()[0])
        调度器.step()
    return 学习率
