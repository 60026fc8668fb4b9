"""Answers with millions of empty items, and with tens of thousands of empty tensors."""

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
    items = b"[" + b",".join([b"{}"] * 1_300_000) + b"]"
    send(None, raw=struct.pack("<I", len(items)) + items)


def slope(x):
    empty = ("[" + ",".join(['{"tensor":"int8","shape":[0]}'] * 100_000) + "]").encode()
    send(None, raw=struct.pack("<I", len(empty)) + empty)
