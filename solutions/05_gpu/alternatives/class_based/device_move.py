"""One class for each job."""

from dataclasses import dataclass, field

import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler


class Place:
    def __init__(self, device):
        self.device = torch.device(device)

    @classmethod
    def best(cls):
        return cls("cuda:0" if torch.cuda.is_available() else "cpu")

    def __call__(self, *things):
        return tuple(thing.to(self.device) for thing in things)


@dataclass
class Mean:
    total: float = 0.0
    count: int = 0

    def add(self, value, weight=1):
        self.total += value * weight
        self.count += weight

    @property
    def value(self):
        return self.total / self.count


@dataclass
class Trainer:
    net: nn.Module
    place: Place
    losses: list = field(default_factory=list)

    def epoch(self, loader, criterion, optimizer):
        mean = Mean()
        for batch in loader:
            x, y = self.place(*batch)
            optimizer.zero_grad()
            loss = criterion(self.net(x), y)
            loss.backward()
            optimizer.step()
            mean.add(loss.item(), len(x))
        self.losses.append(mean.value)

    def accuracy(self, loader):
        mean = Mean()
        with torch.no_grad():
            for batch in loader:
                x, y = self.place(*batch)
                mean.add((self.net(x).argmax(1) == y).float().mean().item(), len(y))
        return mean.value


def pick_device():
    return Place.best().device


def move_batch(batch, device):
    return Place(device)(*batch)


def train_on(net, loader, criterion, make_optimizer, device, epochs):
    place = Place(device)
    trainer = Trainer(*place(net), place)
    optimizer = make_optimizer(net.parameters())
    for _ in range(epochs):
        trainer.epoch(loader, criterion, optimizer)
    return trainer.losses


def evaluate_on(net, loader, device):
    return Trainer(net, Place(device)).accuracy(loader)


def parallelize(net):
    class Many(nn.DataParallel):
        """DataParallel that still gives the attributes of the network inside it."""

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(self.module, name)

    return Many(net) if torch.cuda.device_count() > 1 else net


def split_sizes(batch, gpus):
    part = -(-batch // gpus)
    sizes = [max(0, min(part, batch - i * part)) for i in range(gpus)]
    return list(filter(None, sizes))


class Splitter:
    def __init__(self, net, devices):
        self.devices = [torch.device(d) for d in devices]
        self.net = net

    def __call__(self, x):
        parts = x.split(split_sizes(len(x), len(self.devices)))
        used = self.devices[:len(parts)]
        parts = [part.to(device) for part, device in zip(parts, used)]
        replicas = nn.parallel.replicate(self.net, used)
        return nn.parallel.gather(nn.parallel.parallel_apply(replicas, parts), self.devices[0])


def data_parallel(net, x, devices):
    return Splitter(net, devices)(x)


class Weights(dict):
    pass


def save_portable(net, path):
    inner = net.module if isinstance(net, nn.DataParallel) else net
    torch.save(dict(Weights({k: v.detach().cpu() for k, v in inner.state_dict().items()})), path)


def load_on(net, path, device):
    net = net.to("cpu")
    net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=True)
    net = net.to(device)
    return net


class Group:
    def __init__(self, **kwargs):
        self.kwargs = kwargs

    def __enter__(self):
        dist.init_process_group("gloo", **self.kwargs)

    def __exit__(self, *exc):
        dist.destroy_process_group()


def ddp_train(rank, world_size, init_method, net, dataset, batch_size, epochs, lr):
    with Group(init_method=init_method, rank=rank, world_size=world_size):
        trainer = Trainer(nn.parallel.DistributedDataParallel(net), Place("cpu"))
        sampler = DistributedSampler(dataset, num_replicas=world_size, rank=rank)
        loader = DataLoader(dataset, batch_size=batch_size, sampler=sampler)
        optimizer = torch.optim.SGD(net.parameters(), lr=lr)
        for epoch in range(epochs):
            sampler.set_epoch(epoch)
            trainer.epoch(loader, nn.CrossEntropyLoss(), optimizer)
        del trainer
    return {k: v.cpu() for k, v in net.state_dict().items()}
