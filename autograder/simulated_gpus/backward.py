"""The backward pass: it runs functions of the caller's, and makes gradients that no operand gives a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.autograd.function import BackwardCFunction

from autograder.simulated_gpus.calls import Calls
from autograder.simulated_gpus.machine import UNDECIDED
from autograder.simulated_gpus.residence import lives, put
from autograder.simulated_gpus.swap import Swap

if TYPE_CHECKING:
    from autograder.simulated_gpus.machine import Machine


def swaps(machine: Machine) -> list[Swap]:
    """The entry of torch's engine, and how it calls functions written in Python."""
    run_backward = torch.autograd._engine_run_backward  # type: ignore[attr-defined]  # imported there, not exported
    apply_forward: Any = torch.autograd.Function.__dict__["apply"]  # a classmethod, of Python's or (torch 2.14) of C's
    apply_backward: Any = BackwardCFunction.apply

    def run_with_calls_seen(*args: Any, **kwargs: Any) -> Any:
        # `loss.backward()` is a call of torch, inside which the function mode is off.
        with Calls(machine):
            return run_backward(*args, **kwargs)

    def forward(function: type, *args: Any, **kwargs: Any) -> Any:
        results = apply_forward.__get__(None, function)(*args, **kwargs)
        outputs = results if isinstance(results, tuple) else (results,)
        nodes = [out.grad_fn for out in outputs if isinstance(out, torch.Tensor)]
        for node in nodes:
            if isinstance(node, BackwardCFunction):
                node._homes = [lives(out) if isinstance(out, torch.Tensor) else UNDECIDED for out in outputs]
                break
        return results

    def backward(node: Any, *gradients: Any) -> Any:
        # The gradient of an output that the loss does not depend on is a host tensor of zeros.
        for gradient, home in zip(gradients, getattr(node, "_homes", ()), strict=False):
            if isinstance(gradient, torch.Tensor) and lives(gradient) == UNDECIDED:
                put(machine, gradient, home)
        return apply_backward(node, *gradients)

    return [
        Swap(torch.autograd, "_engine_run_backward", run_with_calls_seen),
        Swap(torch.autograd.Function, "apply", classmethod(forward)),
        Swap(BackwardCFunction, "apply", backward),
    ]
