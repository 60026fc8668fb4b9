"""Lists for tuples, NumPy scalars for numbers, 0-dim tensors, OrderedDicts, subclasses."""

from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler


def pick_device():
    return torch.empty(0).to("cuda:0" if torch.cuda.is_available() else "cpu").device


def move_batch(batch, device):
    return [torch.utils._pytree.tree_map(lambda t: t.to(device), item) for item in batch]


def train_on(net, loader, criterion, make_optimizer, device, epochs):
    net.to(device=device)
    optimizer = make_optimizer(net.parameters())
    means = ()
    for _ in range(epochs):
        losses = []
        for x, y in loader:
            def closure(x=x.to(device), y=y.to(device)):
                optimizer.zero_grad()
                loss = criterion(net(x), y)
                loss.backward()
                return loss
            losses.append((optimizer.step(closure).item(), len(y)))
        values, sizes = zip(*losses, strict=True)
        means += (np.average(values, weights=sizes),)
    return means


def evaluate_on(net, loader, device):
    predictions, labels = [], []
    with torch.no_grad():
        for x, y in loader:
            predictions.append(net(x.to(device)).softmax(1).topk(1).indices.squeeze(1))
            labels.append(y)
    return (torch.cat(predictions) == torch.cat(labels).to(device)).double().mean()


def parallelize(net):
    visible = range(torch.cuda.device_count())
    return nn.DataParallel(net, list(visible)) if visible[1:] else net


def split_sizes(batch, gpus):
    part = int(np.ceil(batch / gpus))
    return tuple(np.diff(np.unique(np.append(np.arange(0, batch, part), batch))))


def data_parallel(net, x, devices):
    devices = [torch.device(d) for d in devices][: len(x)]
    parts = torch.tensor_split(x, len(devices))
    state = {k: v.detach() for k, v in net.state_dict(keep_vars=True).items()}
    outputs = [
        torch.func.functional_call(net, {k: v.to(d) for k, v in state.items()}, (part.to(d),))
        for part, d in zip(parts, devices, strict=True)
    ]
    return torch.cat([output.to(devices[0]) for output in outputs])


def save_portable(net, path):
    inner = net
    while isinstance(inner, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        inner = inner.module
    state = inner.state_dict()
    for name in state:
        state[name] = state[name].cpu()
    Path(path).write_bytes(b"")
    torch.save(state, Path(path))


def load_on(net, path, device):
    state = torch.load(Path(path), map_location={f"cuda:{i}": "cpu" for i in range(64)}, weights_only=True)
    assert net.load_state_dict(state).missing_keys == []
    return net.to(device)


def ddp_train(rank, world_size, init_method, net, dataset, batch_size, epochs, lr):
    dist.init_process_group("gloo", init_method, rank=rank, world_size=world_size)
    ddp = nn.parallel.DistributedDataParallel(net, gradient_as_bucket_view=True)
    loader = DataLoader(dataset, batch_size, sampler=DistributedSampler(dataset, seed=3))
    optimizer = torch.optim.SGD(net.parameters(), lr)
    for epoch in range(epochs):
        loader.sampler.set_epoch(epoch)
        for x, y in loader:
            optimizer.zero_grad(set_to_none=True)
            nn.functional.nll_loss(ddp(x).log_softmax(1), y).backward()
            optimizer.step()
    del ddp
    dist.destroy_process_group()
    return dict(net.named_parameters())
