"""functional_call on moved parameters, chunk for the sizes, consume_prefix: how public code writes these."""

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler


def pick_device():
    return torch.device("cuda", 0) if torch.cuda.device_count() else torch.device("cpu")


def move_batch(batch, device):
    x, y = batch
    return torch.empty_like(x, device=device).copy_(x), torch.empty_like(y, device=device).copy_(y)


def train_on(net, loader, criterion, make_optimizer, device, epochs):
    def batches():
        yield from ((x.to(device), y.to(device)) for x, y in loader)

    net = net.to(device)
    opt = make_optimizer(net.parameters())
    history = []
    for _ in range(epochs):
        net.train()
        total, seen = torch.zeros((), device=device), 0
        for x, y in batches():
            opt.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            opt.step()
            total += loss.detach() * x.size(0)
            seen += x.size(0)
        history.append(float(total) / seen)
    return history


@torch.no_grad()
def evaluate_on(net, loader, device):
    hits = torch.zeros((), dtype=torch.long, device=device)
    for x, y in loader:
        hits += net(x.to(device)).argmax(-1).eq(y.to(device)).sum()
    return hits.item() / len(loader.dataset)


def parallelize(net):
    n = torch.cuda.device_count()
    return net if n <= 1 else nn.DataParallel(net, device_ids=list(range(n)))


def split_sizes(batch, gpus):
    return [len(part) for part in torch.arange(batch).chunk(gpus)]


def data_parallel(net, x, devices):
    state = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    outs = []
    for part, device in zip(x.chunk(len(devices)), devices):
        local = {k: v.to(device) for k, v in state.items()}
        outs.append(torch.func.functional_call(net, local, (part.to(device),)).to(devices[0]))
    return torch.cat(outs)


def save_portable(net, path):
    state = {k: v.cpu() for k, v in net.state_dict().items()}
    if isinstance(net, nn.DataParallel):
        torch.nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    torch.save(state, path)


def load_on(net, path, device):
    state = torch.load(path, map_location=lambda storage, loc: storage, weights_only=True)
    net.load_state_dict(state)
    return net.to(device)


def ddp_train(rank, world_size, init_method, net, dataset, batch_size, epochs, lr):
    dist.init_process_group("gloo", init_method=init_method, rank=rank, world_size=world_size)
    try:
        wrapped = DistributedDataParallel(net)
        sampler = DistributedSampler(dataset, num_replicas=world_size, rank=rank, shuffle=False)
        optimizer = torch.optim.SGD(wrapped.parameters(), lr=lr)
        criterion = nn.CrossEntropyLoss()
        for _ in range(epochs):
            for x, y in DataLoader(dataset, batch_size=batch_size, sampler=sampler):
                optimizer.zero_grad()
                criterion(wrapped(x), y).backward()
                optimizer.step()
        return {k: v.detach().cpu().clone() for k, v in net.state_dict().items()}
    finally:
        dist.destroy_process_group()
