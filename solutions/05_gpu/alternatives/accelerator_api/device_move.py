"""The newer spellings: torch.accelerator, device contexts, pinned memory, non-blocking copies."""

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel, gather, parallel_apply, replicate, scatter
from torch.utils.data import DataLoader, DistributedSampler


def pick_device() -> torch.device:
    return torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")


def move_batch(batch, device):
    if torch.device(device).type == "cuda" and not batch[0].is_cuda:
        batch = [t.pin_memory() for t in batch]
    inputs, labels = (t.to(device, non_blocking=True) for t in batch)
    return inputs, labels


def train_on(net, loader, criterion, make_optimizer, device, epochs):
    net = net.to(device)
    optimizer = make_optimizer(net.parameters())
    losses = torch.zeros(epochs, len(loader), device=device)
    for epoch in range(epochs):
        for i, batch in enumerate(loader):
            x, y = move_batch(batch, device)
            optimizer.zero_grad(set_to_none=True)
            with torch.enable_grad():
                loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            losses[epoch, i] = loss.detach()
    return losses.mean(1).tolist()


@torch.inference_mode()
def evaluate_on(net, loader, device):
    with torch.device(device):
        right = torch.zeros((), dtype=torch.int64)
        total = torch.zeros((), dtype=torch.int64)
    for batch in loader:
        x, y = move_batch(batch, device)
        right += torch.count_nonzero(net(x).argmax(dim=1) == y)
        total += y.shape[0]
    return (right / total).item()


def parallelize(net):
    match torch.cuda.device_count():
        case 0 | 1:
            return net
        case _:
            return nn.DataParallel(net)


def split_sizes(batch: int, gpus: int) -> list[int]:
    return [part.shape[0] for part in torch.empty(batch, device="meta").chunk(gpus)]


def data_parallel(net, x, devices):
    inputs = scatter(x, devices)
    if len(inputs) == 1:
        return net(inputs[0])
    return gather(parallel_apply(replicate(net, devices[: len(inputs)]), inputs), target_device=devices[0])


def save_portable(net, path):
    state = net.state_dict()
    if isinstance(net, nn.DataParallel):
        nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    torch.save({name: tensor.cpu() for name, tensor in state.items()}, path)


def load_on(net, path, device):
    net.load_state_dict(torch.load(path, map_location=torch.device(device), weights_only=True), assign=False)
    return net.to(device)


def ddp_train(rank, world_size, init_method, net, dataset, batch_size, epochs, lr):
    dist.init_process_group("gloo", init_method=init_method, rank=rank, world_size=world_size)
    try:
        _train(net, dataset, batch_size, epochs, lr)
    finally:
        dist.destroy_process_group()
    return {name: tensor.cpu() for name, tensor in net.state_dict().items()}


def _train(net, dataset, batch_size, epochs, lr):
    parallel = DistributedDataParallel(net)
    sampler = DistributedSampler(dataset)
    loader = DataLoader(dataset, batch_size, sampler=sampler, pin_memory=False)
    optimizer = torch.optim.SGD(parallel.parameters(), lr=lr, foreach=True)
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(parallel(x), y).backward()
            optimizer.step()
