"""No torchvision, samplers made by hand, gradients through torch.autograd.grad."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, Sampler


def make_transform():
    def transform(image):
        array = np.array(image, dtype=np.float32)
        return torch.from_numpy(array).permute(2, 0, 1) / 127.5 - 1.0

    return transform


class FreshOrder(Sampler):
    def __init__(self, count):
        self.count = count

    def __iter__(self):
        return iter(torch.randperm(self.count).tolist())

    def __len__(self):
        return self.count


def make_loaders(train_set, test_set, batch_size):
    batches = BatchSampler(FreshOrder(len(train_set)), batch_size, drop_last=False)
    return DataLoader(train_set, batch_sampler=batches), DataLoader(test_set, batch_size=batch_size)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.add_module("conv1", nn.Conv2d(3, 6, 5))
        self.add_module("pool", nn.MaxPool2d(2, 2))
        self.add_module("conv2", nn.Conv2d(6, 16, 5))
        for i, (d, o) in enumerate([(400, 120), (120, 84), (84, 10)]):
            setattr(self, f"fc{i + 1}", nn.Linear(d, o))

    def forward(self, x):
        x = self.pool(self.conv1(x)).clamp(min=0)  # the maximum of ReLU is the ReLU of the maximum
        x = self.pool(self.conv2(x)).clamp(min=0)
        x = x.flatten(1)
        for layer in (self.fc1, self.fc2):
            x = torch.max(layer(x), torch.zeros(()))
        return x @ self.fc3.weight.t() + self.fc3.bias


class CrossEntropy(nn.Module):
    def forward(self, scores, labels):
        return -scores.log_softmax(1)[range(len(labels)), labels].mean()


def make_training(net):
    return CrossEntropy(), torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9)


def train(net, loader, criterion, optimizer, epochs, log_every=2000):
    net.train(True)
    parameters = [p for p in net.parameters() if p.requires_grad]
    means = []
    for _ in range(epochs):
        total, count = 0.0, 0
        for batch in loader:
            loss = criterion(net(batch[0]), batch[1])
            for p, grad in zip(parameters, torch.autograd.grad(loss, parameters)):
                p.grad = grad
            optimizer.step()
            total, count = total + loss.item(), count + 1
            if count % log_every == 0:
                means.append(total / log_every)
                total = 0.0
    return means


def save_weights(net, path):
    torch.save(net.state_dict(), path)


def load_weights(path):
    net = Net()
    net.load_state_dict(torch.load(path, weights_only=True), strict=True)
    return net


def predict(net, images):
    with torch.no_grad():
        return net(images).softmax(1).argmax(1)


def accuracy(net, loader):
    before, right, count = net.training, 0, 0
    for images, labels in loader:
        net.eval()
        right += sum(predict(net, images).eq(labels).tolist())
        count += len(images)
    net.training = before
    for child in net.children():
        child.train(before)
    return right / count


def per_class_accuracy(net, loader, classes):
    return {
        name: accuracy_of(net, loader, label) for label, name in enumerate(classes)
    }


def accuracy_of(net, loader, label):
    found = [predict(net, images)[labels == label] == label for images, labels in loader]
    found = torch.cat(found)
    return found.float().mean().item() if len(found) else float("nan")
