"""Feeds damaged and invented frames to the decoder that faces hostile bytes; it may refuse them, and nothing else.

    python tests/benchmarks/fuzz_wire.py [--frames 200000] [--seed 0]

Half of the frames are valid ones with bytes changed, the other half is valid in form and absurd in content. Each goes to
`values.decode` and, as a reply, to `student.read_reply`. Exit code 1 if anything but a refusal or a value comes out, if one
frame takes longer than ten seconds, or if the memory grows by more than 500 MB.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import random
import resource
import signal
import struct
import sys
import time
from collections import Counter
from typing import Any, NoReturn

import numpy as np
import torch

from autograder.checks.student import read_reply
from autograder.results import StudentFault
from autograder.wire import values

SECONDS = 10
MEGABYTES = 500
NUMBERS = (0, 1, -1, 2, 31, 255, 256, 2**15, 2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64, -(2**63), 10**40)
SCALARS = (
    None,
    True,
    False,
    0.5,
    1e308,
    1e-320,
    "",
    "0",
    "1",
    "x",
    "nan",
    "float32",
    "cpu",
    "cuda:7",
    "\x1b[2J",
    "\ud800",
    "é" * 50,
)
TAGS = ("tensor", "shape", "array", "tuple", "dict", "float", "dtype", "device", "opaque", "resident", "bytes", "stride",
        "grad", "requires_grad", "value", "args", "fault", "unknown", "")  # fmt: skip
DTYPES = ("float64", "float16", "bfloat16", "int64", "uint8", "bool", "complex64", "complex128", "float8_e4m3fn", "uint16",
          "torch.float32", "os.system", "", None, 7, ["float32"])  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    valid = corpus()
    signal.signal(signal.SIGALRM, give_up)
    before, outcomes, failures, slowest = peak_megabytes(), Counter[str](), [], 0.0
    for number in range(options.frames):
        frame = invented(rng) if number % 2 else damaged(rng, valid)
        started = time.perf_counter()
        signal.alarm(SECONDS)
        try:
            outcomes[outcome(frame)] += 1
        except BaseException as error:  # noqa: BLE001  that is what is looked for
            failures.append(f"frame {number}: {type(error).__name__}: {error} from {frame[:200]!r}")
        signal.alarm(0)
        slowest = max(slowest, time.perf_counter() - started)
    grown = peak_megabytes() - before
    print(f"{options.frames} frames: {outcomes['value']} decoded, {outcomes['refused']} refused, {len(failures)} failed; "
          f"slowest {1000 * slowest:.0f} ms, memory {grown:+.0f} MB")  # fmt: skip
    print(*failures[:20], sep="\n")
    return 1 if failures or grown > MEGABYTES else 0


def give_up(*_: object) -> NoReturn:
    raise SystemExit(f"longer than {SECONDS} s")


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def outcome(frame: bytes) -> str:
    with contextlib.suppress(StudentFault):
        read_reply(frame)
    try:
        value = values.decode(frame)
    except values.WireError:
        return "refused"
    values.encode(value)  # what was decoded is a value like any other
    return "value"


def corpus() -> list[bytes]:
    """Valid frames, replies among them."""
    leaf = torch.ones(3, 2, requires_grad=True)
    leaf.grad = torch.zeros(3, 2)
    samples: list[Any] = [
        None, 3, -2.5, float("nan"), "text", b"bytes", [1, [2, (3, "x")]], {"a": 1, 2: [None, True]},
        torch.arange(12.0).reshape(3, 4),
        torch.ones(2, 3, dtype=torch.bfloat16), torch.zeros(0, 5), torch.tensor(1 + 2j), leaf, np.arange(4), np.float32(2),
        torch.float32, torch.device("cuda", 1), torch.Size([1, 2]), values.Opaque("generator"), [torch.ones(2)] * 20,
    ]  # fmt: skip
    replies: list[Any] = [{"value": value} for value in samples]
    replies += [{"value": 1, "args": [torch.ones(2), 3]}, {"fault": ["error", "Your code raised.", "ValueError", ""]}]
    return [values.encode(value, layout=layout) for value in samples + replies for layout in (False, True)]


def damaged(rng: random.Random, valid: list[bytes]) -> bytes:
    frame = bytearray(rng.choice(valid))
    for _ in range(rng.choice((1, 1, 2, 3, 10))):
        at = rng.randrange(len(frame) + 1)
        match rng.randrange(8):
            case 0 if at < len(frame):
                frame[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(frame):
                frame[at] = rng.choice(b'\0\xff{}[]",:0-9eE.\\tnf')
            case 2:
                del frame[at:]
            case 3:
                frame[at:at] = rng.randbytes(rng.choice((1, 4, 50)))
            case 4:
                del frame[at : at + rng.choice((1, 2, 8, 50))]
            case 5:
                other = rng.choice(valid)
                frame[at:] = other[rng.randrange(len(other) + 1) :]
            case 6:
                size, number = rng.choice(((4, "<I"), (8, "<Q")))
                frame[at : at + size] = struct.pack(number, rng.choice(NUMBERS) % (1 << 8 * size))
            case 7:
                frame[at:at] = frame[max(at - rng.randrange(1, 40), 0) : at] * rng.choice((1, 2, 100))
    return bytes(frame)


def invented(rng: random.Random) -> bytes:
    """A frame that is right in form, or nearly: a tree of tags, and as many bytes as the tensors in it need."""
    sizes: list[int] = []
    text = json.dumps(node(rng, rng.choice((1, 2, 3, 4, 40)), sizes), ensure_ascii=rng.random() < 0.9)
    if rng.random() < 0.02:
        deep = rng.choice((10, 100, 100_000))
        text = "[" * deep + text + "]" * rng.choice((deep, deep - 1))
    header = text.encode("utf-8", "surrogatepass")
    needed = sum(sizes) if rng.random() < 0.95 else rng.randrange(100)
    size = len(header) if rng.random() < 0.97 else rng.choice(NUMBERS) % 2**32
    return struct.pack("<I", size) + header + rng.randbytes(needed if 0 <= needed < 10_000 else 64)


def node(rng: random.Random, depth: int, sizes: list[int]) -> Any:
    """A tree of JSON; what its tensors need is added to `sizes`."""
    if depth <= 0 or rng.random() < 0.2:
        return rng.choice((rng.choice(SCALARS), rng.choice(NUMBERS), 3, "x"))
    children = [node(rng, depth - 1, sizes) for _ in range(rng.choice((0, 1, 1, 2, 3)) if depth < 10 else 1)]
    if rng.random() < 0.03:
        return {rng.choice(TAGS): child for child in children}
    match rng.randrange(8):
        case 0:
            return children
        case 1:
            return {"tuple": children}
        case 2:
            return {"dict": [[rng.choice(("value", "args", "fault", "x", 7)), child] for child in children]}
        case 3:
            return {"dict": [[node(rng, 0, sizes), child] for child in children]}
        case 4:
            fitting = {"float": "nan", "dtype": "int8", "device": "cuda:1", "opaque": "x", "resident": "x"}
            tag = rng.choice(list(fitting))
            return {tag: fitting[tag] if rng.random() < 0.8 else rng.choice(SCALARS)}
        case 5:
            sizes.append(rng.choice((0, 1, 7, rng.choice(NUMBERS))))
            return {"bytes": sizes[-1]}
    return tensor(rng, sizes)


def tensor(rng: random.Random, sizes: list[int]) -> Any:
    """A description of a tensor or array, with a lie here and there."""
    shape = rng.choice(([2], [2, 1], [], [0, 3], [0, 2**40], [1] * 33, [4], [rng.choice(NUMBERS)], [1] * 1000, [-2, -2]))
    described = {"tensor": rng.choice(("float32", "float32", "int32", rng.choice(DTYPES))), "shape": shape}
    sizes.append(4 * abs(math.prod(shape)))
    if rng.random() < 0.3:
        return {"array": described}
    for key in rng.sample(("requires_grad", "stride", "grad"), rng.choice((0, 0, 0, 1, 2))):
        described[key] = rng.choice((True, [1], [0, 2**40], node(rng, 1, sizes)))
    return described


if __name__ == "__main__":
    sys.exit(main())
