"""Streams and events of simulated devices: work is done when it is issued, so a stream orders nothing."""

from __future__ import annotations

import time
from typing import Any

from autograder.simulated_gpus.machine import Machine, device_of


class Stream:
    """`torch.cuda.Stream` on a simulated device."""

    machine: Machine  # of the class that `streams_of` makes
    stream_id = cuda_stream = 0

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        ordinal = self.machine.ordinal(device)
        if ordinal is None or ordinal < 0:
            raise RuntimeError(f"a stream needs a CUDA device, got {device}")
        self.priority, self.device, self.device_index = priority, device_of(ordinal), ordinal
        self._before: list[int] = []

    def synchronize(self) -> None:
        """Return at once, as the other methods that wait do."""

    def wait_stream(self, stream: Any) -> None:
        """See `synchronize`."""

    def wait_event(self, event: Any) -> None:
        """See `synchronize`."""

    def record_event(self, event: Event | None = None) -> Event:
        """The event, or a new one, recorded now."""
        event = event or Event()
        event.record()
        return event

    def query(self) -> bool:
        """True: all work is done."""
        return True

    def is_capturing(self) -> bool:
        """False: there are no CUDA graphs."""
        return False

    def __enter__(self) -> Stream:
        self._before.append(self.machine.select(self.device_index))
        return self

    def __exit__(self, *error: object) -> None:
        self.machine.select(self._before.pop())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and other.device == self.device

    def __hash__(self) -> int:
        return hash(self.device)


def streams_of(machine: Machine) -> type[Stream]:
    """The class of one machine's streams."""
    return type("Stream", (Stream,), {"machine": machine})


class Event:
    """`torch.cuda.Event`: a moment of the host's clock."""

    def __init__(self, *device: Any, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False):  # noqa: ARG002  # torch's signature
        self.enable_timing = enable_timing
        self._recorded: float | None = None

    def record(self, stream: Any = None) -> None:  # noqa: ARG002  # torch's signature
        """Take the moment."""
        self._recorded = time.perf_counter()

    def synchronize(self) -> None:
        """Return at once."""

    def wait(self, stream: Any = None) -> None:
        """Return at once."""

    def query(self) -> bool:
        """True: all work is done."""
        return True

    def elapsed_time(self, end: Event) -> float:
        """Milliseconds from this event to another."""
        if not (self.enable_timing and end.enable_timing):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        if self._recorded is None or end._recorded is None:
            raise ValueError("Both events must be recorded before calculating elapsed time.")
        return (end._recorded - self._recorded) * 1e3
