import copy, math
from collections import Counter, defaultdict
from functools import partial
import torch
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, SequentialSampler, BatchSampler
from torchvision.transforms import v2

make_transform = lambda: v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.5] * 3)])

def make_loaders(train_set, test_set, batch_size, *, workers=2):
    train = DataLoader(train_set, batch_sampler=BatchSampler(RandomSampler(train_set), batch_size, drop_last=False), num_workers=workers)
    test = DataLoader(test_set, batch_size, sampler=SequentialSampler(test_set), num_workers=workers, pin_memory=True, persistent_workers=True)
    return [train, test]

class Net(nn.Sequential):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5); self.conv2 = nn.Conv2d(6, 16, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(400, 120); self.fc2 = nn.Linear(120, 84); self.fc3 = nn.Linear(84, 10)
    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            x = self.pool(conv(x)).relu()
        x = x.view(x.shape[0], -1)
        for fc in (self.fc1, self.fc2):
            x = fc(x).relu_()
        return self.fc3(x)

class Criterion(nn.CrossEntropyLoss):
    pass

def make_training(net):
    return Criterion(), torch.optim.SGD([{"params": list(net.parameters())}], lr=1e-3, momentum=0.9, foreach=True)

def train(net, loader, criterion, optimizer, epochs, log_every=2000):
    net.train(); out = []
    for epoch in range(1, epochs + 1):
        window = []
        for x, y in loader:
            def closure():
                optimizer.zero_grad(set_to_none=False)
                loss = criterion(net(x), y); loss.backward()
                return loss
            window.append(optimizer.step(closure).detach())
            if len(window) == log_every:
                out.append(torch.stack(window).mean()); window.clear()
    return out

def save_weights(net, path):
    with open(path, "wb") as f:
        torch.save(net.state_dict(), f)

def load_weights(path):
    with open(path, "rb") as f:
        state = torch.load(f, map_location="cpu", weights_only=True)
    net = Net()
    print(net.load_state_dict(state, strict=True))
    return net.eval()

@torch.inference_mode()
def predict(net, images): return net(images).topk(1).indices.squeeze(1)

class evaluating:
    def __init__(self, net): self.net, self.mode = net, net.training
    def __enter__(self): self.net.eval()
    def __exit__(self, *a): self.net.train(self.mode)

@torch.inference_mode()
def accuracy(net, loader):
    with evaluating(net):
        hits = torch.cat([predict(net, x) == y for x, y in loader])
    return hits.float().mean()

@torch.no_grad()
def per_class_accuracy(net, loader, classes):
    right, total = Counter(), Counter()
    for x, y in loader:
        for a, b in zip(y, predict(net, x)):
            total[int(a)] += 1; right[int(a)] += bool(a == b)
    return {c: right[i] / total[i] if total[i] else math.nan for i, c in enumerate(classes)}
