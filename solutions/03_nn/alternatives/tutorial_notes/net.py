# -*- coding: utf-8 -*-
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class Net(nn.Module):

    def __init__(self):
        super(Net, self).__init__()
        # 1 input image channel, 6 output channels, 3x3 square convolution
        # kernel
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        # an affine operation: y = Wx + b
        self.fc1 = nn.Linear(16 * 6 * 6, 120)  # 6*6 from image dimension
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        # Max pooling over a (2, 2) window
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        # If the size is a square you can only specify a single number
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, self.num_flat_features(x))
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.fc3(x)
        return x

    def num_flat_features(self, x):
        size = x.size()[1:]  # all dimensions except the batch dimension
        num_features = 1
        for s in size:
            num_features *= s
        return num_features


net = Net()
print(net)

params = list(net.parameters())
print(len(params))
print(params[0].size())  # conv1's .weight

input = torch.randn(1, 1, 32, 32)
out = net(input)
print(out)

net.zero_grad()
out.backward(torch.randn(1, 10))

output = net(input)
target = torch.randn(10)  # a dummy target, for example
target = target.view(1, -1)  # make it the same shape as output
criterion = nn.MSELoss()
loss = criterion(output, target)
print(loss)

print(loss.grad_fn)  # MSELoss
print(loss.grad_fn.next_functions[0][0])  # Linear
print(loss.grad_fn.next_functions[0][0].next_functions[0][0])  # ReLU

learning_rate = 0.01
for f in net.parameters():
    if f.grad is not None:
        f.data.sub_(f.grad.data * learning_rate)


def feature_sizes(size, kernels, pool):
    out = []
    for k in kernels:
        size = size - k + 1
        out.append(size)
        size = size // pool
        out.append(size)
    return out


def parameter_table(net):
    table = []
    for name, param in net.named_parameters():
        table.append((name, param.size(), param.numel()))
    return table


def random_backward(net, x, grad):
    net.zero_grad()
    out = net(x)
    out.backward(grad)
    grads = {}
    for name, param in net.named_parameters():
        grads[name] = param.grad.clone()
    return grads


def mse_loss(net, x, target):
    output = net(x)
    if target.dim() == 1:
        target = target.view(1, -1)  # make it the same shape as output
    criterion = nn.MSELoss()
    loss = criterion(output, target)
    return loss


def graph_walk(loss, steps):
    names = []
    fn = loss.grad_fn
    for i in range(steps):
        if fn is None:
            break
        names.append(fn.__class__.__name__)
        if len(fn.next_functions) == 0:
            break
        fn = fn.next_functions[0][0]
    return names


def sgd_update(net, lr):
    for f in net.parameters():
        f.data.sub_(f.grad.data * lr)


def train_step(net, criterion, optimizer, x, target):
    # in your training loop:
    optimizer.zero_grad()   # zero the gradient buffers
    output = net(x)
    loss = criterion(output, target)
    loss.backward()
    optimizer.step()    # Does the update
    return loss.item()


def stale_grads(net, optimizer):
    optimizer.zero_grad()
    names = []
    for name, param in net.named_parameters():
        if param.grad is not None and torch.sum(torch.abs(param.grad)) > 0:
            names.append(name)
    return names


def exponential_lrs(optimizer, gamma, epochs):
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=gamma)
    lrs = []
    for epoch in range(epochs):
        lrs.append(optimizer.param_groups[0]['lr'])
        scheduler.step()
    return lrs
