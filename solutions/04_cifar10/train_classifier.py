"""Training a classifier: the reference solution."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms


def make_transform() -> Callable[[Any], Tensor]:
    """A function from a PIL image or uint8 array (H, W, 3) to float32 (3, H, W) in [-1, 1]."""
    return transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])


def make_loaders(train_set: Dataset[Any], test_set: Dataset[Any], batch_size: int) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """A shuffled loader for training and an ordered one for testing; no sample is dropped."""
    train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=batch_size, shuffle=False)
    return train_loader, test_loader


class Net(nn.Module):
    """Scores (N, 10) for the ten classes from images (N, 3, 32, 32); 62,006 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Scores without softmax."""
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def make_training(net: nn.Module) -> tuple[nn.Module, Optimizer]:
    """Cross entropy, and SGD with learning rate 0.001 and momentum 0.9."""
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.001, momentum=0.9)
    return criterion, optimizer


def train(
    net: nn.Module,
    loader: DataLoader[Any],
    criterion: nn.Module,
    optimizer: Optimizer,
    epochs: int,
    log_every: int = 2000,
) -> list[float]:
    """Train net in place; the mean loss of each full window of `log_every` batches, windows restarting each epoch."""
    window_losses = []
    net.train()
    for _ in range(epochs):
        running_loss = 0.0
        for count, (inputs, labels) in enumerate(loader, start=1):
            optimizer.zero_grad()
            outputs = net(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
            if count % log_every == 0:
                window_losses.append(running_loss / log_every)
                running_loss = 0.0
    return window_losses


def save_weights(net: nn.Module, path: str | Path) -> None:
    """Write net's state_dict."""
    torch.save(net.state_dict(), path)


def load_weights(path: str | Path) -> Net:
    """A new Net with the weights of the file."""
    net = Net()
    net.load_state_dict(torch.load(path, weights_only=True))
    return net


def predict(net: nn.Module, images: Tensor) -> Tensor:
    """The label with the highest score for each image: (N,) int64."""
    with torch.no_grad():
        scores = net(images)
        return scores.argmax(dim=1)


def accuracy(net: nn.Module, loader: DataLoader[Any]) -> float:
    """The fraction of the loader's images that net, in eval mode, labels correctly; the mode is restored."""
    was_training = net.training
    correct = total = 0
    net.eval()
    with torch.no_grad():
        for images, labels in loader:
            predicted = net(images).argmax(dim=1)
            correct += (predicted == labels).sum().item()
            total += len(labels)
    net.train(was_training)
    return correct / total


def per_class_accuracy(net: nn.Module, loader: DataLoader[Any], classes: Sequence[str]) -> dict[str, float]:
    """The fraction of each class's images that net labels correctly; nan for a class without images."""
    correct, total = [0] * len(classes), [0] * len(classes)
    with torch.no_grad():
        for images, labels in loader:
            predicted = net(images).argmax(dim=1)
            for label, guess in zip(labels.tolist(), predicted.tolist(), strict=True):
                total[label] += 1
                correct[label] += int(guess == label)
    return {name: correct[i] / total[i] if total[i] else float("nan") for i, name in enumerate(classes)}
