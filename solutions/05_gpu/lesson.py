"""What the lesson takes for granted: two GPUs, simulated ones, the module, a network with its data.

Processes are forked, where simulated GPUs cannot be used any more than real ones, and meet in a file.
"""

from functools import partial
from pathlib import Path

import device_move
import torch
from device_move import *  # noqa: F403  as the learner has it all
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from autograder.simulated_gpus import simulated

gpus = simulated(2)
gpus.__enter__()


def ddp_train(rank, world_size, _, *rest):
    """The solution's, without a GPU."""
    torch.cuda.device_count = lambda: 0
    return device_move.ddp_train(rank, world_size, f"file://{Path.cwd() / 'meeting'}", *rest)


def spawn(work, nprocs):
    """Has each process forked, and waits for all."""
    started = torch.multiprocessing.start_processes(work, nprocs=nprocs, join=False, start_method="fork")
    assert any(started.join(timeout=300) for _ in range(nprocs))  # each call waits for one process at least


torch.multiprocessing.spawn = spawn

Net = partial(nn.Linear, 3, 2)
net, x, total, loss = Net(), torch.zeros(4, 3), 0, torch.tensor(1.0)
dataset = TensorDataset(torch.randn(40, 3), torch.arange(40) % 2)
loader = DataLoader(dataset, 8)
make_optimizer = partial(torch.optim.SGD, lr=0.1)
