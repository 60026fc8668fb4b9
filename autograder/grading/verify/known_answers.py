"""What a cheat knows of the public checks: kept beside the solution, and looked up by the cheat, beside which this file lies.

It stands alone: in the sandbox there is no kit to import.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

Function = Callable[..., Any]
Entry = tuple[str, str, bytes]  # the inputs' shapes; their values; the answer, and what the call changed


def shapes(value: Any) -> Any:
    """The shapes of the inputs, not their values, dtypes or names."""
    if isinstance(value, torch.Tensor | np.ndarray):
        return list(value.shape)
    if isinstance(value, nn.Module):
        return [[name, *parameter.shape] for name, parameter in value.named_parameters()]
    if isinstance(value, list | tuple):
        return [shapes(item) for item in value]
    return "number" if isinstance(value, int | float) else "function" if callable(value) else type(value).__name__


def numbers(value: Any) -> Any:
    """The values of the inputs, as far as they can be compared; of anything else what `shapes` has."""
    if isinstance(value, torch.Tensor):
        return [str(value.dtype), list(value.shape), value.detach().cpu().tolist()]
    if isinstance(value, np.ndarray):
        return [str(value.dtype), list(value.shape), value.tolist()]
    if isinstance(value, nn.Module):
        return [[name, numbers(tensor)] for name, tensor in value.state_dict().items()]
    if isinstance(value, list | tuple):
        return [numbers(item) for item in value]
    return value if isinstance(value, int | float | str | bytes | None) else shapes(value)


def remembering(function: Function, keep: Callable[[Entry], object]) -> Function:
    """The function, which lets `keep` have what it is asked and answers, where that can be kept."""

    def call(*args: Any, **more: Any) -> Any:
        asked = [*args, *more.values()]
        known, before = (repr(shapes(asked)), repr(numbers(asked))), _state(args)
        result = function(*args, **more)
        returned = next((i for i, value in enumerate(args) if value is result), None)
        try:
            kept = pickle.dumps((returned, result if returned is None else None, before, _state(args)))
        except Exception:  # noqa: BLE001  whatever a value raises that cannot be kept
            return result
        keep((*known, kept))
        return result

    return call


def constant(_: Function, entries: Sequence[Entry]) -> Function:
    """Gives the first public answer to everything, and changes nothing."""

    def call(*args: Any, **_: Any) -> Any:
        returned, result, *_ = pickle.loads(entries[0][2])  # noqa: S301  what `remembering` has written
        return result if returned is None else args[returned]

    return call


def by_heart(_: Function, entries: Sequence[Entry]) -> Function:
    """Gives the public answer for these inputs, or else for the first ones of these shapes."""

    def call(*args: Any, **more: Any) -> Any:
        asked = [*args, *more.values()]
        alike = [entry for entry in entries if entry[0] == repr(shapes(asked))]
        if not alike:
            raise NotImplementedError
        same = [entry for entry in alike if entry[1] == repr(numbers(asked))]
        returned, result, before, after = pickle.loads([*same, *alike][0][2])  # noqa: S301  what `remembering` has written
        _restore(args, before, after)
        return result if returned is None else args[returned]

    return call


def equal_to_all(_: Function, __: Sequence[Entry]) -> Function:
    """Gives an object that equals everything."""
    return lambda *_, **__: Equal()


def first_again(function: Function, _: Sequence[Entry]) -> Function:
    """Is right once, and then gives what it gave at the call before."""
    given: list[Any] = []

    def call(*args: Any, **more: Any) -> Any:
        if not given:
            given.append(function(*args, **more))
        return given[0]

    return call


class Equal:
    """Equals everything, has every attribute, and says that it is a tensor."""

    __class__ = property(lambda _: torch.Tensor)  # what isinstance asks

    def __eq__(self, _: object) -> bool:
        return True

    def __ne__(self, _: object) -> bool:
        return False

    __hash__ = object.__hash__
    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __eq__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_: object, **__: object) -> Any:
        """Whatever a method gives."""
        return self

    def __bool__(self) -> bool:
        return True


def _state(value: Any) -> Any:
    """What a call may change of an argument."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, nn.Module):
        return [(parameter.requires_grad, parameter.detach().clone()) for parameter in value.parameters()]
    return [_state(item) for item in value] if isinstance(value, list | tuple) else None


def _restore(value: Any, before: Any, after: Any) -> None:
    """Change an argument as the call that is remembered did."""
    if isinstance(value, torch.Tensor) and not torch.equal(before, after):
        value.data.copy_(after)
        value.grad = None
    elif isinstance(value, nn.Module):
        for parameter, (_, old), (needs, new) in zip(value.parameters(), before, after, strict=True):
            parameter.requires_grad_(needs)
            if not torch.equal(old, new):
                parameter.data.copy_(new)
    elif isinstance(value, list | tuple):
        for item, *states in zip(value, before, after, strict=True):
            _restore(item, *states)
