"""The codec: plain values come back as they were, other values as their plain base type, and bad bytes as one error."""

import json
import math
import struct
import sys
from collections import OrderedDict, namedtuple
from pathlib import Path

import numpy as np
import patient
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.wire import values

FUZZ = Path(__file__).parents[2] / "benchmarks/fuzz_wire.py"
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128)
DTYPES = (*FLOATS, torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
quickly = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def tensors(draw):
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    dtype = draw(st.sampled_from(DTYPES))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1000)))
    drawn = torch.randint(-100, 100, shape, generator=generator).to(dtype)
    if dtype in FLOATS and drawn.numel() and draw(st.booleans()):
        drawn.view(-1)[0] = draw(st.sampled_from([math.nan, math.inf, -math.inf]))
    for _ in range(draw(st.integers(0, 2)) if drawn.dim() > 1 else 0):
        drawn = drawn.transpose(0, draw(st.integers(0, drawn.dim() - 1)))
    if draw(st.booleans()) and drawn.dim():
        drawn = drawn[:: draw(st.integers(1, 2))]
    if draw(st.booleans()):
        drawn = drawn.unsqueeze(0).expand(draw(st.integers(1, 3)), *drawn.shape)
    return drawn.requires_grad_() if dtype in FLOATS and draw(st.booleans()) else drawn


@st.composite
def arrays(draw):
    drawn = np.arange(draw(st.integers(0, 12)))
    kind = draw(st.sampled_from(["float32", "float64", "int64", "bool", "uint8", ">f4", "complex64"]))
    return drawn.astype(kind)[:: draw(st.sampled_from([1, 2, -1]))]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
integers = st.integers(-(2**63), 2**63 - 1)
leaves = (
    st.none() | st.booleans() | integers | st.floats() | texts | st.binary(max_size=20) | tensors() | arrays()
    | st.sampled_from(DTYPES) | st.sampled_from([torch.device("cpu"), torch.device("cuda", 3), torch.device("meta")])
)  # fmt: skip
plain_values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(texts | integers, inner, max_size=4)
    ),
    max_leaves=12,
)


def same(a, b):
    """Equality by type and content, in which NaN equals NaN."""
    if isinstance(a, torch.Tensor):
        equal = type(b) is torch.Tensor and (a.dtype, a.shape, a.requires_grad) == (b.dtype, b.shape, b.requires_grad)
        return equal and torch.equal(a.detach().isnan(), b.detach().isnan()) and torch.equal(*map(nan_to_zero, (a, b)))
    if isinstance(a, np.ndarray):
        return type(b) is np.ndarray and a.dtype.newbyteorder("=") == b.dtype and np.array_equal(a, b)
    if isinstance(a, float):
        return type(b) is float and (a == b or (math.isnan(a) and math.isnan(b)))
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return type(b) is dict and list(a) == list(b) and all(map(same, a.values(), b.values()))
    return type(a) is type(b) and a == b


def nan_to_zero(tensor):
    return tensor.detach().where(~tensor.detach().isnan(), 0)


@quickly
@given(plain_values)
def test_plain_values_come_back_as_they_were(value):
    assert same(value, values.decode(values.encode(value)))
    assert same(value, values.decode(values.encode(value, layout=True), layout=True))


@quickly
@given(tensors())
def test_arguments_keep_their_layout(tensor):
    back = values.decode(values.encode(tensor, layout=True), layout=True)
    assert back.is_contiguous() == tensor.is_contiguous()
    if not tensor.is_contiguous():
        assert back.stride() == tensor.stride()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_tensor_is_read_from_any_address(dtype):
    for offset in range(16):
        value = [bytes(offset), torch.ones(9, dtype=dtype), torch.tensor(1, dtype=dtype)]
        assert same(value, values.decode(values.encode(value)))


def test_a_leaf_keeps_its_gradient():
    leaf = torch.ones(2, requires_grad=True)
    leaf.grad = torch.tensor([3.0, 4.0])
    back = values.decode(values.encode(leaf, layout=True), layout=True)
    assert back.requires_grad
    assert back.grad.tolist() == [3.0, 4.0]


class TensorSubclass(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        raise RuntimeError("it must not be asked")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (type("Odd", (int,), {"__int__": lambda _: 7})(3), None),
        (type("Odd", (float,), {})(2.5), 2.5),
        (type("Odd", (str,), {"__str__": lambda _: "x"})("abc"), None),
        (type("Odd", (list,), {})([1]), [1]),
        (OrderedDict(a=1), {"a": 1}),
        (namedtuple("Point", "x y")(1, 2), (1, 2)),
        (torch.Size([2, 3]), (2, 3)),
        (torch.ones(2).as_subclass(TensorSubclass), torch.ones(2)),
        (torch.nn.Parameter(torch.ones(2)), torch.ones(2, requires_grad=True)),
        (np.float32(1.5), 1.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        ("lone \ud800 surrogate", "lone ? surrogate"),
        (2**70, values.Opaque("int beyond 64 bits")),
        ((i for i in range(3)), values.Opaque("generator")),
        (torch.nn.ReLU(), values.Opaque("ReLU")),
        (torch.eye(2).to_sparse(), values.Opaque("sparse_coo float32 tensor")),
        (torch.ones(2, device="meta"), values.Opaque("strided float32 tensor")),
        ({(1, 2): 3}, values.Opaque("dict with a key of type tuple")),
        ({"a": torch.ones(2), (1, 2): 3}, values.Opaque("dict with a key of type tuple")),
        (np.array([object()]), values.Opaque("NumPy array of object")),
    ],
)
def test_other_values_arrive_as_their_plain_type_or_as_a_name(value, plain):
    back = values.decode(values.encode(value))
    if plain is None:  # whatever the subclass says of itself, a plain value comes
        assert type(back) in (int, str)
    else:
        assert same(plain, back)


class EndlessList(list):
    def __iter__(self):
        while True:
            yield 1


deep = []
for _ in range(100):
    deep = [deep]


@pytest.mark.parametrize(
    "value",
    [deep, [0] * 200_000, [torch.ones(1)] * 30_000, "x" * 100, torch.ones(100), torch.zeros(1).expand(10**6, 10**6),
     EndlessList(), {"a": [b"x" * 60, b"x" * 60]}, [torch.ones(5)] * 10],
    ids=["deep", "items", "tensors", "text", "tensor", "expanded", "endless", "bytes", "sum"],
)  # fmt: skip
def test_a_value_beyond_a_limit_is_refused_when_it_is_sent(value):
    with pytest.raises(values.WireError):
        values.encode(value, max_bytes=99)


def frame(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<I", len(text)) + text + data


def one(dtype, shape, **more):
    return {"tensor": dtype, "shape": shape, **more}


HOSTILE = {
    "empty": b"",
    "short": b"\0\0",
    "length": struct.pack("<I", 2**32 - 1) + b"null",
    "deep": frame(b"[" * 200_000 + b"]" * 200_000),
    "items": frame(b"[" + b",".join([b"{}"] * 1_000_000) + b"]"),
    "digits": frame(b"1" * 100_000),
    "integer": frame(2**63),
    "NaN": frame(b"NaN"),
    "infinite": frame(b"1e999"),
    "surrogate": frame(b'"\\ud800"'),
    "two tags": frame({"tuple": [], "dict": []}),
    "unknown tag": frame({"pickle": "gASVAAAA"}),
    "dtype": frame({"dtype": "os.system"}),
    "device": frame({"device": "cuda:99999999999999999999"}),
    "key": frame({"dict": [[[1], 2]]}),
    "boolean key": frame({"dict": [[True, 2]]}),
    "pair": frame({"dict": [[1, 2, 3]]}),
    "no shape": frame({"tensor": "float32"}, bytes(4)),
    "bytes missing": frame(one("float32", [2]), bytes(4)),
    "bytes left": frame(None, bytes(4)),
    "negative bytes": frame([{"bytes": -4}, {"bytes": 4}]),
    "float8": frame(one("float8_e4m3fn", [4]), bytes(4)),
    "axes": frame(one("float32", [1] * 100), bytes(4)),
    "shape": frame(one("float32", [2**62]), bytes(4)),
    "negative shape": frame(one("float32", [-1, -1]), bytes(4)),
    "boolean shape": frame(one("float32", [True]), bytes(4)),
    "fraction of a shape": frame(one("float32", [1.0]), bytes(4)),
    "empty past all memory": frame(one("float32", [0, 2**62, 2**62])),
    "strides": frame(one("float32", [2], stride=[2**20]), bytes(8)),
    "integer gradient": frame(one("int64", [1], requires_grad=True), bytes(8)),
    "gradient's type": frame(one("float32", [1], grad="x"), bytes(4)),
    "gradient's shape": frame(one("float32", [1], grad=one("float32", [2])), bytes(12)),
    "bfloat16 array": frame({"array": one("bfloat16", [2])}, bytes(4)),
    "truth": frame(one("bool", [3]), b"\0\2\1"),
    "many tensors": frame([one("int8", [0])] * 30_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_bad_bytes_are_refused(name):
    with pytest.raises(values.WireError):
        values.decode(HOSTILE[name])


def test_damaged_and_invented_frames_are_refused_or_read_and_nothing_else():
    done = patient.run([sys.executable, FUZZ, "--frames", "4000", "--seed", "1"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed" in done.stdout
