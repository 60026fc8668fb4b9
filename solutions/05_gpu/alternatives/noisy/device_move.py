import logging
import sys
import warnings
from collections import OrderedDict

import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler

logging.basicConfig(level=logging.DEBUG)
log = logging.getLogger(__name__)
print("CUDA:", torch.cuda.is_available(), torch.cuda.device_count())
warnings.warn("this module is loud")


def pick_device():
    if torch.cuda.is_available():
        print("GPU:", torch.cuda.get_device_name(0), file=sys.stderr)
    return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")


def move_batch(batch, device):
    x, y = batch
    print("before", x.device, y.device)
    x, y = x.to(device), y.to(device)
    print("after", x.device, y.device, x)
    return x, y


def train_on(net, loader, criterion, make_optimizer, device, epochs):
    net.to(device)
    print(net, next(net.parameters()).device)
    optimizer = make_optimizer(net.parameters())
    out = []
    for epoch in range(epochs):
        total = count = 0
        for i, batch in enumerate(loader):
            x, y = move_batch(batch, device)
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            total, count = total + loss.item(), count + 1
            print(f"[{epoch}, {i}] loss {loss:.3f}", x.sum(), loss)
        log.info("epoch %d: %f", epoch, total / count)
        out.append(total / count)
    return out


def evaluate_on(net, loader, device):
    right = total = 0
    for batch in loader:
        x, y = move_batch(batch, device)
        with torch.no_grad():
            pred = net(x).max(dim=1).indices
        print(pred.tolist(), y.tolist())
        right += (pred == y).sum()
        total += y.size(0)
    print("accuracy", right / total)
    return right.item() / total


def parallelize(net):
    n = torch.cuda.device_count()
    print("GPUs:", n)
    if n > 1:
        warnings.warn("using nn.DataParallel")
        return nn.DataParallel(net)
    return net


def split_sizes(batch, gpus):
    sizes = [t.numel() for t in torch.arange(batch).chunk(gpus)]
    print(batch, gpus, sizes)
    return sizes


def data_parallel(net, x, devices):
    class Loud(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            print("\tin replica: input", x.size(), "on", x.device)
            return self.inner(x)

    parts = nn.parallel.scatter(x, devices)
    replicas = nn.parallel.replicate(Loud(net), devices[: len(parts)])
    outputs = nn.parallel.parallel_apply(replicas, parts)
    return nn.parallel.gather(outputs, devices[0])


def save_portable(net, path):
    state = OrderedDict()
    for k, v in net.state_dict().items():
        state[k[7:] if isinstance(net, nn.DataParallel) else k] = v.cpu()
        print("saving", k, v.shape)
    torch.save(state, str(path))


def load_on(net, path, device):
    state = torch.load(str(path), map_location="cpu")
    print(net.load_state_dict(state))
    return net.to(device)


def ddp_train(rank, world_size, init_method, net, dataset, batch_size, epochs, lr):
    print(f"rank {rank} of {world_size} at {init_method}", flush=True)
    dist.init_process_group("gloo", init_method=init_method, rank=rank, world_size=world_size)
    try:
        ddp = nn.parallel.DistributedDataParallel(net)
        sampler = DistributedSampler(dataset, world_size, rank)
        loader = DataLoader(dataset, batch_size, sampler=sampler)
        opt = torch.optim.SGD(ddp.parameters(), lr=lr)
        criterion = nn.CrossEntropyLoss()
        for epoch in range(epochs):
            for x, y in loader:
                opt.zero_grad()
                loss = criterion(ddp(x), y)
                loss.backward()
                opt.step()
                print(rank, epoch, loss.item(), file=sys.stderr, flush=True)
        del ddp
    finally:
        dist.destroy_process_group()
    return net.state_dict()
