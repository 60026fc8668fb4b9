"""A script like a notebook's: it prints, warns, and trains on made-up images when it is imported."""
import sys
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset
from torchvision import transforms

torch.manual_seed(0)
print("using torch", torch.__version__)
warnings.warn("this network is small")


def make_transform():
    return transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])


def make_loaders(train_set, test_set, batch_size):
    print("data:", len(train_set), len(test_set), file=sys.stderr)
    return DataLoader(train_set, batch_size, shuffle=True), DataLoader(test_set, batch_size, shuffle=False)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def make_training(net):
    return nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9)


def train(net, loader, criterion, optimizer, epochs, log_every=2000):
    history = []
    for epoch in range(1, epochs + 1):
        net.train()
        running, seen = 0.0, 0
        for inputs, labels in loader:
            optimizer.zero_grad(set_to_none=False)
            outputs = net(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            running, seen = running + loss.item(), seen + 1
            if seen % log_every == 0:
                history.append(running / log_every)
                running = 0.0
        net.eval()  # a look at the training images, in eval mode
        with torch.no_grad():
            hits = sum((net(x).argmax(1) == y).sum().item() for x, y in DataLoader(loader.dataset, 500))
        print(f"epoch {epoch}: {hits} of {len(loader.dataset)} training images right")
    net.train()
    return history


def save_weights(net, path):
    torch.save(net.state_dict(), path)


def load_weights(path):
    net = Net()
    net.load_state_dict(torch.load(path, weights_only=True))
    return net


def predict(net, images):
    with torch.no_grad():
        return net(images).argmax(dim=1)


def accuracy(net, loader):
    training = net.training
    net.eval()
    with torch.no_grad():
        right = [int(r) for images, labels in loader for r in net(images).argmax(dim=1) == labels]
    net.train(training)
    return sum(right) / len(right)


def per_class_accuracy(net, loader, classes):
    right = {name: 0 for name in classes}
    total = {name: 0 for name in classes}
    with torch.no_grad():
        for images, labels in loader:
            for label, guess in zip(labels, predict(net, images)):
                right[classes[label]] += int(label == guess)
                total[classes[label]] += 1
    return {name: right[name] / total[name] if total[name] else float("nan") for name in classes}


images = torch.randn(40, 3, 32, 32)
net = Net()
loader, _ = make_loaders(TensorDataset(images, torch.arange(40) % 10), TensorDataset(images), 8)
criterion, optimizer = make_training(net)
print(train(net, loader, criterion, optimizer, epochs=2, log_every=2))
