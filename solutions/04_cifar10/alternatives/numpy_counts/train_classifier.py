import numpy as np
import torch
import torch.nn.functional as F
import torchvision.transforms as T
from torch import nn
from torch.utils.data import DataLoader


def make_transform():
    return T.Compose([T.ToTensor(), T.Lambda(lambda t: t * 2 - 1)])


def make_loaders(train_set, test_set, batch_size):
    generator = torch.Generator()
    generator.manual_seed(1234)
    return (
        DataLoader(train_set, batch_size, shuffle=True, generator=generator, num_workers=2),
        DataLoader(test_set, batch_size, num_workers=2, pin_memory=False),
    )


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, (5, 5))
        self.pool = nn.MaxPool2d((2, 2), (2, 2))
        self.conv2 = nn.Conv2d(6, 16, (5, 5))
        self.fc1 = nn.Linear(np.prod([16, 5, 5]).item(), 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        n = x.size(0)
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(n, -1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


def make_training(net):
    return nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=np.float64(0.001).item(), momentum=0.9)


def train(net, loader, criterion, optimizer, epochs, log_every=2000):
    net.train()
    curve = []
    for _ in range(epochs):
        losses = np.zeros(len(loader))
        for i, (x, y) in enumerate(loader):
            net.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            losses[i] = loss.item()
        full = len(losses) // log_every * log_every
        curve.extend(losses[:full].reshape(-1, log_every).mean(axis=1))
    return curve


def save_weights(net, path):
    torch.save(net.state_dict(), path)


def load_weights(path):
    net = Net()
    net.load_state_dict(torch.load(path, weights_only=True))
    return net


def predict(net, images):
    with torch.no_grad():
        return torch.from_numpy(net(images).numpy().argmax(axis=1))


def _both(net, loader):
    with torch.no_grad():
        pairs = [(y.numpy(), net(x).numpy().argmax(1)) for x, y in loader]
    return [np.concatenate(part) for part in zip(*pairs)]


def accuracy(net, loader):
    mode = net.training
    net.eval()
    true, guess = _both(net, loader)
    net.train(mode)
    return np.mean(true == guess)


def per_class_accuracy(net, loader, classes):
    true, guess = _both(net, loader)
    return {
        name: np.mean(guess[true == i] == i) if (true == i).any() else np.nan for i, name in enumerate(classes)
    }
