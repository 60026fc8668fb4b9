"""Answers before it has read the request, then hangs up with the rest unread."""

import os
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


def hasty(stream, limit):
    size, nonce = frames._HEAD.unpack(frames.read_exactly(stream, frames._HEAD.size))
    send({"value": torch.ones(4)}, nonce=nonce)
    os.close(3)
    while True:
        pass


frames.receive = hasty
