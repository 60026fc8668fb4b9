"""The attributes of Tensor that tell or change where a tensor lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from autograder.simulated_gpus.machine import HOST, UNDECIDED, Machine, device_of
from autograder.simulated_gpus.mixing import type_name
from autograder.simulated_gpus.residence import decide, lives, moved, relocated, storages
from autograder.simulated_gpus.swap import Swap

if TYPE_CHECKING:
    from collections.abc import Callable

# Taken when this module is imported, which is before any simulation.
_Base: Any = torch._C.TensorBase
_real_to, _real_cpu, _real_numpy = torch.Tensor.to, torch.Tensor.cpu, torch.Tensor.numpy
_real_type, _real_is_pinned = torch.Tensor.type, torch.Tensor.is_pinned


def swaps(machine: Machine) -> list[Swap]:
    """Tensor's methods and properties for this machine."""
    values: dict[str, object] = {
        "device": property(_device(machine)),
        "is_cuda": property(lambda tensor: tensor.device.type == "cuda"),
        "is_cpu": property(lambda tensor: tensor.device.type == "cpu"),
        "get_device": lambda tensor: HOST if tensor.device.index is None else tensor.device.index,
        "grad": property(_gradient(machine), _set_gradient, _Base.grad.__delete__, _Base.grad.__doc__),
        "to": _to(machine),
        "cuda": _cuda(machine),
        "cpu": _cpu(machine),
        "pin_memory": _pin_memory(machine),
        "is_pinned": _is_pinned,
        "numpy": _numpy,
        "type": _type,
        "record_stream": lambda tensor, stream: None,  # noqa: ARG005  # no stream runs behind another
    }
    return [Swap(torch.Tensor, name, value) for name, value in values.items()]


def _device(machine: Machine) -> Callable[[torch.Tensor], torch.device]:
    def device(tensor: torch.Tensor) -> torch.device:
        ordinal = lives(tensor)
        if ordinal >= 0 and not machine.thread.in_kernel:
            return device_of(ordinal)
        with torch._C.DisableTorchFunction():
            return _Base.device.__get__(tensor)  # type: ignore[no-any-return]  # a getter of C has no type

    return device


def _to(machine: Machine) -> Callable[..., torch.Tensor]:
    def to(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        device, dtype, copy, memory_format = _parsed(*args, **kwargs)
        ordinal = lives(tensor) if device is None else machine.ordinal(device)
        if ordinal is None or not _on_cpu(tensor):
            return _real_to(tensor, *args, **kwargs)
        if ordinal == lives(tensor):
            return _real_to(tensor, dtype or tensor.dtype, copy=copy, memory_format=memory_format)
        result = moved(machine, tensor, ordinal, memory_format)
        return result if dtype is None or dtype == result.dtype else _real_to(result, dtype)

    return to


def _parsed(*args: Any, **kwargs: Any) -> tuple[Any, torch.dtype | None, bool, torch.memory_format]:
    """The device, dtype, copy and memory format of the arguments of `Tensor.to`."""
    other = args[0] if args else kwargs.pop("other", None)
    if isinstance(other, torch.Tensor):
        args = (other.device, other.dtype, *args[1:])
    copy = kwargs.pop("copy", False)
    position = 2 if args and isinstance(args[0], torch.dtype) else 3
    if len(args) > position:
        args, copy = args[:position], args[position]
    device, dtype, _, memory_format = torch._C._nn._parse_to(*args, **kwargs)
    return device, dtype, copy, memory_format or torch.preserve_format


def _cuda(machine: Machine) -> Callable[..., torch.Tensor]:
    def cuda(
        tensor: torch.Tensor,
        device: Any = None,
        non_blocking: bool = False,  # noqa: ARG001, FBT001, FBT002  # torch's signature
        memory_format: torch.memory_format = torch.preserve_format,
    ) -> torch.Tensor:
        ordinal = machine.ordinal(device)
        if ordinal is None or ordinal < 0:
            raise RuntimeError("Invalid device, must be cuda device")
        return tensor if lives(tensor) == ordinal else moved(machine, tensor, ordinal, memory_format)

    return cuda


def _cpu(machine: Machine) -> Callable[..., torch.Tensor]:
    def cpu(tensor: torch.Tensor, memory_format: torch.memory_format = torch.preserve_format) -> torch.Tensor:
        if lives(tensor) == HOST:
            return _real_cpu(tensor, memory_format=memory_format)
        return moved(machine, tensor, HOST, memory_format)

    return cpu


def _numpy(tensor: torch.Tensor, *, force: bool = False) -> Any:
    if lives(tensor) >= 0 and not force:
        raise TypeError(
            f"can't convert {tensor.device} device type tensor to numpy. "
            "Use Tensor.cpu() to copy the tensor to host memory first."
        )
    return _real_numpy(tensor, force=force)


def _type(
    tensor: torch.Tensor,
    dtype: Any = None,
    non_blocking: bool = False,  # noqa: FBT001, FBT002  # torch's signature
    **kwargs: Any,
) -> Any:
    if dtype is None and _on_cpu(tensor):
        return type_name(tensor, lives(tensor))
    return _real_type(tensor, dtype, non_blocking, **kwargs)


def _on_cpu(tensor: torch.Tensor) -> bool:
    """Whether the simulation speaks for this tensor: not for one on the meta device or a real accelerator."""
    with torch._C.DisableTorchFunction():
        return bool(_Base.is_cpu.__get__(tensor))


def _pin_memory(machine: Machine) -> Callable[..., torch.Tensor]:
    def pin_memory(tensor: torch.Tensor, device: Any = None) -> torch.Tensor:  # noqa: ARG001  # torch's signature
        if not machine.count():
            raise RuntimeError("Cannot access accelerator device when none is available.")
        if lives(tensor) >= 0:
            raise RuntimeError(f"cannot pin '{tensor.type()}' only dense CPU tensors can be pinned")
        if tensor.is_pinned():
            return tensor
        pinned = relocated(machine, tensor, HOST)
        for storage in storages(pinned):
            storage._pinned = True  # type: ignore[attr-defined]  # what _is_pinned reads
        return pinned

    return pin_memory


def _is_pinned(tensor: torch.Tensor, device: Any = None) -> bool:
    if not _on_cpu(tensor):
        return _real_is_pinned(tensor, device)
    with torch._C.DisableTorchFunction():
        return any(getattr(storage, "_pinned", False) for storage in storages(tensor))


def _gradient(machine: Machine) -> Callable[[torch.Tensor], torch.Tensor | None]:
    def gradient(tensor: torch.Tensor) -> torch.Tensor | None:
        with torch._C.DisableTorchFunction():
            found: torch.Tensor | None = _Base.grad.__get__(tensor)
        decide(machine, found, tensor)
        return found

    return gradient


def _set_gradient(tensor: torch.Tensor, gradient: torch.Tensor | None) -> None:
    if isinstance(gradient, torch.Tensor) and lives(gradient) not in (lives(tensor), UNDECIDED):
        raise RuntimeError("assigned grad has data located on a different device")
    _Base.grad.__set__(tensor, gradient)
