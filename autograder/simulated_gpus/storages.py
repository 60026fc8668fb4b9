"""The attributes of UntypedStorage: where it lives, its copies; what `torch.save`, `torch.load` and deepcopy use."""

from __future__ import annotations

from typing import Any

import torch

from autograder.simulated_gpus.machine import HOST, Machine, device_of
from autograder.simulated_gpus.swap import Swap

Storage = torch.UntypedStorage


def swaps(machine: Machine) -> list[Swap]:
    """UntypedStorage's attributes for this machine."""
    real_device = Storage.device.__get__

    def ordinal_of(storage: Storage) -> int:
        return storage._ordinal  # type: ignore[attr-defined, no-any-return]  # the first swap below

    def device(storage: Storage) -> torch.device:
        ordinal = ordinal_of(storage)
        return device_of(ordinal) if ordinal >= 0 else real_device(storage)

    def copied(storage: Storage, ordinal: int) -> Storage:
        copy: Storage = Storage(storage.nbytes()).copy_(storage)  # type: ignore[no-untyped-call]  # torch annotates none
        machine.place(copy, ordinal)
        return copy

    def to(storage: Storage, *, device: Any, non_blocking: bool = False) -> Storage:  # noqa: ARG001  # torch's signature
        ordinal = machine.ordinal(device)
        if ordinal is None:
            raise RuntimeError(f"a simulated machine has no device {device}")
        return storage if ordinal == ordinal_of(storage) else copied(storage, ordinal)

    def cuda(storage: Storage, device: Any = None, non_blocking: bool = False) -> Storage:  # noqa: ARG001, FBT001, FBT002
        return to(storage, device=device)  # None is the current device

    values: dict[str, object] = {
        "_ordinal": HOST,
        "device": property(device),
        "is_cuda": property(lambda storage: ordinal_of(storage) >= 0),
        "clone": lambda storage: copied(storage, ordinal_of(storage)),
        "to": to,
        "cuda": cuda,
        "cpu": lambda storage: to(storage, device="cpu"),
    }
    return [Swap(Storage, name, value) for name, value in values.items()]
