"""The functions that ask the CUDA driver; the other ones of `torch.cuda` and `torch.accelerator` go through these."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING

import torch
import torch.nn.parallel._functions

from autograder.simulated_gpus.streams import Event, Stream, streams_of
from autograder.simulated_gpus.swap import Swap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autograder.simulated_gpus.machine import Machine

_MEMORY_BYTES = 16 << 30
_PROPERTIES = SimpleNamespace(
    name="Simulated GPU", major=8, minor=0, total_memory=_MEMORY_BYTES, multi_processor_count=108, warp_size=32,
    is_integrated=0, is_multi_gpu_board=0,
)  # fmt: skip


def swaps(machine: Machine) -> list[Swap]:
    """Functions of `torch.cuda` and `torch._C`, for this machine."""
    return [
        *(
            Swap(module, name, value)
            for module in (torch.cuda, torch.cuda.memory, torch.cuda.random)  # the latter import from the first
            for name, value in _namespace(machine).items()
            if module is torch.cuda or hasattr(module, name)
        ),
        *_streams(machine),
        *(Swap(torch._C, name, value) for name, value in (_driver(machine) | _statistics(machine)).items()),
        Swap(torch.cuda.random, "_lazy_call", lambda call, **_: call() if machine.count() else None),
        Swap(torch.backends.cudnn, "is_acceptable", lambda tensor: False),  # noqa: ARG005  # there is no cuDNN to call
    ]


def _namespace(machine: Machine) -> dict[str, object]:
    return {
        "is_available": lambda: machine.count() > 0,
        "device_count": machine.count,
        "_lazy_init": machine.initialise,
        "is_initialized": lambda: machine.initialised and not machine.forked(),
        "_is_in_bad_fork": machine.forked,
        "_exchange_device": machine.select,
        "_maybe_exchange_device": machine.select,
        "_get_device_properties": lambda ordinal: _PROPERTIES,  # noqa: ARG005  # all devices are alike
        "is_bf16_supported": lambda including_emulation=True: True,  # noqa: ARG005  # the host computes it
        "mem_get_info": lambda device=None: _free_and_total(machine, machine.ordinal(device) or 0),
        # One stream of numbers for the host and all devices: a network draws the same dropout wherever it runs.
        "default_generators": (torch.default_generator,) * machine.installed,
    }


def _driver(machine: Machine) -> dict[str, object]:
    def current() -> int:
        machine.initialise()
        return machine.thread.current

    return {
        "_cuda_getDevice": current,
        "_cuda_setDevice": machine.select,
        "_cuda_synchronize": lambda: None,
        "_cuda_canDeviceAccessPeer": lambda device, peer: True,  # noqa: ARG005  # all memory is the host's
        "_accelerator_getAccelerator": lambda: torch.device("cuda") if machine.count() else None,
        "_accelerator_getDeviceIndex": current,
        "_accelerator_setDeviceIndex": machine.select,
        "_accelerator_exchangeDevice": machine.select,
        "_accelerator_maybeExchangeDevice": machine.select,
        "_accelerator_synchronizeDevice": machine.checked,
    }


def _streams(machine: Machine) -> list[Swap]:
    stream_class = streams_of(machine)

    @contextlib.contextmanager
    def stream(chosen: Stream | None) -> Iterator[None]:
        with chosen or contextlib.nullcontext():
            yield

    def set_stream(chosen: Stream) -> None:
        machine.select(chosen.device_index)

    return [
        *(Swap(module, "Stream", stream_class) for module in (torch, torch.cuda)),
        *(Swap(module, "Event", Event) for module in (torch, torch.cuda)),
        Swap(torch.cuda, "stream", stream),
        Swap(torch.cuda, "set_stream", set_stream),
        Swap(torch.cuda, "current_stream", stream_class),
        Swap(torch.cuda, "default_stream", stream_class),
        Swap(torch.cuda, "is_current_stream_capturing", lambda: False),
        Swap(torch._C, "_accelerator_getStream", stream_class),
        Swap(torch._C, "_accelerator_setStream", set_stream),
        Swap(torch.nn.parallel._functions, "_get_stream", stream_class),
    ]


def _statistics(machine: Machine) -> dict[str, object]:
    def statistics(ordinal: int) -> dict[str, object]:
        memory = machine.memory[machine.checked(ordinal)]
        counts = {"current": memory.current, "peak": memory.peak, "allocated": 0, "freed": 0}
        nothing = dict.fromkeys(counts, 0)
        of_bytes = {"all": counts, "large_pool": nothing, "small_pool": counts}
        of_blocks = dict.fromkeys(of_bytes, nothing)
        return {
            **dict.fromkeys(("allocated_bytes", "reserved_bytes", "active_bytes", "requested_bytes"), of_bytes),
            **dict.fromkeys(("allocation", "segment", "active", "inactive_split", "inactive_split_bytes"), of_blocks),
            **dict.fromkeys(("oversize_allocations", "oversize_segments"), nothing),
            **dict.fromkeys(("num_alloc_retries", "num_ooms", "max_split_size"), 0),
        }

    def reset_peak(ordinal: int) -> None:
        memory = machine.memory[machine.checked(ordinal)]
        memory.peak = memory.current

    return {
        "_cuda_memoryStats": statistics,
        "_cuda_resetPeakMemoryStats": reset_peak,
        "_cuda_resetAccumulatedMemoryStats": machine.checked,
        "_cuda_emptyCache": lambda: None,
        "_cuda_ipc_collect": lambda: None,
        "_accelerator_getDeviceStats": statistics,
        "_accelerator_resetPeakStats": reset_peak,
        "_accelerator_resetAccumulatedStats": machine.checked,
        "_accelerator_getMemoryInfo": lambda ordinal: _free_and_total(machine, ordinal),
        "_accelerator_isAllocatorInitialized": lambda: machine.initialised,
        "_accelerator_emptyCache": lambda: None,
        "_accelerator_emptyHostCache": lambda: None,
    }


def _free_and_total(machine: Machine, ordinal: int) -> tuple[int, int]:
    return _MEMORY_BYTES - machine.memory[machine.checked(ordinal)].current, _MEMORY_BYTES
