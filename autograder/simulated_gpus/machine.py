"""The state of one simulated machine: its devices, each thread's current device, and what memory is in use."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass

import torch

MOST_DEVICES = 64
HOST = -1
UNDECIDED = -2  # made inside a kernel that was told no simulated device: it is where it is first used

CPU = torch.device("cpu")
_CUDA = tuple(torch.device("cuda", ordinal) for ordinal in range(MOST_DEVICES))

_INVALID_ORDINAL = (
    "CUDA error: invalid device ordinal\n"
    "GPU device may be out of range, do you have enough GPUs?\n"
    "CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be "
    "incorrect.\nFor debugging consider passing CUDA_LAUNCH_BLOCKING=1\n"
    "Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.\n"
)
_ALLOCATION_BYTES = 512  # CUDA's caching allocator rounds every block up to a multiple of this


def device_of(ordinal: int) -> torch.device:
    """The device with this ordinal; the host's for HOST and UNDECIDED."""
    return _CUDA[ordinal] if ordinal >= 0 else CPU


class ThreadState(threading.local):
    """What CUDA and torch keep for each thread."""

    current: int = 0  # the ordinal that plain "cuda" means
    target: int = UNDECIDED  # where the factory now running puts its result
    made_undecided: bool = False  # whether an operator made a tensor that is UNDECIDED
    in_kernel: bool = False  # a kernel, which may be written in Python, is running and sees plain host tensors


@dataclass
class Memory:
    """Bytes in use on one device, now and at the most since the last reset."""

    current: int = 0
    peak: int = 0


class Allocation:
    """A storage's claim on a device's memory: it begins with the object and ends with it."""

    __slots__ = ("memory", "size")

    def __init__(self, memory: Memory, nbytes: int) -> None:
        self.memory = memory
        self.size = -(-nbytes // _ALLOCATION_BYTES) * _ALLOCATION_BYTES
        memory.current += self.size
        if memory.current > memory.peak:
            memory.peak = memory.current

    def __del__(self) -> None:
        self.memory.current -= self.size


class Machine:
    """One simulated machine with a number of installed devices."""

    def __init__(self, installed: int) -> None:
        self.installed = installed
        self.on = True
        self.thread = ThreadState()
        self.memory = tuple(Memory() for _ in range(MOST_DEVICES))  # tensors of an earlier machine may live on any
        self.generators: set[int] = set()  # the addresses of the device generators
        self._owner: int | None = None  # the process that initialised CUDA
        self._visible: int | None = None

    @property
    def initialised(self) -> bool:
        """Whether CUDA is in use, so that tensors may live on a device."""
        return self._owner is not None

    def count(self) -> int:
        """The number of visible devices, which CUDA fixes when it is initialised."""
        if self._visible is not None:
            return self._visible
        return visible(self.installed, os.environ.get("CUDA_VISIBLE_DEVICES"))

    def initialise(self) -> None:
        """What the first use of a device does, and every later one checks.

        Raises:
            RuntimeError: no device is visible, or a parent process initialised CUDA before it forked this one.
        """
        if self._owner is None:
            if not self.count():
                raise RuntimeError("No CUDA GPUs are available")
            self._owner, self._visible = os.getpid(), self.count()
        elif self.forked():
            raise RuntimeError(
                "Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, you must use the "
                "'spawn' start method"
            )

    def forked(self) -> bool:
        """Whether this process was forked from the one that initialised CUDA."""
        return self._owner is not None and self._owner != os.getpid()

    def checked(self, ordinal: int) -> int:
        """The ordinal itself; AcceleratorError if there is no such device."""
        self.initialise()
        if not 0 <= ordinal < self.count():
            raise torch.AcceleratorError(_INVALID_ORDINAL)
        return ordinal

    def ordinal(self, device: torch.device | str | int | None) -> int | None:
        """The ordinal that a device argument means: HOST for the CPU, None for a device that is not simulated.

        An integer is an ordinal; None and plain "cuda" mean the thread's current device.
        """
        if device is None:
            return self.checked(self.thread.current)
        if isinstance(device, int):
            return self.checked(device)
        if isinstance(device, str):
            device = torch.device(device)
        if device.type == "cuda":
            return self.checked(self.thread.current if device.index is None else device.index)
        return HOST if device.type == "cpu" else None

    def select(self, ordinal: int) -> int:
        """Make a device the thread's current one, unless the ordinal is negative; the one before is returned."""
        before = self.thread.current
        if ordinal >= 0:
            self.thread.current = self.checked(ordinal)
        return before

    def place(self, storage: torch.UntypedStorage, ordinal: int) -> None:
        """Record that a storage lives on a device, and the memory that it takes there."""
        storage._ordinal = ordinal  # type: ignore[attr-defined]  # a swap gives every storage this attribute
        storage._allocation = (  # type: ignore[attr-defined]  # freed with the storage, or when it is placed elsewhere
            Allocation(self.memory[ordinal], storage.nbytes()) if ordinal >= 0 else None
        )


def visible(installed: int, setting: str | None) -> int:
    """How many of the installed devices a value of CUDA_VISIBLE_DEVICES leaves visible, numbered from 0 again.

    CUDA stops at the first entry that names no device, and a device named twice leaves none.
    """
    if setting is None:
        return installed
    chosen: list[int] = []
    for entry in setting.split(","):
        if not entry.strip().isdecimal() or int(entry) >= installed:
            break
        if int(entry) in chosen:
            return 0
        chosen.append(int(entry))
    return len(chosen)
