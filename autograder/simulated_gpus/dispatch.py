"""The dispatch mode: every operator runs where its operands live, and its results live there too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from autograder.simulated_gpus.machine import CPU, HOST, UNDECIDED, Machine
from autograder.simulated_gpus.mixing import common_device
from autograder.simulated_gpus.residence import put, residence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch._ops import OpOverload


class Dispatch(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's class has no annotations
    """Sees every operator of the threads that entered it, in the backward pass too."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the same
        self.machine = machine

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else every operator pays for torch._dynamo

    def __torch_dispatch__(
        self,
        func: OpOverload[Any, Any],
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if not self.machine.on:  # a thread that outlives the simulation
            return func(*args, **(kwargs or {}))
        if func is torch.ops.aten._efficientzerotensor.default:  # without memory: it crashes torch under any mode
            func = torch.ops.aten.zeros.default
        with torch._C.DisableTorchFunction():
            return _run(self.machine, func, args, kwargs or {})


def _run(machine: Machine, func: OpOverload[Any, Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    operands = _tensors((*args, *kwargs.values()) if kwargs else args)
    home = _home(machine, func, args, kwargs, operands)
    device = kwargs.get("device")
    if device is not None:
        if device.type not in ("cpu", "cuda"):
            return func(*args, **kwargs)
        wanted = _wanted(machine, device, follow=bool(operands))
        home = home if wanted is None else wanted
        kwargs = {**kwargs, "device": CPU}
    if kwargs.get("pin_memory"):
        kwargs = {**kwargs, "pin_memory": False}
    if kwargs.get("generator") is not None:
        _check_generator(machine, kwargs["generator"], home)
    thread = machine.thread
    thread.in_kernel = True
    try:
        result = func(*args, **kwargs)
    finally:
        thread.in_kernel = False
    if home != HOST:
        _place(machine, result, home, operands)
    return result


def _tensors(values: Iterable[Any]) -> list[torch.Tensor]:
    tensors: list[torch.Tensor] = []
    for value in values:
        if isinstance(value, torch.Tensor):
            tensors.append(value)
        elif isinstance(value, (list, tuple)):
            tensors.extend(item for item in value if isinstance(item, torch.Tensor))
    return tensors


def _home(
    machine: Machine,
    func: OpOverload[Any, Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    operands: list[torch.Tensor],
) -> int | list[int]:
    """Where an operator runs: where its operands live, each undecided one among them from now on."""
    if not operands:
        return HOST
    homes = [residence(tensor) for tensor in operands]
    home: int | list[int] = homes[0]
    if homes.count(homes[0]) == len(homes):
        return home
    decided = {home for home in homes if home != UNDECIDED}
    home = decided.pop() if len(decided) == 1 else common_device(func, args, kwargs)
    if isinstance(home, int):
        for tensor, before in zip(operands, homes, strict=True):
            if before == UNDECIDED:
                put(machine, tensor, home)
    return home


def _wanted(machine: Machine, device: torch.device, *, follow: bool) -> int | None:
    """Where an operator that names a device puts its result; None: where its operands live.

    Kernels pass on the options of the CPU tensors that they were given, so "cpu" means the host only in a factory that
    a caller runs.
    """
    if device.type == "cuda":
        return machine.ordinal(device)
    target = machine.thread.target
    if target == UNDECIDED and follow:
        return None
    return target if machine.initialised else HOST


def _check_generator(machine: Machine, generator: Any, home: int | list[int]) -> None:
    if isinstance(home, int) and home != UNDECIDED:
        expected = "cuda" if home >= 0 else "cpu"
        found = "cuda" if generator._cdata in machine.generators else "cpu"
        if found != expected:
            raise RuntimeError(f"Expected a '{expected}' device type for generator but found '{found}'")


def _place(machine: Machine, result: Any, home: int | list[int], operands: list[torch.Tensor]) -> None:
    if home == UNDECIDED:
        machine.thread.made_undecided = True
    results = [result] if isinstance(result, torch.Tensor) else _tensors(result) if isinstance(result, Sequence) else []
    for position, tensor in enumerate(results):
        ordinal = home[position] if isinstance(home, list) else home
        # A view lives there already; an operand that was written stays where it is.
        if residence(tensor) != ordinal and not any(tensor is operand for operand in operands):
            put(machine, tensor, ordinal)
