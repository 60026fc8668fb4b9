"""Numbers stay 0-dim tensors, results are lists and dict subclasses."""
from collections import defaultdict

import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision.transforms import Compose, Normalize, ToTensor


def make_transform():
    return Compose([ToTensor(), Normalize(mean=0.5, std=0.5)])


def make_loaders(train_set, test_set, batch_size):
    loaders = [DataLoader(train_set, batch_size=batch_size, shuffle=True)]
    loaders.append(DataLoader(test_set, batch_size=batch_size))
    return loaders


class Net(nn.Module):
    def __init__(self):
        nn.Module.__init__(self)
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)
        self.pool = nn.MaxPool2d(2, 2)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.stack([image.reshape(400) for image in x])
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


def make_training(net):
    return [nn.CrossEntropyLoss(), optim.SGD(net.parameters(), lr=0.001, momentum=0.9)]


def train(net, loader, criterion, optimizer, epochs, log_every=2000):
    means = []
    net.train()
    for epoch in range(epochs):
        total = torch.zeros(())
        for i, (x, y) in enumerate(loader):
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            total = total + loss.detach()
            if (i + 1) % log_every == 0:
                means.append(total / log_every)
                total = torch.zeros(())
    return tuple(means)


def save_weights(net, path):
    torch.save(net.state_dict(), path)


def load_weights(path):
    state = torch.load(path, weights_only=True)
    net = Net()
    for name, value in state.items():
        net.get_parameter(name).data = value.clone()
    return net


def predict(net, images):
    return torch.cat([net(image[None]).argmax(1) for image in images]).detach()


def accuracy(net, loader):
    mode = net.training
    right = torch.tensor(0)
    total = torch.tensor(0)
    net.eval()
    for images, labels in loader:
        right += (net(images).argmax(1) == labels).sum()
        total += labels.numel()
    net.train(mode)
    return right / total


def per_class_accuracy(net, loader, classes):
    right, total = defaultdict(float), defaultdict(int)
    for images, labels in loader:
        for label, guess in zip(labels, net(images).argmax(1)):
            right[label.item()] += float(label == guess)
            total[label.item()] += 1
    result = defaultdict(lambda: torch.tensor(float("nan")))
    for i, name in enumerate(classes):
        result[name] = torch.tensor(right[i]) / torch.tensor(float(total[i]))
    return result
