"""The function mode: devices that a caller names in a call of torch, however the function was imported."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.utils._device
from torch.overrides import TorchFunctionMode

from autograder.simulated_gpus.machine import CPU, HOST, Machine, device_of
from autograder.simulated_gpus.residence import decide, lives, moved

Handler = Callable[[Machine, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]


class Calls(TorchFunctionMode):
    """Sees every call of torch's API by the threads that entered it, but not what that call does inside."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self.machine = machine
        self.handlers = _handlers()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if not self.machine.on:  # a thread that outlives the simulation
            return func(*args, **(kwargs or {}))
        handler = self.handlers.get(func)
        if handler is not None:
            return handler(self.machine, func, args, dict(kwargs or {}))
        result = func(*args, **(kwargs or {}))
        thread = self.machine.thread
        if thread.made_undecided:
            thread.made_undecided = False
            decide(self.machine, result, args[0] if args else None)
        return result


@functools.cache
def _handlers() -> Mapping[Callable[..., Any], Handler]:
    tensor = torch.Tensor
    from_data = (
        torch.tensor, torch.as_tensor, torch.asarray, torch.sparse_coo_tensor, torch.sparse_compressed_tensor,
        torch.sparse_csr_tensor, torch.sparse_csc_tensor, torch.sparse_bsr_tensor, torch.sparse_bsc_tensor,
        tensor.new_tensor,
    )  # fmt: skip
    like = (
        torch.empty_like, torch.zeros_like, torch.ones_like, torch.full_like, torch.rand_like, torch.randn_like,
        torch.randint_like, tensor.new, tensor.new_empty, tensor.new_empty_strided, tensor.new_zeros, tensor.new_ones,
        tensor.new_full,
    )  # fmt: skip
    return {
        **dict.fromkeys((*torch.utils._device._device_constructors(), torch.normal), _create),
        **dict.fromkeys(like, _create_like),
        **dict.fromkeys(from_data, _copy_data),
        torch.device: _device,
        torch._C._nn._parse_to: _parse_to,
        torch.autograd.grad: _grad,
    }


def _create(machine: Machine, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`torch.zeros(2, device=…)`: the result lives on the device named, by default on the default device."""
    return _into(machine, _named(machine, func, kwargs, HOST), func, args, kwargs)


def _create_like(machine: Machine, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`torch.zeros_like(x)`, `x.new_zeros(2)`: by default the result lives where `x` lives."""
    default = lives(args[0]) if args else lives(kwargs["input"])
    return _into(machine, _named(machine, func, kwargs, default), func, args, kwargs)


def _into(
    machine: Machine,
    target: int | None,
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    if target is None:
        return func(*args, **kwargs)
    thread = machine.thread
    before, thread.target = thread.target, target
    try:
        return func(*args, **kwargs)
    finally:
        thread.target = before


def _copy_data(machine: Machine, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`torch.tensor(data, device=…)`: made on the host, then moved; by default it lives where the data lives."""
    source = args[1] if func is torch.Tensor.new_tensor else args[0] if args else kwargs.get("data", kwargs.get("obj"))
    like = args[0] if func is torch.Tensor.new_tensor else source
    target = _named(machine, func, kwargs, lives(like) if isinstance(like, torch.Tensor) else None)
    if target is None:
        return func(*args, **kwargs)
    requires_grad = kwargs.pop("requires_grad", False)
    made = func(*args, **kwargs)
    if lives(made) != target:
        made = moved(machine, made, target)
    return made.requires_grad_() if requires_grad else made


def _named(machine: Machine, func: Callable[..., Any], kwargs: dict[str, Any], default: int | None) -> int | None:
    """The ordinal of the device that a call names, which is replaced by the CPU; None for one that is not simulated."""
    device = kwargs.get("device")
    if device is None and func in torch.utils._device._device_constructors():
        device = torch.utils._device.CURRENT_DEVICE
    if device is None:
        return default
    ordinal = machine.ordinal(device)
    if ordinal is not None:
        kwargs["device"] = CPU
    return ordinal


def _device(machine: Machine, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`torch.device(0)` is the device of the machine's accelerator, where there is one."""
    index = args[0] if args else kwargs.get("device")
    if len(args) + len(kwargs) == 1 and type(index) is int and index >= 0 and machine.count():
        return torch.device("cuda", index)
    return func(*args, **kwargs)


def _parse_to(machine: Machine, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`net.to(0)`: modules hand their arguments to this parser of torch."""
    if args and type(args[0]) is int:
        args = (device_of(machine.checked(args[0])), *args[1:])
    if type(kwargs.get("device")) is int:
        kwargs["device"] = device_of(machine.checked(kwargs["device"]))
    return func(*args, **kwargs)


def _grad(machine: Machine, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`torch.autograd.grad(loss, x)`: a gradient lives where its input lives."""
    gradients = func(*args, **kwargs)
    inputs = args[1] if len(args) > 1 else kwargs["inputs"]
    for gradient, tensor in zip(gradients, [inputs] if isinstance(inputs, torch.Tensor) else inputs, strict=True):
        decide(machine, gradient, tensor)
    return gradients
