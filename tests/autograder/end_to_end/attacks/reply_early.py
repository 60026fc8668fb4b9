"""A thread keeps sending answers that nobody has asked for."""

import sys
import threading
import time

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


def flood():
    while True:
        send({"value": torch.ones(4)}, nonce=bytes(16))
        time.sleep(0.001)


threading.Thread(target=flood, daemon=True).start()
