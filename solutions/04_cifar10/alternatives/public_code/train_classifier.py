"""Batch samplers, islice, a confusion matrix, a context manager for eval: how public code writes these."""

import io
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import nn, optim
from torch.utils.data import DataLoader
from torchvision import transforms


class _ToUnit(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.full((3, 1, 1), 0.5))
        self.register_buffer("std", torch.full((3, 1, 1), 0.5))
        self.first = transforms.ToTensor()

    def forward(self, image):
        return self.first(image).sub(self.mean).div(self.std)


def make_transform():
    return _ToUnit()


def make_loaders(train_set, test_set, batch_size):
    from torch.utils.data import BatchSampler, RandomSampler, SequentialSampler

    train = DataLoader(train_set, batch_sampler=BatchSampler(RandomSampler(train_set), batch_size, drop_last=False))
    test = DataLoader(test_set, batch_size, sampler=SequentialSampler(test_set))
    return train, test


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1, self.fc2, self.fc3 = (nn.Linear(d, o) for d, o in ((400, 120), (120, 84), (84, 10)))

    @property
    def stages(self):
        yield from (self.conv1, torch.relu, self.pool, self.conv2, torch.relu, self.pool)
        yield from (lambda t: t.view(t.size(0), -1), self.fc1, torch.relu, self.fc2, torch.relu, self.fc3)

    def forward(self, x):
        for stage in self.stages:
            x = stage(x)
        return x


@dataclass
class Config:
    lr: float = 0.001
    momentum: float = 0.9


def make_training(net, config=Config()):
    return torch.nn.modules.loss.CrossEntropyLoss(), optim.SGD(net.parameters(), config.lr, config.momentum)


def train(net, loader, criterion, optimizer, epochs, log_every=2000):
    def step(x, y):
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    net.train()
    means = []
    for _ in range(epochs):
        batches = iter(loader)
        while len(losses := [step(x, y) for x, y in islice(batches, log_every)]) == log_every:
            means.append(sum(losses) / len(losses))
    return means


def save_weights(net, path):
    with open(path, "wb") as file:
        torch.save({k: v.detach().cpu().clone() for k, v in net.state_dict().items()}, file)


def load_weights(path):
    state = torch.load(io.BytesIO(Path(path).read_bytes()), map_location=torch.device("cpu"), weights_only=True)
    net = Net()
    net.load_state_dict(state, strict=True, assign=True)
    return net.eval()


@torch.inference_mode()
def predict(net, images):
    return torch.cat([net(chunk).topk(1, dim=-1).indices.squeeze(1) for chunk in images.split(4)])


@contextmanager
def evaluating(net):
    before = net.training
    net.eval()
    try:
        yield net
    finally:
        net.train(before)


def accuracy(net, loader):
    with evaluating(net), torch.no_grad():
        hits = [(net(x).argmax(1) == y).float().mean().item() * len(y) for x, y in loader]
        return sum(hits) / len(loader.dataset)


def per_class_accuracy(net, loader, classes):
    k = len(classes)
    matrix = torch.zeros(k, k, dtype=torch.float64)
    with torch.no_grad():
        for images, labels in loader:
            flat = labels * k + net(images).argmax(1)
            matrix += torch.bincount(flat, minlength=k * k).view(k, k)
    return dict(zip(classes, (matrix.diag() / matrix.sum(1)).tolist()))
