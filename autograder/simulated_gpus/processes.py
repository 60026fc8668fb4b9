"""`torch.distributed` between processes whose devices are simulated: gloo does nccl's work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch.distributed as dist

from autograder.simulated_gpus.swap import Swap

if TYPE_CHECKING:
    from autograder.simulated_gpus.machine import Machine


def swaps(machine: Machine) -> list[Swap]:
    """The entry to a process group; none for a machine without devices, or a torch without torch.distributed."""
    if not machine.installed or not dist.is_available():
        return []
    initialise = dist.init_process_group

    def init_process_group(backend: str | None = None, *args: Any, **kwargs: Any) -> None:
        kwargs.pop("device_id", None)  # gloo has no device of its own
        initialise("gloo" if backend is None or "nccl" in backend else backend, *args, **kwargs)

    return [
        Swap(dist, "init_process_group", init_process_group),
        Swap(dist.distributed_c10d, "init_process_group", init_process_group),
        Swap(dist, "is_nccl_available", lambda: True),
    ]
