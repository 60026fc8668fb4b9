"""Answers with lists in lists in lists."""

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


def row_means(t):
    deep = b"[" * 100_000 + b"]" * 100_000
    send(None, raw=struct.pack("<I", len(deep)) + deep)


def slope(x):
    value = x
    for _ in range(10_000):
        value = [value]
    return value
