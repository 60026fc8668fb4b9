"""`torch.Generator("cuda")`: a generator for tensors on a device, drawing from a stream of its own."""

from __future__ import annotations

from typing import Any

import torch

from autograder.simulated_gpus.machine import Machine, device_of
from autograder.simulated_gpus.swap import Swap

_Real = torch._C.Generator


class _AnyGenerator(type(_Real)):  # type: ignore[misc]  # mypy cannot see that this is `type`
    """Real generators, such as torch.default_generator, are instances of the class that stands in for theirs."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _Real)


def swaps(machine: Machine) -> list[Swap]:
    """`torch.Generator` for this machine."""

    class Generator(_Real, metaclass=_AnyGenerator):
        """A host generator that says it belongs to a device."""

        _cdata: int  # the address of the generator behind this object, which dispatch modes get another object for
        _device: torch.device

        def __new__(cls, device: Any = "cpu") -> Generator:
            generator = super().__new__(cls)
            ordinal = machine.ordinal(device)
            if ordinal is None:
                raise RuntimeError(f"a simulated machine has no device {device}")
            generator._device = device_of(ordinal)
            if ordinal >= 0:
                machine.generators.add(generator._cdata)
            return generator

        def __del__(self) -> None:
            machine.generators.discard(self._cdata)

        @property
        def device(self) -> torch.device:  # type: ignore[override]  # torch's is read-only too, but not annotated so
            return self._device

    return [Swap(torch, "Generator", Generator)]
