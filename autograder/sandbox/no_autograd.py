"""Takes from a process, for good, the ability to differentiate with PyTorch.

A by-hand task must not be solved by autograd. What Python code switches off, other Python code in the same process switches on
again: a patched function is put back, a mode is popped, a search for names is deceived by one that is put together at run
time. So the ability itself goes, from the machine code of this one process, before the submission's first line:

- the engine's `execute` and `evaluate_function`, in which `backward`, `torch.autograd.grad`, `torch.func`, TorchScript and the
  tracers all end, and `AutogradMeta::set_fw_grad`, without which forward mode has no tangents, throw an exception;
- a node of the graph (`grad_fn`) cannot be called;
- every kernel of `at::native` with "backward" in its name, to which `torch.ops.aten.…_backward` leads, throws as well;
- ctypes cannot call anything, so that nothing of this can be written back.

Written is a jump at the start of each function, through /proc/self/mem, which the kernel lets a process write whatever its
pages' protection (proc(5)); Landlock closes that file before the submission is imported. The pages stay executable and
read-only: Python code has no way to write them. The server and other children share none of it (a page that is written is
copied). Nothing needs to be put back, because the process ends with its submission.

Not closed: a derivative of one's own making, which the tasks ask for, and what forges Python's own objects in memory by way of
NumPy's array interface.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import mmap
import os
import platform
import re
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch

HIDDEN = frozenset({  # packages that differentiate; a by-hand process cannot read them
    "sympy", "mpmath", "symengine", "jax", "jaxlib", "autograd", "tensorflow", "theano", "pytensor", "aesara", "casadi",
    "tinygrad", "mxnet", "numdifftools", "algopy", "functorch",
})  # fmt: skip
_ALGEBRA = ("sympy.core.", "mpmath.calculus.")  # without these, nothing of the packages works
_KEPT: list[object] = []  # to free them, in each child anew, would cost 50 ms
_MACHINES = ("x86_64", "aarch64")
_ENGINE = re.compile(rb"_ZN5torch8autograd(6Engine(7execute|17evaluate_function)|12AutogradMeta11set_fw_grad)E[^\0]*")
_KERNEL = re.compile(rb"_ZN2at6native[^\0]*backward[^\0]*")
_THROW = "_ZSt25__throw_bad_function_callv"  # of libstdc++: takes nothing, throws std::bad_function_call
_TP_CALL = 128  # where PyTypeObject keeps it: the same in every CPython for 64 bits since 3.8
_FUNCTION, _DYNAMIC_SYMBOLS = 2, 11  # STT_FUNC, SHT_DYNSYM
_SYMBOL = np.dtype([("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2"), ("value", "<u8"), ("size", "<u8")])
_SECTION = np.dtype([("name", "<u4"), ("type", "<u4"), ("flags", "<u8"), ("address", "<u8"), ("offset", "<u8"),
                     ("size", "<u8"), ("link", "<u4"), ("info", "<u4"), ("align", "<u8"), ("entry", "<u8")])  # fmt: skip


@dataclass(frozen=True)
class Patch:
    """Machine code to be written at an address of this process."""

    address: int
    code: bytes


def supported() -> bool:
    """Whether this module knows the machine: where it does not, the sandbox's own layers are missing too."""
    return sys.platform == "linux" and platform.machine() in _MACHINES


@functools.cache
def patches() -> tuple[Patch, ...]:
    """What is written into a by-hand process, for ctypes last; the addresses hold in every fork of the process that asks.

    Raises:
        OSError: PyTorch's library does not have what is to be closed.
    """
    path = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    library = ctypes.CDLL(str(path))
    found = list(_functions(path))
    engine = [name for name, *_ in found if _ENGINE.fullmatch(name.encode())]
    if len(engine) < 3 or len(found) < 100:  # 2.13 has 3 and 262
        raise OSError(f"{path.name} has another autograd engine than this kit knows")
    base = _address(library, engine[0]) - next(value for name, value, _ in found if name == engine[0])
    throw, refuse = _address(library, _THROW), _address(ctypes.pythonapi, "PyErr_BadArgument")
    jumps = [Patch(base + value, _jump(throw)) for _, value, size in found if size >= len(_jump(throw))]
    node = (torch.ones(1, requires_grad=True) * 2).grad_fn
    foreign = ctypes.pythonapi.PyErr_BadArgument  # a function that ctypes calls
    return (*jumps, *(Patch(_slot(type(value)), _jump(refuse)) for value in (node, foreign)))


@contextlib.contextmanager
def taken() -> Iterator[None]:
    """Make this process one that cannot differentiate; ctypes works until the end of the block, which confines the process.

    Raises:
        OSError: the machine does not let a process write to its own code; the process must end then.
    """
    *torch_s, ctypes_s = patches()
    _take_algebra()
    memory = os.open("/proc/self/mem", os.O_WRONLY)
    try:
        for patch in torch_s:
            os.pwrite(memory, patch.code, patch.address)
        yield
        os.pwrite(memory, ctypes_s.code, ctypes_s.address)
    finally:
        os.close(memory)


def _take_algebra() -> None:
    for function in algebra():
        function.__code__ = _refused.__code__
    hidden = [name for name in sys.modules if name.partition(".")[0] in HIDDEN]
    _KEPT.extend(sys.modules.pop(name) for name in hidden)
    vars(torch._C).pop("_jit_differentiate", None)  # TorchScript's own, without the engine


@functools.cache
def algebra() -> tuple[types.FunctionType, ...]:
    """The functions of computer algebra that the warm process has imported by way of PyTorch's compiler.

    Not of its names alone: who has no name for a class finds it among the subclasses of object.
    """
    modules = [module for name, module in sys.modules.items() if name.startswith(_ALGEBRA)]
    owners = [*modules, *(kind for module in modules for kind in vars(module).values() if isinstance(kind, type))]
    values = [value for owner in owners for value in vars(owner).values()]
    held = [getattr(value, "__func__", None) or getattr(value, "fget", None) or value for value in values]
    found = {id(f): f for f in held if isinstance(f, types.FunctionType) and f.__module__.startswith(_ALGEBRA)}
    chosen = tuple(f for f in found.values() if not f.__code__.co_freevars)
    _KEPT.extend([*modules, *(f.__code__ for f in chosen)])
    return chosen


def _refused(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("computer algebra is not to be had where a task is done by hand")


def _functions(path: Path) -> Iterator[tuple[str, int, int]]:
    """Name, value and size of each function of an ELF library that has to go (System V ABI, chapters 4 and 5)."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        offset = int.from_bytes(content[0x28:0x30], "little")
        count = int.from_bytes(content[0x3C:0x3E], "little")
        sections = np.frombuffer(content[offset : offset + count * _SECTION.itemsize], _SECTION)
        table = next(section for section in sections if section["type"] == _DYNAMIC_SYMBOLS)
        texts = sections[table["link"]]
        symbols = np.frombuffer(content[table["offset"] : table["offset"] + table["size"]], _SYMBOL)
        names = bytes(content[texts["offset"] : texts["offset"] + texts["size"]])
    wanted = {match.start(): match[0].decode() for pattern in (_ENGINE, _KERNEL) for match in pattern.finditer(names)}
    chosen: Any = symbols[np.isin(symbols["name"], list(wanted)) & (symbols["info"] & 15 == _FUNCTION) & (symbols["value"] > 0)]
    for symbol in chosen:
        yield wanted[int(symbol["name"])], int(symbol["value"]), int(symbol["size"])


def _address(library: ctypes.CDLL, name: str) -> int:
    try:
        return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
    except AttributeError:
        raise OSError(f"{name} is not there") from None


def _slot(kind: type) -> int:
    """Address of the C function that calls an object of this type."""
    return ctypes.c_void_p.from_address(id(kind) + _TP_CALL).value or 0


def _jump(target: int) -> bytes:
    """Code that goes on at `target`, which sees the caller and its arguments."""
    address = target.to_bytes(8, "little")
    if platform.machine() == "aarch64":
        return bytes.fromhex("50000058 00021fd6") + address  # ldr x16, .+8; br x16
    return b"\x48\xb8" + address + b"\xff\xe0"  # mov rax, target; jmp rax
