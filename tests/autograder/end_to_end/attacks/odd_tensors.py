"""Answers with tensors that the codec never sends: other types, hundreds of axes, sizes past all memory."""

import os
import struct
import sys

from autograder.wire import values


def frame_of(name):
    frame = sys._getframe()
    while frame.f_code.co_name != name:
        frame = frame.f_back
    return frame


def send(value, nonce=None, raw=None):
    nonce = frame_of("serve_submission").f_locals["nonce"] if nonce is None else nonce
    body = values.encode(value) if raw is None else raw
    os.write(3, struct.pack("<Q16s", len(body), nonce) + body)


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
