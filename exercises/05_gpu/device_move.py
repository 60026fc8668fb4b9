"""The move to GPUs: devices, training and evaluation on one, one batch on several, files, several processes.

Complete each TODO and run `pytest exercises/05_gpu`. The lesson is in README.md beside this file.
You need no GPU: the checks simulate them. N is the batch size, D the number of features, K of classes.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist  # noqa: F401  you will need it
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Dataset


def pick_device() -> torch.device:
    """Return the first GPU, cuda:0, where CUDA is available, else the CPU.

    Example: torch.device("cpu") on a laptop without a GPU
    """
    # TODO: ask torch whether CUDA is available
    raise NotImplementedError


def move_batch(batch: Sequence[Tensor], device: torch.device | str) -> tuple[Tensor, Tensor]:
    """Return the inputs and the labels of a batch on `device`; the batch itself stays as it is.

    Args:
        batch: inputs (N, ...) and labels (N,), as a DataLoader gives them
        device: such as torch.device("cuda:1") or "cpu"

    Example: move_batch([x, y], "cuda:1") -> x and y on cuda:1
    """
    # TODO: both tensors, on the device
    raise NotImplementedError


def train_on(
    net: nn.Module,
    loader: DataLoader[Any],
    criterion: Callable[[Tensor, Tensor], Tensor],
    make_optimizer: Callable[[Iterator[nn.Parameter]], Optimizer],
    device: torch.device | str,
    epochs: int,
) -> list[float]:
    """Train net on `device` and return the mean loss of each epoch as Python floats.

    The mean is taken over the batches, or weighted by their sizes: both are right.

    Args:
        net: is moved to `device` and trained in place
        loader: gives pairs of inputs (N, D) and labels (N,) on the host
        criterion: makes the loss from scores and labels
        make_optimizer: makes the optimizer from `net.parameters()`
        device: where to train
        epochs: how often to go through the loader

    Example: train_on(net, loader, nn.CrossEntropyLoss(), lambda p: torch.optim.SGD(p, lr=0.1), "cuda:0", 2)
        -> [1.9, 1.4]
    """
    # TODO: move net, make the optimizer, then the usual loop with every batch on the device
    raise NotImplementedError


def evaluate_on(net: nn.Module, loader: DataLoader[Any], device: torch.device | str) -> float:
    """Return the accuracy, from 0 to 1, of a net that is on `device` already.

    Args:
        net: gives scores (N, K); the class is the largest
        loader: gives pairs of inputs (N, D) and labels (N,) on the host; its last batch may be smaller
        device: where net is

    Example: 0.75 if 3 of 4 samples are classified correctly
    """
    # TODO: count the correct ones of every batch; predictions and labels have to be on the same device
    raise NotImplementedError


def parallelize(net: nn.Module) -> nn.Module:
    """Return net wrapped in nn.DataParallel if more than one GPU is visible, otherwise net itself.

    Example: with four GPUs an nn.DataParallel, with one the very object net
    """
    # TODO: how many devices does torch.cuda count?
    raise NotImplementedError


def split_sizes(batch: int, gpus: int) -> list[int]:
    """Return how many samples of a batch nn.DataParallel sends to each GPU; GPUs that get none are left out.

    Example: split_sizes(30, 4) == [8, 8, 8, 6], split_sizes(10, 4) == [3, 3, 3, 1], split_sizes(2, 4) == [1, 1]
    """
    # TODO: what size has each part but the last?
    raise NotImplementedError


def data_parallel(net: nn.Module, x: Tensor, devices: Sequence[torch.device | str]) -> Tensor:
    """Return net(x), computed in parts on several devices and gathered on the first of them.

    Args:
        net: lives on devices[0], and stays there
        x: inputs (N, ...) on devices[0]; N may be smaller than the number of devices
        devices: one or more CUDA devices, in any order

    Example: data_parallel(net, x, ["cuda:1", "cuda:0"]) -> net(x) on cuda:1
    """
    # TODO: scatter, replicate, apply, gather
    raise NotImplementedError


def save_portable(net: nn.Module, path: str | Path) -> None:
    """Save a state_dict that every machine can load: CPU tensors under the plain network's names.

    `torch.load(path, weights_only=True)` reads it. net itself stays as it is and where it is.

    Args:
        net: a network on any device, or an nn.DataParallel around one; a layer of the network may be called module
        path: of the file to write

    Example: the file of nn.DataParallel(nn.Linear(2, 1)) has the keys weight and bias
    """
    # TODO: unwrap net if need be; bring the tensors to the host; save
    raise NotImplementedError


def load_on(net: nn.Module, path: str | Path, device: torch.device | str) -> nn.Module:
    """Load a saved state_dict into net, move net to `device` and return it.

    The tensors of the file may have been saved on a GPU that this machine does not have.

    Example: load_on(Net(), "weights.pt", "cpu")
    """
    # TODO: load the file to a place that exists everywhere
    raise NotImplementedError


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
    """Be one of `world_size` processes that train net together; return the trained state_dict on the CPU.

    Uses DistributedDataParallel, a DistributedSampler, plain SGD and cross entropy. All processes return the same
    tensors, under net's own names, and each leaves the process group destroyed.

    Args:
        rank: the number of this process, from 0
        world_size: how many processes there are
        init_method: where the processes meet, for dist.init_process_group
        net: without buffers; (N, D) -> scores (N, K)
        dataset: gives pairs of a sample (D,) and its label
        batch_size: of each process
        epochs: how often all processes together go through the data set
        lr: of torch.optim.SGD

    Example: torch.multiprocessing.spawn(work, nprocs=2), where work(rank) calls
        ddp_train(rank, 2, "tcp://127.0.0.1:29500", Net(), dataset, 16, 3, 0.1)
    """
    # TODO: join the process group (backend "gloo" on the CPU, "nccl" with a GPU for each process)
    # TODO: wrap net, make sampler, loader and optimizer, train
    # TODO: destroy the process group
    raise NotImplementedError
