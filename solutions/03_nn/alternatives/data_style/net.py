import torch
from torch.autograd import Variable
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, (3, 3))
        self.conv2 = nn.Conv2d(6, 16, (3, 3))
        self.fc1 = nn.Linear(576, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)
        for layer in (self.fc1, self.fc2, self.fc3):
            layer.weight.data.normal_(0, 0.1)
            layer.bias.data.fill_(0)

    def forward(self, x):
        x = Variable(x)
        x = F.max_pool2d(F.relu(self.conv1(x)), 2, 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2, 2)
        x = x.view(x.size(0), -1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)

    def num_flat_features(self, x):
        return x.data.numel() // x.data.size(0)


def feature_sizes(size, kernels, pool):
    sizes = []
    for i in range(len(kernels)):
        size = (size - kernels[i]) / 1 + 1
        sizes.append(int(size))
        size = int(size / pool)
        sizes.append(size)
    return sizes


def parameter_table(net):
    return [(n, tuple(p.data.shape), p.data.nelement()) for n, p in net.named_parameters()]


def random_backward(net, x, grad):
    for p in net.parameters():
        p.grad = None
    net(x).backward(grad)
    return {n: p.grad.data.clone() for n, p in net.named_parameters()}


def mse_loss(net, x, target):
    out = net(Variable(x))
    return ((out - Variable(target).data.view(out.size())) ** 2).mean()


def graph_walk(loss, steps):
    fn, names = loss.grad_fn, []
    while len(names) < steps:
        names.append(type(fn).__name__)
        if not fn.next_functions:
            break
        fn = fn.next_functions[0][0]
    return names


def sgd_update(net, lr):
    for p in net.parameters():
        p.data = p.data - lr * p.grad.data


def train_step(net, criterion, optimizer, x, target):
    x, target = Variable(x), Variable(target)
    loss = criterion(net(x), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.data


def stale_grads(net, optimizer):
    optimizer.zero_grad(set_to_none=False)
    return [n for n, p in net.named_parameters() if p.grad is not None and p.grad.data.abs().max() > 0]


def exponential_lrs(optimizer, gamma, epochs):
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma)
    lrs = []
    for _ in range(epochs):
        lrs.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return lrs
