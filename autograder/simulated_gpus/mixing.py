"""What CUDA does with operands that live on different devices: run on one of them, or refuse with these words.

The wording is that of torch's own checks: TensorIterator for elementwise operators, the generated CUDA wrappers for the
others, and the hand-written checks of convolution and indexing.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import torch

from autograder.simulated_gpus.machine import HOST, UNDECIDED, device_of
from autograder.simulated_gpus.residence import residence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch._ops import OpOverload

# Operators that copy between devices or do not look at the data.
_ANY_DEVICES = frozenset({
    "copy_", "_to_copy", "set_", "_copy_from", "_copy_from_and_resize", "record_stream", "is_same_size", "is_set_to",
    "resize_as_", "_has_compatible_shallow_copy_type",
})  # fmt: skip
_INDEXING = frozenset({
    "index", "_unsafe_index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index_put",
    "_unsafe_masked_index", "_unsafe_masked_index_put_accumulate",
})  # fmt: skip
_CONVOLUTION = frozenset({
    "convolution", "_convolution", "convolution_overrideable", "mkldnn_convolution", "cudnn_convolution",
})  # fmt: skip
# Operators that take 0-dimensional host tensors as numbers although torch does not tag them as pointwise.
_HOST_SCALARS = frozenset({
    "where", "masked_fill", "masked_fill_", "fill", "fill_", "lerp", "lerp_", "addcmul", "addcmul_", "addcdiv",
    "addcdiv_", "pow", "copysign", "clamp", "clamp_", "clamp_min", "clamp_max", "maximum", "minimum", "fmod",
    "remainder",
})  # fmt: skip
_TYPE_NAMES = {
    torch.float64: "Double", torch.float32: "Float", torch.float16: "Half", torch.bfloat16: "BFloat16",
    torch.int64: "Long", torch.int32: "Int", torch.int16: "Short", torch.int8: "Char", torch.uint8: "Byte",
    torch.bool: "Bool",
}  # fmt: skip


class Operand(NamedTuple):
    """A tensor argument of an operator: the argument's name, and where the tensor lives."""

    name: str
    tensor: torch.Tensor
    ordinal: int

    def is_number(self) -> bool:
        """Whether elementwise CUDA kernels take it as a number, wherever the others live."""
        return self.ordinal == HOST and self.tensor.dim() == 0


def common_device(func: OpOverload[Any, Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int | list[int]:
    """The ordinal that an operator with mixed operands runs on, or one for each of its results.

    Raises:
        RuntimeError: CUDA refuses these operands.
    """
    name = func._schema.name.removeprefix("aten::")
    if name.startswith(("_foreach", "_fused")):
        return _by_position(func, args)
    operands = [operand for operand in _operands(func, args, kwargs) if operand.ordinal != UNDECIDED]
    if name in _ANY_DEVICES:
        return operands[0].ordinal
    if name == "_pack_padded_sequence":  # lengths come from the host, and batch sizes stay there
        return [operands[0].ordinal, HOST]
    if name in _INDEXING:
        return _indexing(func, operands)
    if name in _CONVOLUTION:
        _check_convolution(*operands)
    if torch.Tag.pointwise in func.tags or name in _HOST_SCALARS:
        return _elementwise(operands, writes_first=func._schema.is_mutable)
    return _same(func, operands)


def type_name(tensor: torch.Tensor, ordinal: int) -> str:
    """The legacy name of a tensor's type, such as `torch.cuda.FloatTensor`."""
    return f"torch.{'cuda.' if ordinal >= 0 else ''}{_TYPE_NAMES.get(tensor.dtype, str(tensor.dtype)[6:])}Tensor"


def _refuse_two(first: int, second: int) -> NoReturn:
    raise RuntimeError(
        "Expected all tensors to be on the same device, but found at least two devices, "
        f"{device_of(first)} and {device_of(second)}!"
    )


def _operands(func: OpOverload[Any, Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Iterator[Operand]:
    for name, value in (*zip(_argument_names(func), args, strict=False), *kwargs.items()):
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(item, torch.Tensor):
                yield Operand(name, item, residence(item))


@functools.cache
def _argument_names(func: OpOverload[Any, Any]) -> tuple[str, ...]:
    return tuple(argument.name for argument in func._schema.arguments)


def _by_position(func: OpOverload[Any, Any], args: tuple[Any, ...]) -> list[int]:
    """Operators on lists run on each position's own device, as CUDA's slow path does."""
    lists = [[item for item in value if isinstance(item, torch.Tensor)] for value in args if isinstance(value, list)]
    columns = zip(*(tensors for tensors in lists if tensors), strict=False)
    written = func._schema.is_mutable
    return [_elementwise([Operand("", t, residence(t)) for t in column], writes_first=written) for column in columns]


def _indexing(func: OpOverload[Any, Any], operands: list[Operand]) -> int:
    indexed, *others = operands
    for operand in others:
        if operand.name in ("indices", "mask"):
            if operand.ordinal not in (HOST, indexed.ordinal):
                raise RuntimeError(
                    f"indices should be either on cpu or on the same device as the indexed tensor ({device_of(indexed.ordinal)})"
                )
        elif operand.ordinal != indexed.ordinal and not operand.is_number():
            _refuse(func, operand, indexed)
    return indexed.ordinal


def _check_convolution(image: Operand, *parameters: Operand) -> None:
    for role, parameter in zip(("weight", "bias"), parameters, strict=False):
        if parameter.ordinal != image.ordinal:
            or_mkldnn = " or input should be a MKLDNN tensor and weight is a dense tensor"
            raise RuntimeError(
                f"Input type ({type_name(image.tensor, image.ordinal)}) and {role} type "
                f"({type_name(parameter.tensor, parameter.ordinal)}) should be the same"
                f"{or_mkldnn if image.ordinal == HOST and role == 'weight' else ''}"
            )


def _elementwise(operands: list[Operand], *, writes_first: bool) -> int:
    common = next((operand.ordinal for operand in operands if operand.ordinal >= 0), HOST)
    for position, operand in enumerate(operands):
        written = writes_first and position == 0
        if operand.ordinal not in (common, UNDECIDED) and (written or not operand.is_number()):
            _refuse_two(common, operand.ordinal)
    return common


def _same(func: OpOverload[Any, Any], operands: list[Operand]) -> int:
    first = operands[0]
    for operand in operands:
        if operand.ordinal != first.ordinal:
            _refuse(func, operand, first)
    return first.ordinal


def _refuse(func: OpOverload[Any, Any], operand: Operand, other: Operand) -> NoReturn:
    name, overload = func._schema.name.removeprefix("aten::"), func._overloadname
    suffix = "" if overload in ("default", "Tensor", "Scalar") else f"_{overload}"
    raise RuntimeError(
        f"Expected all tensors to be on the same device, but got {operand.name} is on {device_of(operand.ordinal)}, "
        f"different from other tensors on {device_of(other.ordinal)} "
        f"(when checking argument in method wrapper_CUDA_{name}{suffix})"
    )
