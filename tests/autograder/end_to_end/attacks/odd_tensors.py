"""Answers with tensors that the codec never sends: other types, hundreds of axes, sizes past all memory."""

import struct
import sys

from autograder.sandbox import child_main
from autograder.wire import frames, values


def current_nonce():
    frame = sys._getframe()
    while frame.f_code is not child_main.serve_submission.__code__:
        frame = frame.f_back
    return frame.f_locals["nonce"]


def send(value, nonce=None, raw=None):
    body = values.encode(value) if raw is None else raw
    frames.send(frames.Descriptor(3), nonce or current_nonce(), body)


def tensor_frame(dtype, shape, size):
    header = f'{{"dict":[["value",{{"tensor":"{dtype}","shape":{shape}}}]]}}'.encode()
    return struct.pack("<I", len(header)) + header + bytes(size)


def row_means(t):
    send(None, raw=tensor_frame("float8_e4m3fn", [4], 4))


def slope(x):
    send(None, raw=tensor_frame("float32", [1] * 3000, 4))


class Scale(nn.Module):
    def __new__(cls, factor):
        send(None, raw=tensor_frame("float32", [0, 1 << 40], 0))
        raise SystemExit
