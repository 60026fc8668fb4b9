"""Everything as classes: a trainer, a meter, a checkpoint."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.utils.data import DataLoader


class ToNetwork:
    """The transform, as a callable object."""

    def __call__(self, image):
        from torchvision.transforms.functional import normalize, to_tensor

        return normalize(to_tensor(image), [0.5, 0.5, 0.5], [0.5, 0.5, 0.5])


def make_transform():
    return ToNetwork()


def make_loaders(train_set, test_set, batch_size):
    return tuple(
        DataLoader(dataset, batch_size=batch_size, shuffle=shuffle, drop_last=False)
        for dataset, shuffle in ((train_set, True), (test_set, False))
    )


class Net(nn.Module):
    names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels=3, out_channels=6, kernel_size=5)
        self.conv2 = nn.Conv2d(in_channels=6, out_channels=16, kernel_size=5)
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
        self.relu = nn.ReLU(inplace=True)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)
        for layer in (self.conv1, self.conv2, self.fc1, self.fc2):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")

    def features(self, x):
        return self.flatten(self.pool(self.relu(self.conv2(self.pool(self.relu(self.conv1(x)))))))

    def forward(self, x):
        return self.fc3(self.relu(self.fc2(self.relu(self.fc1(self.features(x))))))


def make_training(net):
    options = {"lr": 0.001, "momentum": 0.9}
    return nn.CrossEntropyLoss(reduction="mean"), torch.optim.SGD([{"params": net.parameters()}], **options)


@dataclass
class Meter:
    size: int
    values: list[float] = field(default_factory=list)
    means: list[float] = field(default_factory=list)

    def add(self, value: float) -> None:
        self.values.append(value)
        if len(self.values) == self.size:
            self.means.append(sum(self.values) / self.size)
            self.values.clear()


@dataclass
class Trainer:
    net: nn.Module
    criterion: nn.Module
    optimizer: torch.optim.Optimizer

    def step(self, batch) -> float:
        inputs, labels = batch

        def closure():
            self.optimizer.zero_grad()
            loss = self.criterion(self.net(inputs), labels)
            loss.backward()
            return loss

        return self.optimizer.step(closure).item()

    def epoch(self, loader, size: int) -> list[float]:
        meter = Meter(size)
        self.net.train()
        for batch in loader:
            meter.add(self.step(batch))
        return meter.means


def train(net, loader, criterion, optimizer, epochs, log_every=2000):
    trainer = Trainer(net, criterion, optimizer)
    return [mean for _ in range(epochs) for mean in trainer.epoch(loader, log_every)]


def save_weights(net, path):
    torch.save(OrderedDict((name, value.cpu()) for name, value in net.state_dict().items()), str(path))


def load_weights(path):
    net = Net()
    state = torch.load(str(path), weights_only=True)
    missing, unexpected = net.load_state_dict(state)
    assert not missing and not unexpected
    return net


class Evaluation:
    """Eval mode for the duration of a `with` block."""

    def __init__(self, net):
        self.net = net

    def __enter__(self):
        self.before = self.net.training
        self.net.eval()

    def __exit__(self, *_):
        self.net.train(self.before)


def predict(net, images):
    with Evaluation(net), torch.no_grad():
        return net(images).max(dim=1)[1]


def confusion(net, loader, size):
    table = torch.zeros(size, size, dtype=torch.int64)
    with Evaluation(net), torch.no_grad():
        for images, labels in loader:
            for true, guess in zip(labels, predict(net, images)):
                table[true, guess] += 1
    return table


def accuracy(net, loader):
    table = confusion(net, loader, 100)
    return (table.trace() / table.sum()).item()


def per_class_accuracy(net, loader, classes):
    table = confusion(net, loader, 100)
    return {
        name: (table[i, i] / table[i].sum()).item() if table[i].sum() > 0 else float("nan")
        for i, name in enumerate(classes)
    }
