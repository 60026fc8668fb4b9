# 训练一个分类器：数据、网络、训练循环、保存权重、评估
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, RandomSampler, SequentialSampler
from torchvision import transforms


def make_transform():
    """把图片变成 [-1, 1] 之间的张量"""
    均值 = 标准差 = (0.5, 0.5, 0.5)
    return transforms.Compose([transforms.ToTensor(), transforms.Normalize(均值, 标准差)])


def make_loaders(train_set, test_set, batch_size):
    # 训练集每个轮次都要重新打乱，测试集保持顺序
    训练 = DataLoader(train_set, batch_size=batch_size, sampler=RandomSampler(train_set))
    测试 = DataLoader(test_set, batch_size=batch_size, sampler=SequentialSampler(test_set))
    return 训练, 测试


class Net(nn.Module):
    """两个卷积层，三个全连接层"""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)
        self.说明 = "LeNet 的亲戚"

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.reshape(x.shape[0], -1)  # 保留批次维度
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def make_training(net):
    return nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9)


def train(net, loader, criterion, optimizer, epochs, log_every=2000):
    结果 = []
    轮次 = 0
    while 轮次 < epochs:
        net.train()
        累计, 批数 = 0.0, 0
        for 图片, 标签 in loader:
            损失 = criterion(net(图片), 标签)
            损失.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)  # 为下一批清零
            累计 += float(损失)
            批数 += 1
            if 批数 == log_every:
                结果.append(累计 / 批数)
                print(f"第 {轮次 + 1} 轮，损失 {累计 / 批数:.3f}")
                累计, 批数 = 0.0, 0
        轮次 += 1
    return 结果


def save_weights(net, path):
    with open(path, "wb") as 文件:
        torch.save(net.state_dict(), 文件)


def load_weights(path):
    网络 = Net()
    with open(path, "rb") as 文件:
        网络.load_state_dict(torch.load(文件, map_location="cpu", weights_only=True))
    网络.eval()
    return 网络


def predict(net, images):
    net.eval()
    with torch.inference_mode():
        return torch.topk(net(images), 1, dim=1).indices[:, 0]


def accuracy(net, loader):
    原来 = net.training
    net.eval()
    对, 全部 = 0, 0
    with torch.no_grad():
        for 图片, 标签 in loader:
            对 += int((net(图片).argmax(-1) == 标签).sum())
            全部 += 标签.shape[0]
    if 原来:
        net.train()
    return 对 / 全部


def per_class_accuracy(net, loader, classes):
    对 = torch.zeros(len(classes))
    全部 = torch.zeros(len(classes))
    with torch.no_grad():
        for 图片, 标签 in loader:
            预测 = net(图片).argmax(1)
            for 类 in range(len(classes)):
                全部[类] += (标签 == 类).sum()
                对[类] += ((标签 == 类) & (预测 == 类)).sum()
    return dict(zip(classes, (对 / 全部).tolist()))
