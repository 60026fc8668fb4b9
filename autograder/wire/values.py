"""Values ↔ bytes: a length-capped codec that can rebuild plain values and execute nothing.

A frame is the length of a JSON header, the header, and the raw bytes of its tensors in the order in which the header
describes them. The decoder faces hostile bytes: whatever is wrong with them is a WireError.
"""

from __future__ import annotations

import json
import math
import re
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from autograder.text import clean

MAX_DEPTH = 32
MAX_ITEMS = 100_000
MAX_TENSORS = 20_000
MAX_AXES = 32
MAX_HEADER = 4 << 20
MAX_FRAME = 64 << 20
MAX_OVERHEAD = MAX_HEADER + 1024  # what a frame holds beside the bytes of its tensors

_INT64 = 1 << 63
_TOO_LARGE = "the value is larger than the limit for one reply"
_DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128,
        torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
    )
}  # fmt: skip
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_DEVICE = re.compile(r"(cpu|cuda|mps|xpu|meta)(:\d{1,3})?")


class WireError(ValueError):
    """The value cannot cross, or the bytes are not a frame."""


@dataclass(frozen=True)
class Opaque:
    """Stands for a value that does not cross the wire, such as a generator or a function."""

    type_name: str


@dataclass(frozen=True)
class Resident:
    """Stands for a data set that the receiving process already holds."""

    name: str


def _refuse(constant: str) -> None:
    raise WireError(f"{constant} in the header")


_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)  # made once: a new one for each frame takes longer
_DECODER = json.JSONDecoder(parse_constant=_refuse)


def encode(value: object, max_bytes: int = MAX_FRAME, *, layout: bool = False) -> bytes:
    """Bytes of one value, `.grad` of leaf tensors with it; `layout` keeps strides too. WireError if it is too much."""
    packer = _Packer(max_bytes, layout)
    header = _ENCODER.encode(packer.pack(value, 0)).encode()
    if len(header) > MAX_HEADER:
        raise WireError("the value has too much text or too many items")
    return b"".join([struct.pack("<I", len(header)), header, *packer.chunks])


class _Packer:
    def __init__(self, max_bytes: int, layout: bool) -> None:  # noqa: FBT001  private, one caller
        self.chunks: list[bytes] = []
        self.left = max_bytes
        self.items = 0
        self.layout = layout

    def pack(self, value: object, depth: int) -> Any:  # noqa: C901  one line a type
        self.items += 1
        if depth > MAX_DEPTH:
            raise WireError("the value is nested too deeply")
        if self.items > MAX_ITEMS:
            raise WireError("the value has too many items")
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return int(value) if -_INT64 <= value < _INT64 else {"opaque": "int beyond 64 bits"}
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else {"float": repr(float(value))}
        if isinstance(value, str):
            self.spend(len(value))
            return str(value).encode("utf-8", "replace").decode()
        if isinstance(value, bytes):
            self.store(bytes(value))
            return {"bytes": len(value)}
        if isinstance(value, torch.Tensor):
            return self.tensor(value, depth)
        if isinstance(value, np.ndarray):
            return self.array(value)
        if isinstance(value, tuple):
            return {"tuple": [self.pack(item, depth + 1) for item in value]}
        if isinstance(value, list):
            return [self.pack(item, depth + 1) for item in value]
        if isinstance(value, dict):
            return self.dictionary(value, depth)
        if isinstance(value, torch.dtype) and value in _NAMES:
            return {"dtype": _NAMES[value]}
        if isinstance(value, torch.device):
            return {"device": str(value)}
        if isinstance(value, Resident):
            return {"resident": value.name}
        return {"opaque": value.type_name if isinstance(value, Opaque) else clean(type(value).__name__, 80)}

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise WireError(_TOO_LARGE)

    def store(self, data: bytes) -> None:
        self.spend(len(data))
        if len(self.chunks) == MAX_TENSORS:
            raise WireError("the value has too many tensors")
        self.chunks.append(data)

    def tensor(self, value: torch.Tensor, depth: int) -> Any:
        with torch._C.DisableTorchFunctionSubclass():  # a subclass must not choose what is sent
            if value.layout is not torch.strided or value.dtype not in _NAMES or value.is_meta:
                return {"opaque": clean(f"{value.layout} {value.dtype} tensor".replace("torch.", ""), 80)}
            if value.dim() > MAX_AXES:
                return {"opaque": f"tensor of {value.dim()} axes"}
            if value.numel() * value.element_size() > self.left:  # before a copy is made
                raise WireError(_TOO_LARGE)
            plain = value.detach().as_subclass(torch.Tensor).cpu().resolve_conj().resolve_neg()
            known_to_numpy = plain.view(torch.int16) if plain.dtype is torch.bfloat16 else plain
            self.store(known_to_numpy.numpy().tobytes())
            node: dict[str, Any] = {"tensor": _NAMES[plain.dtype], "shape": list(plain.shape)}
            if value.requires_grad:
                node["requires_grad"] = True
            if self.layout and not value.is_contiguous():
                node["stride"] = list(value.stride())
            if value.is_leaf and value.grad is not None:
                node["grad"] = self.pack(value.grad, depth + 1)
            return node

    def array(self, value: np.ndarray[Any, Any]) -> Any:
        try:
            native = value.dtype.newbyteorder("=")  # torch has no other byte order
            tensor = torch.from_numpy(np.array(value, dtype=native, order="C", copy=True, subok=False))
        except (TypeError, ValueError):
            return {"opaque": f"NumPy array of {clean(str(value.dtype), 40)}"}
        if tensor.dtype not in _NAMES or tensor.dim() > MAX_AXES:
            return {"opaque": f"NumPy array of {tensor.dim()} axes, {value.dtype}"}
        return {"array": self.tensor(tensor, 0)}

    def dictionary(self, value: dict[Any, Any], depth: int) -> Any:
        for key in value:
            if isinstance(key, bool) or not isinstance(key, str | int):
                return {"opaque": f"dict with a key of type {clean(type(key).__name__, 40)}"}
        return {"dict": [[self.pack(key, depth + 1), self.pack(item, depth + 1)] for key, item in value.items()]}


def decode(frame: bytes | bytearray | memoryview, *, layout: bool = False) -> Any:
    """The value of one frame. Every fault of the bytes, whatever it is, raises WireError.

    Strides are followed only with `layout`, for a frame of the grader's own: few bytes could ask for much memory.
    """
    view = memoryview(frame)
    try:
        (size,) = struct.unpack_from("<I", view)
        if size > MAX_HEADER or 4 + size > len(view):
            raise WireError("the header's length is wrong")
        header = _DECODER.decode(str(view[4 : 4 + size], "utf-8"))
        unpacker = _Unpacker(view[4 + size :], layout)
        value = unpacker.unpack(header, 0)
        if unpacker.at != len(unpacker.data):
            raise WireError("the frame holds more bytes than its header describes")
    except WireError:
        raise
    except (Exception, RecursionError) as error:  # noqa: BLE001  hostile bytes: any failure is theirs
        raise WireError(f"the bytes are not a value ({type(error).__name__})") from None
    return value


class _Unpacker:
    def __init__(self, data: memoryview, layout: bool) -> None:  # noqa: FBT001  private, one caller
        self.data, self.layout = data, layout
        self.at = self.items = self.tensors = 0

    def unpack(self, node: Any, depth: int) -> Any:
        self.items += 1
        if depth > MAX_DEPTH or self.items > MAX_ITEMS:
            raise WireError("the value is too deep or has too many items")
        if node is None or isinstance(node, bool):
            return node
        if isinstance(node, int):
            if not -_INT64 <= node < _INT64:
                raise WireError("an integer beyond 64 bits")
            return node
        if isinstance(node, float):
            if not math.isfinite(node):
                raise WireError("a non-finite number in the header")
            return node
        if isinstance(node, str):
            node.encode()  # refuses lone surrogates
            return node
        if isinstance(node, list):
            return [self.unpack(item, depth + 1) for item in node]
        return self.tagged(node, depth)

    def tagged(self, node: dict[str, Any], depth: int) -> Any:  # noqa: C901  one branch a tag
        if "tensor" in node:
            return self.tensor(node, depth)
        if len(node) != 1:
            raise WireError("an item with other than one tag")
        ((tag, body),) = node.items()
        match tag, body:
            case "tuple", list():
                return tuple(self.unpack(item, depth + 1) for item in body)
            case "dict", list():
                return {self.key(key): self.unpack(item, depth + 1) for key, item in body}
            case "array", {"tensor": name, "shape": list(shape)} if len(body) == 2:
                return self.values(name, shape).numpy()
            case "bytes", int():
                return bytes(self.take(body))
            case "float", "nan" | "inf" | "-inf":
                return float(body)
            case "dtype", str():
                return _DTYPES[body]
            case "device", str() if _DEVICE.fullmatch(body):
                return torch.device(body)
            case "opaque", str():
                return Opaque(clean(body, 80))
            case "resident", str():
                return Resident(body)
        raise WireError("an item with an unknown tag")

    def key(self, node: Any) -> str | int:
        key = self.unpack(node, 0)
        if isinstance(key, bool) or not isinstance(key, str | int):
            raise WireError("a key that is neither text nor integer")
        return key

    def tensor(self, node: dict[str, Any], depth: int) -> torch.Tensor:
        if not node.keys() <= {"tensor", "shape", "requires_grad", "stride", "grad"}:
            raise WireError("a tensor with an unknown tag")
        tensor = self.values(node["tensor"], node["shape"])
        if "stride" in node:
            if not self.layout:
                raise WireError("a tensor with strides")
            tensor = _with_strides(tensor, tuple(node["stride"]))
        if node.get("requires_grad") is True:
            tensor.requires_grad_()
        if "grad" in node:
            tensor.grad = self.unpack(node["grad"], depth + 1)
        return tensor

    def values(self, name: str, shape: list[int]) -> torch.Tensor:
        self.tensors += 1
        if self.tensors > MAX_TENSORS or len(shape) > MAX_AXES or any(type(size) is not int or size < 0 for size in shape):
            raise WireError("too many tensors, or a tensor of an odd shape")
        dtype, count = _DTYPES[name], math.prod(shape)
        data = self.take(count * dtype.itemsize)
        if dtype is torch.bool and bytes(data).translate(None, b"\0\1"):
            raise WireError("a truth value other than 0 and 1")
        tensor = torch.empty(shape, dtype=dtype, device="cpu")
        if count:  # as bytes: torch crashes on some numbers that lie at an odd address
            tensor.view(-1).view(torch.uint8).numpy().data[:] = data
        return tensor

    def take(self, size: int) -> memoryview:
        """The next `size` bytes of the tensors' data."""
        if not 0 <= size <= len(self.data) - self.at:
            raise WireError("the frame holds fewer bytes than its header describes")
        self.at += size
        return self.data[self.at - size : self.at]


def _with_strides(tensor: torch.Tensor, stride: tuple[int, ...]) -> torch.Tensor:
    """The same values laid out as the sender had them; axes of stride 0 stay expanded."""
    reach = sum((size - 1) * abs(step) for size, step in zip(tensor.shape, stride, strict=True)) + 1
    if reach * tensor.element_size() > MAX_FRAME or any(step < 0 for step in stride):
        raise WireError("a tensor whose strides reach too far")
    narrowed = tensor[tuple(slice(0, 1) if step == 0 else slice(None) for step in stride)]
    laid_out = torch.empty_strided(narrowed.shape, stride, dtype=tensor.dtype).copy_(narrowed)
    return laid_out.expand(tensor.shape)
