"""Runs torch's own operator samples (OpInfo) on a simulated device and on the host, and compares values and devices.

    python tests/benchmarks/opinfo_sweep.py [--samples 4] [--dtype float32] [--only NAME]

An operator counts as equal if for each of its samples every tensor of the result is on the operands' device and has the
host's value, and so has every gradient. The others are listed with the first difference. Takes under a minute.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import types
import unittest
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils._pytree import tree_leaves, tree_map

from autograder.simulated_gpus import simulated

warnings.filterwarnings("ignore")  # deprecations in torch's own test helpers
DEVICE = torch.device("cuda", 1)  # not the current one, so that an operator cannot land on it by default
UNINITIALISED = {"empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided"}


class NoKernel(Exception):
    """The operator does not run on the CPU at all."""


class Different(Exception):
    """The simulated run of an operator differs from the host's."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=4, help="samples an operator (default: 4)")
    parser.add_argument("--dtype", default="float32", help="the samples' type where an operator supports it")
    parser.add_argument("--only", help="the one operator to run")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    operators = [operator for operator in database() if arguments.only in (None, operator.name)]
    different, without_kernel = {}, []
    for operator in operators:
        try:
            check(operator, getattr(torch, arguments.dtype), arguments.samples)
        except NoKernel:
            without_kernel.append(full_name(operator))
        except Exception as error:  # noqa: BLE001  # whatever an operator raises is its result
            different[full_name(operator)] = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:160]}"
    compared = len(operators) - len(without_kernel)
    equal = compared - len(different)
    print(f"torch {torch.__version__}: {equal} of {compared} operators equal in value and device ({equal / compared:.1%})")
    for name, reason in different.items():
        print(f"  {name}: {reason}")
    print(f"not compared, for they do not run on the CPU: {', '.join(without_kernel) or 'none'}")
    return 0 if equal >= 0.98 * compared else 1


def database() -> list[Any]:
    """torch's operators with their samples, which take some seconds to import."""
    if importlib.util.find_spec("expecttest") is None:  # torch's test helpers only derive a class from it
        sys.modules["expecttest"] = types.ModuleType("expecttest")
        sys.modules["expecttest"].TestCase = unittest.TestCase  # type: ignore[attr-defined]  # the class they derive from
    return importlib.import_module("torch.testing._internal.common_methods_invocations").op_db


def full_name(operator: Any) -> str:
    return f"{operator.name}.{operator.variant_test_name}" if operator.variant_test_name else operator.name


def check(operator: Any, dtype: torch.dtype, count: int) -> None:
    """Raises Different, or what the operator raises on the device, for the first sample that is not equal."""
    supported = operator.supported_dtypes("cpu")
    if not supported:
        raise NoKernel
    dtype = next((t for t in (dtype, torch.float32) if t in supported), min(supported, key=str))
    differentiable = operator.supports_autograd and dtype in operator.supported_backward_dtypes("cpu")
    for position, sample in enumerate(samples(operator, dtype, differentiable, count)):
        try:
            expected = list(outcome(operator, sample, torch.device("cpu")))
        except Exception as error:
            raise NoKernel from error
        with simulated(2):
            actual = [(tensor.device, tensor.cpu()) for tensor in outcome(operator, sample, DEVICE)]
        for index, ((device, there), here) in enumerate(zip(actual, expected, strict=True)):
            if device != DEVICE:
                raise Different(f"sample {position}, tensor {index} is on {device}")
            compare(there, here, values=operator.name not in UNINITIALISED)


def samples(operator: Any, dtype: torch.dtype, differentiable: bool, count: int) -> Iterator[Any]:
    torch.manual_seed(0)
    for position, sample in enumerate(operator.sample_inputs("cpu", dtype, requires_grad=differentiable)):
        if position == count:
            return
        yield sample


def on_device(sample: Any, device: torch.device) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The input, arguments and keyword arguments of a sample, copied to a device."""

    def convert(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return str(device) if value in ("cpu", torch.device("cpu")) else value
        if value.layout != torch.strided:
            return value.detach().to(device, copy=True).requires_grad_(value.requires_grad)
        storage = value.untyped_storage()  # all of it: an operator may look beyond its view
        storage = storage.clone() if device.type == "cpu" else storage.cuda(device.index)
        copy = torch.empty(0, dtype=value.dtype, device=device)
        return copy.set_(storage, value.storage_offset(), value.size(), value.stride()).requires_grad_(value.requires_grad)

    return tree_map(convert, (sample.input, sample.args, sample.kwargs))


def outcome(operator: Any, sample: Any, device: torch.device) -> Iterator[torch.Tensor]:
    """The tensors of the result, then the gradients."""
    value, args, kwargs = on_device(sample, device)
    generators = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Generator)]
    for generator in generators:
        generator.manual_seed(0)
    torch.manual_seed(0)
    result = [leaf for leaf in tree_leaves(operator(value, *args, **kwargs)) if isinstance(leaf, torch.Tensor)]
    yield from result
    leaves = [leaf for leaf in tree_leaves((value, args, kwargs)) if isinstance(leaf, torch.Tensor)]
    inputs = [leaf for leaf in leaves if leaf.requires_grad and leaf.is_leaf]
    outputs = [tensor for tensor in result if tensor.requires_grad and tensor.grad_fn is not None]
    if inputs and outputs:
        total = sum(output.abs().sum() if output.is_complex() else output.sum() for output in outputs)
        gradients = torch.autograd.grad(total, inputs, allow_unused=True)
        yield from (gradient for gradient in gradients if gradient is not None)


def compare(there: torch.Tensor, here: torch.Tensor, *, values: bool) -> None:
    if there.dtype.itemsize == 1 and there.is_floating_point():
        there, here = there.float(), here.float()
    if values:
        torch.testing.assert_close(there, here, rtol=1e-5, atol=1e-6, equal_nan=True)
    elif there.shape != here.shape:
        raise Different("another shape")


if __name__ == "__main__":
    sys.exit(main())
