"""Small trusted messages between the grader and its warm server, with file descriptors."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

from autograder.wire.frames import Closed, read_exactly


def send_message(control: socket.socket, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
    """Send one message, and file descriptors with it."""
    body = json.dumps(message).encode()
    head = struct.pack("<I", len(body))
    if fds:
        socket.send_fds(control, [head], list(fds))
    else:
        control.sendall(head)
    control.sendall(body)


def receive_message(control: socket.socket, max_fds: int = 0) -> tuple[dict[str, Any], list[int]]:
    """The next small message and the file descriptors that came with it."""
    if max_fds:
        head, fds, _, _ = socket.recv_fds(control, 4, max_fds)
        if not head:
            raise Closed
        head += bytes(read_exactly(control, 4 - len(head)))
    else:
        head, fds = bytes(read_exactly(control, 4)), []
    (size,) = struct.unpack("<I", head)
    message: dict[str, Any] = json.loads(bytes(read_exactly(control, size)))
    return message, list(fds)
