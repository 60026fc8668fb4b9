"""The work is done in two helper modules beside this one."""

from loops import train
from measure import accuracy, per_class_accuracy, predict

import torch
from torch import nn
from torch.utils.data import DataLoader


def make_transform():
    from torchvision.transforms import v2

    return v2.Compose(
        [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5])]
    )


def make_loaders(train_set, test_set, batch_size):
    return DataLoader(train_set, batch_size, shuffle=True), DataLoader(test_set, batch_size, shuffle=False)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(2, 2)
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = torch.flatten(x, start_dim=1)
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)


def make_training(net):
    return nn.CrossEntropyLoss(), torch.optim.SGD(list(net.parameters()), lr=0.001, momentum=0.9)


def save_weights(net, path):
    torch.save({name: value.clone() for name, value in net.state_dict().items()}, path)


def load_weights(path):
    net = Net()
    with torch.no_grad():
        values = torch.load(path, weights_only=True)
        for name, p in net.named_parameters():
            p.copy_(values[name])
    return net
