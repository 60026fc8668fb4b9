"""What a module sets for the whole process, such as torch.set_default_dtype: put back, so that it decides no other task."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import _tensor_str, overrides  # the one place of print options: set_printoptions has no counterpart that reads them
from torch.utils import _device

_AS_IT_IS = object()
_KEPT: list[Any] = []  # guards whose end would bring back what they hold off
_MODES: Any = overrides  # no types for what has no public name


@dataclass(frozen=True)
class _Setting:
    """How a setting is read and written.

    `standard` is its value where checks are made; `words` occur in the exceptions that it leads to, and `advice` is then what
    to do instead.
    """

    name: str
    get: Callable[[], Any]
    set: Callable[[Any], object]
    standard: Any = _AS_IT_IS
    words: str = ""
    advice: str = ""


def kept() -> contextlib.AbstractContextManager[list[str]]:
    """Put back what a learner's code sets within the block; the list then has the names of what it had set."""
    return _held(standard=False)


def standard() -> contextlib.AbstractContextManager[list[str]]:
    """A block in which PyTorch is as it is at first, whatever a notebook has set before; that is put back."""
    return _held(standard=True)


def advice(names: Iterable[str], error: BaseException) -> str:
    """A sentence for each of the settings that the exception may come from, or ""."""
    text = str(error) if isinstance(error, RuntimeError | TypeError | ValueError) else ""
    return " ".join(_sentence(each) for each in _SETTINGS if each.name in names and each.words and re.search(each.words, text))


def _sentence(setting: _Setting) -> str:
    return f"Your code calls {setting.name} for the whole program; each task is checked without that: {setting.advice}."


@contextlib.contextmanager
def _held(*, standard: bool) -> Iterator[list[str]]:
    before = [each.get() for each in _SETTINGS]
    if standard:
        for each, value in zip(_SETTINGS, before, strict=True):
            if each.standard is not _AS_IT_IS and value != each.standard:
                each.set(each.standard)
    changed: list[str] = []
    try:
        yield changed
    finally:
        for each, value in zip(_SETTINGS, before, strict=True):
            if _differs(each.get(), value):
                changed.append(each.name)
                each.set(value)


def _differs(now: Any, before: Any) -> bool:
    try:
        return now is not before and bool(now != before)
    except Exception:  # noqa: BLE001  a learner's own object may have a broken comparison
        return True


def _default_device() -> tuple[Any, ...]:
    """What set_default_device, and a `torch.device("meta").__enter__()` that nobody leaves, make of new tensors."""
    context = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    return (context, _device.CURRENT_DEVICE, *_MODES._get_current_function_mode_stack())


def _set_default_device(wanted: tuple[Any, ...]) -> None:
    context, current, *modes = wanted
    while _MODES._get_current_function_mode_stack():
        _MODES._pop_mode()
    for mode in modes:
        _MODES._push_mode(mode)
    torch._GLOBAL_DEVICE_CONTEXT.device_context, _device.CURRENT_DEVICE = context, current


def _end_inference(*, wanted: bool) -> None:
    _KEPT.append(torch._C._InferenceMode(wanted))


def _cwd() -> str:
    try:
        return os.getcwd()  # noqa: PTH109  as text, and 2 microseconds
    except OSError:  # it has been removed
        return ""


def _return_to(folder: str) -> None:
    if folder:
        os.chdir(folder)


def _of(name: str) -> _Setting:
    return _Setting(f"sys.{name}", lambda: getattr(sys, name), lambda value: setattr(sys, name, value))


def _autocast(device: str) -> _Setting:
    return _Setting(
        f"torch.autocast({device!r})",
        lambda: torch.is_autocast_enabled(device),
        lambda on: torch.set_autocast_enabled(device, on),
        standard=False,
    )


_SETTINGS = (
    _Setting("torch.inference_mode", torch.is_inference_mode_enabled, lambda on: _end_inference(wanted=on), standard=False,
             words="[Ii]nference|grad", advice="write `with torch.inference_mode():` where it is meant"),
    _Setting("torch.set_grad_enabled", torch.is_grad_enabled, torch.set_grad_enabled, standard=True,
             words="grad", advice="write `with torch.no_grad():` where it is meant"),
    _Setting("torch.set_default_dtype", torch.get_default_dtype, torch.set_default_dtype, standard=torch.float32,
             words="dtype|Double|Float|Half|BFloat16", advice="give dtype= where it is meant"),
    _Setting("torch.set_default_device", _default_device, _set_default_device, standard=(None, None),
             words="device|meta", advice="give device= where it is meant"),
    _autocast("cpu"),
    _autocast("cuda"),
    _Setting("torch.use_deterministic_algorithms", torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode,
             standard=0),
    _Setting("torch.set_float32_matmul_precision", torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    _Setting("torch.autograd.set_detect_anomaly", torch.is_anomaly_enabled, torch.set_anomaly_enabled, standard=False),
    _Setting("torch.set_num_threads", torch.get_num_threads, torch.set_num_threads),
    _Setting("torch.set_warn_always", torch.is_warn_always_enabled, torch.set_warn_always),
    _Setting("torch.set_printoptions", lambda: vars(_tensor_str.PRINT_OPTS).copy(), vars(_tensor_str.PRINT_OPTS).update),
    _Setting("numpy.set_printoptions", np.get_printoptions, lambda options: np.set_printoptions(**options)),
    _Setting("numpy.seterr", np.geterr, lambda errors: np.seterr(**errors)),
    _Setting("os.chdir", _cwd, _return_to),
    _Setting("sys.setrecursionlimit", sys.getrecursionlimit, sys.setrecursionlimit),
    _Setting("sys.settrace", sys.gettrace, sys.settrace),
    *map(_of, ("stdin", "stdout", "stderr", "displayhook", "excepthook")),
)  # fmt: skip
SENTENCES = tuple(_sentence(each) for each in _SETTINGS if each.words)  # all that `advice` may say
