"""Asks the network for its device, keeps running means in a meter, and validates after each epoch."""
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader
from torchvision import transforms


def device_of(net):
    return next(net.parameters()).device


def make_transform():
    steps = [transforms.ToTensor()]
    steps.append(transforms.Normalize(mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5]))
    return transforms.Compose(steps)


def make_loaders(train_set, test_set, batch_size):
    options = {"batch_size": batch_size, "num_workers": 0, "pin_memory": torch.cuda.is_available()}
    return DataLoader(train_set, shuffle=True, **options), DataLoader(test_set, shuffle=False, **options)


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
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


def make_training(net):
    net = net.to(device_of(net))
    return nn.CrossEntropyLoss().to(device_of(net)), optim.SGD(net.parameters(), lr=0.001, momentum=0.9)


class Meter:
    def __init__(self):
        self.reset()

    def reset(self):
        self.sum, self.count = 0.0, 0

    def update(self, value):
        self.sum += value
        self.count += 1

    @property
    def average(self):
        return self.sum / self.count


def train(net, loader, criterion, optimizer, epochs, log_every=2000):
    device, history = device_of(net), []
    for epoch in range(epochs):
        net.train()
        meter = Meter()
        for images, targets in loader:
            images, targets = images.to(device), targets.to(device)
            loss = criterion(net(images), targets)
            meter.update(loss.detach().cpu().item())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            if meter.count == log_every:
                history.append(meter.average)
                meter.reset()
        net.eval()
        with torch.no_grad():
            outputs = [net(images.to(device)) for images, _ in loader]
        print(f"epoch {epoch + 1}: largest output {max(o.max().item() for o in outputs):.3f}")
    return history


def save_weights(net, path):
    net.eval()
    torch.save(obj=net.state_dict(), f=path)


def load_weights(path):
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    net = Net().to(device)
    report = net.load_state_dict(torch.load(path, map_location=device, weights_only=True))
    print(report)
    return net.eval()


def predict(net, images):
    with torch.no_grad():
        probabilities = F.softmax(net(images.to(device_of(net))), dim=1)
    _, labels = torch.max(probabilities, dim=1)
    return labels


def accuracy(net, loader):
    device, was = device_of(net), net.training
    net.eval()
    right = samples = 0
    with torch.no_grad():
        for images, labels in loader:
            images, labels = images.to(device=device), labels.to(device=device)
            right += (net(images).max(1)[1] == labels).sum()
            samples += images.size(0)
    net.train(was)
    return float(right) / samples


def per_class_accuracy(net, loader, classes):
    device = device_of(net)
    confusion = torch.zeros((len(classes), len(classes)), dtype=torch.int64)
    with torch.no_grad():
        for images, labels in loader:
            guesses = net(images.to(device)).argmax(1)
            for true, guess in zip(labels.view(-1), guesses.view(-1)):
                confusion[true.long(), guess.long()] += 1
    return dict(zip(classes, (confusion.diag() / confusion.sum(1)).tolist()))  # 0 / 0 is nan
