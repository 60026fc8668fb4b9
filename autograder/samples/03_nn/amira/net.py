import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        # 1 input image channel, 6 output channels, 3x3 square convolution
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        # an affine operation: y = Wx + b
        self.fc1 = nn.Linear(16 * 6 * 6, 120)  # 6*6 from image dimension
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, self.num_flat_features(x))
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)

    def num_flat_features(self, x):
        num_features = 1
        for s in x.size()[1:]:  # all dimensions except the batch dimension
            num_features *= s
        return num_features


def feature_sizes(size, kernels, pool):
    sizes = []
    for k in kernels:
        size = size - k + 1
        sizes.append(size)
        size = size // pool
        sizes.append(size)
    return sizes


def parameter_table(net):
    return [(name, tuple(p.shape), p.numel()) for name, p in net.named_parameters()]


def random_backward(net, x, grad):
    net.zero_grad()
    out = net(x)
    out.backward(grad)
    return {name: p.grad.clone() for name, p in net.named_parameters()}


def mse_loss(net, x, target):
    output = net(x)
    criterion = nn.MSELoss()
    return criterion(output, target.view(output.shape))


def graph_walk(loss, steps):
    names = []
    fn = loss.grad_fn
    while fn is not None and len(names) < steps:
        names.append(type(fn).__name__)
        if fn.next_functions:
            fn = fn.next_functions[0][0]
        else:
            fn = None
    return names


def sgd_update(net, lr):
    for f in net.parameters():
        f.data.sub_(f.grad.data * lr)


def train_step(net, criterion, optimizer, x, target):
    optimizer.zero_grad()
    output = net(x)
    loss = criterion(output, target)
    loss.backward()
    optimizer.step()
    return loss.item()


def stale_grads(net, optimizer):
    optimizer.zero_grad()
    return [name for name, p in net.named_parameters() if p.grad is not None and (p.grad != 0).any()]


def exponential_lrs(optimizer, gamma, epochs):
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=gamma)
    lrs = []
    for epoch in range(epochs):
        lrs.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return lrs


if __name__ == "__main__":
    net = Net()
    print(net)
    print(net(torch.randn(1, 1, 32, 32)))
