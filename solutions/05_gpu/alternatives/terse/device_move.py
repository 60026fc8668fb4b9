import copy

import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler


def pick_device(): return torch.device("cuda" if torch.cuda.is_available() else "cpu")
def move_batch(batch, device): return tuple(t.to(device) for t in batch)


def train_on(net, loader, criterion, make_optimizer, device, epochs):
    opt = make_optimizer(net.to(device).parameters())

    def step(b):
        x, y = (t.to(device) for t in b)
        opt.zero_grad(), (loss := criterion(net(x), y)).backward(), opt.step()
        return loss.item()
    return [sum(ls := [step(b) for b in loader]) / len(ls) for _ in range(epochs)]


@torch.no_grad()
def evaluate_on(net, loader, device):
    hits = torch.cat([net(x.to(device)).argmax(-1).cpu() == y for x, y in loader])
    return hits.float().mean().item()


def parallelize(net): return nn.DataParallel(net) if torch.cuda.device_count() > 1 else net
def split_sizes(batch, gpus): return [len(c) for c in torch.empty(batch).chunk(gpus)]
def data_parallel(net, x, devices): return nn.parallel.data_parallel(net.to(devices[0]), x.to(devices[0]), devices)
def save_portable(net, path): torch.save(copy.deepcopy(net.module if type(net) is nn.DataParallel else net).cpu().state_dict(), path)


def load_on(net, path, device):
    net.load_state_dict(torch.load(path, map_location=device))
    return net.to(device)


def ddp_train(rank, world_size, init_method, net, dataset, batch_size, epochs, lr):
    dist.init_process_group("gloo", init_method=init_method, rank=rank, world_size=world_size)
    ddp = nn.parallel.DistributedDataParallel(net)
    s = DistributedSampler(dataset, shuffle=False)
    opt = torch.optim.SGD(ddp.parameters(), lr)
    for _ in range(epochs):
        for x, y in DataLoader(dataset, batch_size, sampler=s):
            opt.zero_grad(), nn.functional.cross_entropy(ddp(x), y).backward(), opt.step()
    del ddp
    dist.destroy_process_group()
    return net.cpu().state_dict()
