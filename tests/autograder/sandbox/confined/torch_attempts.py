"""What a confined child may and must not do with torch."""

import torch
from torch import distributed, nn


def shared_tensor():
    torch.ones(4).share_memory_()


def allocate(size):
    torch.ones(size, dtype=torch.uint8)


def all_reduce(port, rank):
    """One rank of two; returns the sum of a tensor over both, and of a gradient that they average.

    The group is not destroyed: with DistributedDataParallel alive, torch may wait for itself there without end.
    """
    distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    tensor = torch.full((3,), float(rank + 1))
    distributed.all_reduce(tensor)
    model = nn.parallel.DistributedDataParallel(nn.Linear(3, 1, bias=False))
    model(torch.full((1, 3), 2.0 * rank)).sum().backward()
    return tensor.sum().item(), model.module.weight.grad.sum().item()
