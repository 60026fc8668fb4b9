import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

torch.manual_seed(42)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
print("running on", device)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.fc1 = nn.Linear(16 * 6 * 6, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, 16 * 6 * 6)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)

    def num_flat_features(self, x):
        return int(x.numel() / x.shape[0])


def feature_sizes(size, kernels, pool):
    result = []
    for k in kernels:
        size -= k - 1
        result.append(size)
        size = size // pool
        result.append(size)
    return result


def parameter_table(net):
    return [(n, tuple(p.size()), p.nelement()) for n, p in net.named_parameters()]


def random_backward(net, x, grad):
    for p in net.parameters():
        if p.grad is not None:
            p.grad.zero_()
    net(x).backward(grad)
    return {n: p.grad.clone().detach() for n, p in net.named_parameters()}


def mse_loss(net, x, target):
    prediction = net(x)
    return nn.MSELoss()(prediction, target.view(prediction.shape))


def graph_walk(loss, steps):
    fn = loss.grad_fn
    names = [type(fn).__name__]
    while len(names) < steps and fn.next_functions:
        fn = fn.next_functions[0][0]
        names.append(type(fn).__name__)
    return names


def sgd_update(net, lr):
    with torch.no_grad():
        for p in net.parameters():
            p -= p.grad * lr


def train_step(net, criterion, optimizer, x, target):
    optimizer.zero_grad()
    output = net(x)
    loss = criterion(output, target)
    loss.backward()
    optimizer.step()
    running_loss = 0.0
    running_loss += loss.item()
    return running_loss


def stale_grads(net, optimizer):
    optimizer.zero_grad()
    return [n for n, p in net.named_parameters() if p.grad is not None and p.grad.abs().sum() != 0]


def exponential_lrs(optimizer, gamma, epochs):
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma)
    lrs = []
    for _ in range(epochs):
        lrs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return lrs


net = Net().to(device)
optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
criterion = nn.MSELoss()
inputs = torch.randn(8, 1, 32, 32, device=device)
targets = torch.randn(8, 10, device=device)
for epoch in range(3):
    print(f"step {epoch}: loss {train_step(net, criterion, optimizer, inputs, targets):.4f}")
