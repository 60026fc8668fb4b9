"""Simulated CUDA devices on the CPU, with real values: GPU code is graded on a machine without a GPU.

    with autograder.simulated_gpus.simulated(4):
        net.to("cuda:1")

A tensor stays an ordinary CPU tensor. Where it lives is one attribute of its storage, which views, `param.data = …` and
in-place operations inherit. A dispatch mode refuses operands on different devices in CUDA's own words and places every
new tensor where its operands are; a function mode handles devices that the caller names; what else torch knows of CUDA
(`Tensor.device`, `Tensor.to`, `torch.cuda`, `torch.accelerator`, `nn.parallel`, autocast, storages for `torch.save`
and `torch.load`, gloo in place of nccl) is swapped while the simulation is on and put back when it ends.

`str(tensor.device)` tells where a tensor lives and `tensor.cpu()` brings it to the host, as on a real machine.

Known limits: kernels run one after another on the host's generator, so streams order nothing and a device draws the
numbers that the host would draw; running out of memory, `torch.compile`, CUDA graphs, DLPack, nested tensors, tensors
of opaque layout (mkldnn), legacy types such as `torch.cuda.FloatTensor` and sharing device tensors between processes
are not simulated; `torch.Tensor(2, 3)`, which names no device, lives where it is first used; functions of `torch.cuda`
bound to other names before the simulation began stay the real ones.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import threading
from typing import TYPE_CHECKING

import torch

from autograder.simulated_gpus import autocast, backward, comm, cuda, generators, processes, storages, tensors
from autograder.simulated_gpus.calls import Calls
from autograder.simulated_gpus.dispatch import Dispatch
from autograder.simulated_gpus.machine import MOST_DEVICES, Machine
from autograder.simulated_gpus.swap import Swap, swapped

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def simulated(devices: int = 1) -> Iterator[None]:
    """A machine with `devices` GPUs for the duration of the block; 0 is one without, whatever this machine has.

    The calling thread and the threads it starts take part. Tensors left on a device are host tensors afterwards, until
    devices are simulated again.

    Raises:
        ValueError: fewer than 0 or more than 64 devices.
        RuntimeError: devices are simulated already.
    """
    if not 0 <= devices <= MOST_DEVICES:
        raise ValueError(f"devices must be between 0 and {MOST_DEVICES}, got {devices}")
    if hasattr(torch.UntypedStorage, "_ordinal"):
        raise RuntimeError("devices are simulated already")
    # The first optimizer imports it anyway (2 s), and its import inspects the attributes that are about to change.
    importlib.import_module("torch._dynamo")
    machine = Machine(devices)
    default_device = torch.utils._device.CURRENT_DEVICE
    with swapped(_swaps(machine)), _host_first(), Dispatch(machine), Calls(machine):
        try:
            yield
        finally:
            machine.on = False
            if default_device != torch.utils._device.CURRENT_DEVICE:
                torch.set_default_device(default_device)


def enable(devices: int = 1) -> None:
    """Simulate a machine with `devices` GPUs from now on, in this thread and the threads it starts; see `simulated`."""
    stack = contextlib.ExitStack()
    stack.enter_context(simulated(devices))
    torch.cuda._simulation = stack  # type: ignore[attr-defined]  # kept with what it changes; `disable` removes it
    atexit.register(disable)


def disable() -> None:
    """End what `enable` began and leave torch as it was before; without a simulation there is nothing to do."""
    stack = vars(torch.cuda).pop("_simulation", None)
    if stack is not None:
        atexit.unregister(disable)
        stack.close()


def _swaps(machine: Machine) -> list[Swap]:
    return [
        *storages.swaps(machine),
        *tensors.swaps(machine),
        *generators.swaps(machine),
        *backward.swaps(machine),
        *cuda.swaps(machine),
        *comm.swaps(machine),
        *autocast.swaps(),
        *processes.swaps(machine),
        Swap(threading.Thread, "_bootstrap_inner", _thread_start(machine)),
    ]


def _thread_start(machine: Machine) -> object:
    """Threads inherit no modes from torch, so each one enters its own."""
    start = threading.Thread._bootstrap_inner  # type: ignore[attr-defined]  # no public place runs in the new thread

    def bootstrap_inner(thread: threading.Thread) -> None:
        with Dispatch(machine), Calls(machine):
            start(thread)

    return bootstrap_inner


@contextlib.contextmanager
def _host_first() -> Iterator[None]:
    """Make `torch.tensor(data, device=…)` build on the host and then move, which the dispatch mode sees."""
    before = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)  # noqa: FBT003  # a function of C
    try:
        yield
    finally:
        torch._C._set_only_lift_cpu_tensors(before)
