from math import prod
import torch, torch.nn.functional as F
from torch import nn
from torch.nn import *
relu, pool = F.relu, lambda x: F.max_pool2d(x, 2)
class Net(nn.Module):
    def __init__(s): super().__init__(); s.conv1, s.conv2, s.fc1, s.fc2, s.fc3 = Conv2d(1, 6, 3), Conv2d(6, 16, 3), Linear(576, 120), Linear(120, 84), Linear(84, 10)
    def forward(s, x): return s.fc3(relu(s.fc2(relu(s.fc1(pool(relu(s.conv2(pool(relu(s.conv1(x)))))).flatten(1))))))
    def num_flat_features(s, x): return prod(x.shape[1:])
def feature_sizes(s, kernels, pool): return sum(([(c := s - k + 1), (s := c // pool)] for k in kernels), [])
parameter_table = lambda net: [(n, p.shape, p.numel()) for n, p in net.named_parameters()]
def random_backward(net, x, grad): net.zero_grad(); net(x).backward(grad); return {n: +p.grad.clone() for n, p in net.named_parameters()}
mse_loss = lambda net, x, t: (net(x) - t).square().mean()
def graph_walk(loss, steps, f=None):
    f = f or loss.grad_fn
    return [type(f).__name__] + (graph_walk(loss, steps - 1, f.next_functions[0][0]) if steps > 1 and f.next_functions else [])
@torch.no_grad
def sgd_update(net, lr): [p.sub_(lr * p.grad) for p in net.parameters()]
def train_step(net, criterion, optimizer, x, target): optimizer.zero_grad(); (l := criterion(net(x), target)).backward(); optimizer.step(); return l.item()
def stale_grads(net, optimizer): optimizer.zero_grad(); return [n for n, p in net.named_parameters() if p.grad is not None and p.grad.any()]
exponential_lrs = lambda o, gamma, epochs: [o.param_groups[0]["lr"] * gamma ** e for e in range(epochs)]
