"""What nn.DataParallel and optimizers ask of torch's C library: broadcast, scatter, gather, grouping by device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from autograder.simulated_gpus.machine import HOST, Machine
from autograder.simulated_gpus.residence import lives, moved
from autograder.simulated_gpus.swap import Swap

if TYPE_CHECKING:
    from collections.abc import Sequence

Groups = dict[tuple[torch.device, torch.dtype], tuple[list[list[Any]], list[int]]]


def swaps(machine: Machine) -> list[Swap]:
    """The functions of `torch._C` that nn.parallel and torch.optim call."""

    def on(tensor: Tensor, device: int) -> Tensor:
        return tensor if lives(tensor) == device else moved(machine, tensor, machine.checked(device))

    def broadcast(tensor: Tensor, devices: Sequence[int]) -> list[Tensor]:
        return [on(tensor, device) for device in devices]

    def broadcast_coalesced(tensors: Sequence[Tensor], devices: Sequence[int], size: int = 0) -> list[list[Tensor]]:  # noqa: ARG001  # torch's signature
        return [[on(tensor, device) for tensor in tensors] for device in devices]

    def scatter(
        tensor: Tensor,
        devices: Sequence[int],
        chunk_sizes: Sequence[int] | None = None,
        dim: int = 0,
        streams: Sequence[Any] | None = None,  # noqa: ARG001  # torch's signature
    ) -> list[Tensor]:
        if chunk_sizes is None:
            chunks = tensor.chunk(len(devices), dim)
        elif len(chunk_sizes) == len(devices):
            chunks = torch.split(tensor, list(chunk_sizes), dim)
        else:
            raise RuntimeError("Expected devices and chunk_sizes to be of same length")
        return [on(chunk, device).contiguous() for chunk, device in zip(chunks, devices, strict=False)]

    def gather(tensors: Sequence[Tensor], dim: int = 0, destination: int | None = None) -> Tensor:
        ordinal = HOST if destination == HOST else machine.ordinal(destination)
        assert ordinal is not None  # noqa: S101  # an integer always means a device
        parts = [on(tensor, ordinal) if ordinal >= 0 else tensor.cpu() for tensor in tensors]
        with torch.autocast("cpu", enabled=False):  # a copy, whatever the replicas' precision
            return torch.cat(parts, dim)

    values = {
        "_broadcast": broadcast, "_broadcast_coalesced": broadcast_coalesced, "_scatter": scatter, "_gather": gather,
        "_group_tensors_by_device_and_dtype": _grouping(),
    }  # fmt: skip
    return [
        *(Swap(torch._C, name, value) for name, value in values.items()),
        Swap(torch.cuda.nccl, "is_available", lambda tensors: False),  # noqa: ARG005  # torch's signature
    ]


def _grouping() -> Any:
    by_real_device: Any = torch._C._group_tensors_by_device_and_dtype

    def by_device(lists: list[list[Any]], with_indices: bool = False) -> Groups:  # noqa: FBT001, FBT002  # torch's signature
        groups: Groups = {}
        for (_, dtype), (columns, indices) in by_real_device(lists, with_indices).items():
            for position, first in enumerate(columns[0]):
                device = first.device
                if any(_misplaced(column[position], device) for column in columns if column):
                    raise RuntimeError(
                        "Tensors of the same index must be on the same device and the same dtype except `step` tensors "
                        "that can be CPU and float32/64 notwithstanding"
                    )
                group, order = groups.setdefault((device, dtype), ([[] for _ in columns], []))
                for part, column in zip(group, columns, strict=True):
                    part.extend(column[position : position + 1])
                order.extend(indices[position : position + 1])
        return groups

    return by_device


def _misplaced(tensor: Tensor | None, device: torch.device) -> bool:
    return tensor is not None and tensor.device != device and not (tensor.dim() == 0 and lives(tensor) == HOST)
