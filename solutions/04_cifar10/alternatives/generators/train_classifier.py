"""A generator takes the steps and islice cuts the windows; counts come from bincount and from dicts by name."""
from itertools import islice

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision.transforms import functional as TF


def make_transform():
    return lambda image: (TF.to_tensor(image) - 0.5) / 0.5


def make_loaders(train_set, test_set, batch_size):
    train, test = (DataLoader(data, batch_size, shuffle=data is train_set) for data in (train_set, test_set))
    return train, test


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.pool = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.relu(self.pool(self.conv1(x)))
        x = F.relu(self.pool(self.conv2(x)))
        x = F.relu(self.fc1(x.flatten(start_dim=1)))
        return self.fc3(F.relu(self.fc2(x)))


def make_training(net):
    return nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), momentum=0.9, lr=1e-3, weight_decay=0)


def steps(net, loader, criterion, optimizer):
    net.train()
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = criterion(net(inputs), targets)
        loss.backward()
        optimizer.step()
        yield loss.item()


def train(net, loader, criterion, optimizer, epochs, log_every=2000):
    means = []
    for _ in range(epochs):
        losses = steps(net, loader, criterion, optimizer)
        while len(window := list(islice(losses, log_every))) == log_every:
            means.append(np.mean(window))
    return means


def save_weights(net, path):
    torch.save(net.state_dict(), path)


def load_weights(path):
    net = Net()
    net.load_state_dict(torch.load(path, weights_only=True))
    return net


def predict(net, images):
    was = net.training
    net.eval()
    with torch.inference_mode():
        labels = torch.argmax(net(images), dim=1)
    net.train(was)
    return labels


def accuracy(net, loader):
    right, truth = [], []
    for images, labels in loader:
        right.append((predict(net, images) == labels).numpy())
        truth = np.append(truth, labels.numpy())
    return np.concatenate(right).sum() / len(truth)


def per_class_accuracy(net, loader, classes):
    right, total = dict.fromkeys(classes, 0), dict.fromkeys(classes, 0)
    for images, labels in loader:
        hits = labels[predict(net, images) == labels]
        for counts, found in ((right, hits), (total, labels)):
            for name, count in zip(classes, torch.bincount(found, minlength=len(classes)).tolist()):
                counts[name] += count
    result = {}
    for name in classes:
        try:
            result[name] = right[name] / total[name]
        except ZeroDivisionError:
            result[name] = float("nan")
    return result
