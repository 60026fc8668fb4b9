"""Announces more bytes than there are."""

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
    frames.Descriptor(3).sendall(frames._HEAD.pack(1 << 62, current_nonce()))


def slope(x):
    return "x" * (40 << 20)
