"""Answers before it has read the request, then hangs up with the rest unread."""

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


from autograder.wire import frames

receive = frames.receive


def hasty(stream, limit):
    size, nonce = struct.unpack("<Q16s", frames.read_exactly(stream, 24))
    send({"value": torch.ones(4)}, nonce=nonce)
    os.close(3)
    while True:
        pass


frames.receive = hasty
