"""Where a tensor lives, and its copies on other devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from autograder.simulated_gpus.machine import HOST, UNDECIDED, Machine

if TYPE_CHECKING:
    from collections.abc import Callable

_untyped_storage: Callable[[torch.Tensor], Any] = torch._C.TensorBase.untyped_storage
_NO_STORAGE = (NotImplementedError, RuntimeError)  # what torch raises for the storage of a sparse or opaque tensor


def residence(tensor: torch.Tensor) -> int:
    """The ordinal of the device that a tensor lives on, or HOST or UNDECIDED.

    Call it without function modes: reading a tensor's storage is a call of torch like any other.
    """
    try:
        ordinal: int = _untyped_storage(tensor)._ordinal
    except _NO_STORAGE:
        parts = storages(tensor)
        return parts[-1]._ordinal if parts else HOST  # type: ignore[attr-defined]  # a swap gives all this attribute
    return ordinal


def storages(tensor: torch.Tensor) -> list[torch.UntypedStorage]:
    """All storages of a tensor, the values' last: one if it is dense, several if sparse, none if opaque."""
    try:
        return [_untyped_storage(tensor)]
    except _NO_STORAGE:
        with torch._C._DisableTorchDispatch():
            if tensor.layout == torch.sparse_coo:
                parts = [tensor._indices(), tensor._values()]
            elif tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
                parts = [tensor.crow_indices(), tensor.col_indices(), tensor.values()]
            elif tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
                parts = [tensor.ccol_indices(), tensor.row_indices(), tensor.values()]
            else:
                parts = []
        return [_untyped_storage(part) for part in parts]


def put(machine: Machine, tensor: torch.Tensor, ordinal: int) -> None:
    """Record that a tensor lives on a device, with everything that shares its memory."""
    for storage in storages(tensor):
        machine.place(storage, ordinal)


def lives(tensor: torch.Tensor) -> int:
    """`residence` from ordinary code, where function modes are active."""
    with torch._C.DisableTorchFunction():
        return residence(tensor)


def decide(machine: Machine, tensor: object, like: object) -> None:
    """Settle that an undecided tensor lives where another one does."""
    if isinstance(tensor, torch.Tensor) and isinstance(like, torch.Tensor) and lives(tensor) == UNDECIDED:
        put(machine, tensor, lives(like))


def moved(
    machine: Machine,
    tensor: torch.Tensor,
    ordinal: int,
    memory_format: torch.memory_format = torch.preserve_format,
) -> torch.Tensor:
    """A copy of a tensor on a device; its gradient flows back to where the tensor lives."""
    if tensor.requires_grad and torch.is_grad_enabled():
        return _Move.apply(tensor, machine, ordinal, memory_format)  # type: ignore[no-untyped-call, no-any-return]  # torch annotates none
    return relocated(machine, tensor, ordinal, memory_format)


def relocated(
    machine: Machine,
    tensor: torch.Tensor,
    ordinal: int,
    memory_format: torch.memory_format = torch.preserve_format,
) -> torch.Tensor:
    """A detached copy of a tensor on a device."""
    with torch._C._DisableTorchDispatch(), torch._C.DisableTorchFunction():
        copy = tensor.detach()
        copy = copy.clone(memory_format=memory_format) if copy.layout == torch.strided else copy.clone()
        put(machine, copy, ordinal)
    return copy


class _Move(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, tensor: torch.Tensor, machine: Machine, ordinal: int, memory_format: torch.memory_format
    ) -> torch.Tensor:
        ctx.machine, ctx.origin = machine, lives(tensor)
        return relocated(machine, tensor, ordinal, memory_format)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        return moved(ctx.machine, gradients[0], ctx.origin), None, None, None
