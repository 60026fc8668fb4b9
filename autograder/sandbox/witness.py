"""Reports a submission that looks into the process it runs in.

Some checks rest on *conduct*: what only the submission's own process can tell, such as where a tensor lay or which function was
called. Who rewrites the frames, closures or modules of the code that takes these notes can forge them. It cannot be made
impossible in one process, but it can be made to show: CPython calls an audit hook (PEP 578) before it hands out a frame, the
collector's lists, a code object or a foreign function, and Python has no way to remove one. The hook writes to the grader at
once, before whatever it reports can act, and needs nothing that the submission could have replaced: all it uses are its own
closure and attributes of built-in types.

What has no audit event (`f_back`, `tb_frame`, `__globals__`), or one that the hook itself sets off (`f_code`), is looked for
in the source: see `learner.introspection`.
"""

from __future__ import annotations

import ctypes
import inspect
import os
import struct
import sys
import traceback
from pathlib import Path
from typing import Any

from autograder.wire import frames

WATCHED = frozenset({
    "sys._getframe", "sys._getframemodulename", "sys._current_frames", "sys._current_exceptions", "sys.settrace",
    "sys.setprofile", "sys.addaudithook", "gc.get_objects", "gc.get_referrers", "gc.get_referents", "code.__new__",
    "function.__new__", "object.__setattr__", "object.__delattr__", "marshal.loads",
    "ctypes.dlopen", "ctypes.dlsym", "ctypes.dlsym/handle", "ctypes.cdata", "ctypes.cdata/buffer", "ctypes.call_function",
    "ctypes.string_at", "ctypes.wstring_at", "ctypes.addressof", "ctypes.PyObj_FromPtr",
})  # fmt: skip
RELAYS = frozenset({inspect.__file__, traceback.__file__, ctypes.__file__})  # who asks them is who looks
MOST = 20  # reports of one process


def watch(folder: Path, channel: int) -> None:
    """From now on, report to `channel` each line of code in `folder` that looks into the process."""
    watched, relays, home, write = WATCHED, RELAYS, f"{folder}/", os.write
    pack, nonce, stop, text_of = struct.Struct("<Q16s").pack, frames.REPORT, RuntimeError, str
    left, length, nobody = [None] * MOST, len, None

    def hook(event: str, _: tuple[Any, ...]) -> None:
        if event not in watched:
            return
        try:
            raise stop  # to ask for a frame would be an event of its own
        except stop as caught:
            frame = caught.__traceback__.tb_frame.f_back  # type: ignore[union-attr]  # it has just been raised
        while frame is not nobody and frame.f_code.co_filename in relays:
            frame = frame.f_back
        if frame is nobody or not frame.f_code.co_filename.startswith(home) or not left:
            return
        left.pop()
        line = text_of(frame.f_lineno)
        body = f"{line}\0{frame.f_code.co_filename[length(home) :]}\0{event}".encode()
        write(channel, pack(length(body), nonce) + body)

    sys.addaudithook(hook)
