import torch as t
from torch import nn
from torch.utils.data import DataLoader
from torchvision.transforms import Compose, Normalize, ToTensor


def make_transform(): return Compose([ToTensor(), Normalize([.5] * 3, [.5] * 3)])


def make_loaders(a, b, n): return [DataLoader(a, n, True), DataLoader(b, n)]


class Net(nn.Module):
    def __init__(s):
        super().__init__()
        s.conv1, s.pool, s.conv2 = nn.Conv2d(3, 6, 5), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5)
        s.fc1, s.fc2, s.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(s, x):
        for c in s.conv1, s.conv2: x = s.pool(c(x).relu())
        return s.fc3(s.fc2(s.fc1(x.flatten(1)).relu()).relu())


def make_training(net): return nn.CrossEntropyLoss(), t.optim.SGD(net.parameters(), 1e-3, .9)


def train(net, loader, criterion, optimizer, epochs, log_every=2000):
    net.train(); out = []
    for _ in range(epochs):
        ls = []
        for x, y in loader:
            l = criterion(net(x), y); optimizer.zero_grad(); l.backward(); optimizer.step(); ls += [l.item()]
        out += [sum(ls[i:i + log_every]) / log_every for i in range(0, len(ls) - log_every + 1, log_every)]
    return out


def save_weights(net, path): t.save(net.state_dict(), path)


def load_weights(path): net = Net(); net.load_state_dict(t.load(path, weights_only=True)); return net


def predict(net, x): return net(x).detach().argmax(1)


@t.no_grad()
def accuracy(net, loader):
    m = net.training; net.eval(); h = [(net(x).argmax(1) == y).float() for x, y in loader]; net.train(m)
    return t.cat(h).mean()


@t.no_grad()
def per_class_accuracy(net, loader, classes):
    h, y = map(t.cat, zip(*[(net(x).argmax(1) == y, y) for x, y in loader]))
    return {c: h[y == i].float().mean().item() for i, c in enumerate(classes)}
