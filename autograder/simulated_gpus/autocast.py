"""`torch.autocast("cuda")`: torch's own autocast of CPU operators, with CUDA's settings."""

from __future__ import annotations

from typing import Any

import torch
from torch.amp.autocast_mode import autocast

from autograder.simulated_gpus.swap import Swap


def swaps() -> list[Swap]:
    """Entering and leaving an autocast context."""
    enter, leave = autocast.__enter__, autocast.__exit__

    def enter_both(context: Any) -> Any:
        if context.device == "cuda":
            context._host_before = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")
            _set_host(context._enabled, context.fast_dtype)
        return enter(context)  # type: ignore[no-untyped-call]  # torch's method has no annotations

    def leave_both(context: Any, *error: Any) -> Any:
        if hasattr(context, "_host_before"):
            _set_host(*context._host_before)
        return leave(context, *error)

    return [Swap(autocast, "__enter__", enter_both), Swap(autocast, "__exit__", leave_both)]


def _set_host(enabled: bool, dtype: torch.dtype) -> None:  # noqa: FBT001  # the pair is saved and set together
    torch.set_autocast_enabled("cpu", enabled)
    torch.set_autocast_dtype("cpu", dtype)
