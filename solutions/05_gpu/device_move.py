"""The move to GPUs: devices, training and evaluation on one, one batch on several, files, several processes."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Dataset, DistributedSampler


def pick_device() -> torch.device:
    """The first GPU where there is one, else the CPU."""
    return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")


def move_batch(batch: Sequence[Tensor], device: torch.device | str) -> tuple[Tensor, Tensor]:
    """Inputs and labels on `device`."""
    inputs, labels = batch
    return inputs.to(device), labels.to(device)


def train_on(
    net: nn.Module,
    loader: DataLoader[Any],
    criterion: Callable[[Tensor, Tensor], Tensor],
    make_optimizer: Callable[[Iterator[nn.Parameter]], Optimizer],
    device: torch.device | str,
    epochs: int,
) -> list[float]:
    """Trains net on `device`; the mean loss over the batches of each epoch."""
    net.to(device)
    optimizer = make_optimizer(net.parameters())
    means = []
    for _ in range(epochs):
        losses = []
        for inputs, labels in loader:
            x, y = inputs.to(device), labels.to(device)
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        means.append(sum(losses) / len(losses))
    return means


def evaluate_on(net: nn.Module, loader: DataLoader[Any], device: torch.device | str) -> float:
    """The fraction of the loader's samples that net, on `device`, classifies correctly."""
    net.eval()
    correct = total = 0
    with torch.no_grad():
        for inputs, labels in loader:
            x, y = inputs.to(device), labels.to(device)
            predicted = net(x).argmax(1)
            correct += (predicted == y).sum().item()
            total += len(y)
    return correct / total


def parallelize(net: nn.Module) -> nn.Module:
    """Net in nn.DataParallel where more than one GPU is visible, otherwise net itself."""
    if torch.cuda.device_count() > 1:
        return nn.DataParallel(net)
    return net


def split_sizes(batch: int, gpus: int) -> list[int]:
    """How many samples nn.DataParallel sends to each GPU: equal parts, rounded up, as long as there are samples."""
    part = (batch + gpus - 1) // gpus
    return [min(part, batch - start) for start in range(0, batch, part)]


def data_parallel(net: nn.Module, x: Tensor, devices: Sequence[torch.device | str]) -> Tensor:
    """net(x), computed part by part on `devices` and gathered on the first of them."""
    inputs = nn.parallel.scatter(x, devices)
    replicas = nn.parallel.replicate(net.to(devices[0]), devices)
    outputs = nn.parallel.parallel_apply(replicas[: len(inputs)], inputs)  # a small batch leaves devices idle
    return nn.parallel.gather(outputs, devices[0])


def save_portable(net: nn.Module, path: str | Path) -> None:
    """Writes net's state_dict as CPU tensors, under the names that the network itself gives them."""
    bare = net.module if isinstance(net, nn.DataParallel) else net
    state = {name: tensor.cpu() for name, tensor in bare.state_dict().items()}
    torch.save(state, path)


def load_on(net: nn.Module, path: str | Path, device: torch.device | str) -> nn.Module:
    """Loads a state_dict, wherever its tensors were saved, into net and moves net to `device`."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    net.load_state_dict(state)
    return net.to(device)


def ddp_train(
    rank: int,
    world_size: int,
    init_method: str,
    net: nn.Module,
    dataset: Dataset[Any],
    batch_size: int,
    epochs: int,
    lr: float,
) -> dict[str, Tensor]:
    """One process of DistributedDataParallel training; the trained state_dict on the CPU."""
    on_gpu = torch.cuda.device_count() >= world_size
    device = torch.device("cuda", rank) if on_gpu else torch.device("cpu")
    backend = "nccl" if on_gpu else "gloo"
    dist.init_process_group(backend, init_method=init_method, rank=rank, world_size=world_size)
    try:
        parallel = DistributedDataParallel(net.to(device), device_ids=[rank] if on_gpu else None)
        sampler = DistributedSampler(dataset, num_replicas=world_size, rank=rank)
        loader = DataLoader(dataset, batch_size=batch_size, sampler=sampler)
        optimizer = torch.optim.SGD(parallel.parameters(), lr=lr)
        for epoch in range(epochs):
            sampler.set_epoch(epoch)
            for inputs, labels in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(parallel(inputs.to(device)), labels.to(device))
                loss.backward()
                optimizer.step()
        del parallel  # it uses the process group: destroying the group under it can wait for ever
    finally:
        dist.destroy_process_group()
    return {name: tensor.detach().cpu() for name, tensor in net.state_dict().items()}
