"""Frames on a stream: a length, a nonce and the bytes. Both ends of the sandbox speak this."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import Protocol

NONCE_BYTES = 16
REPORT = b"conduct report\0\0"  # in place of a nonce: a frame that nobody asked for, see `sandbox.witness`
DAMAGED = 91  # exit code of a child that could not go on
_SMALL = 1 << 16
_HEAD = struct.Struct(f"<Q{NONCE_BYTES}s")


class Readable(Protocol):
    """A socket, or what reads from one under a deadline."""

    def recv_into(self, buffer: memoryview, /) -> int:
        """Read some bytes into `buffer`; 0 at the end of the stream."""
        ...


class Writable(Protocol):
    """A socket, or what writes to one."""

    def sendall(self, data: bytes, /) -> None:
        """Write all of `data`."""
        ...


class Closed(Exception):
    """The other end has closed the channel."""


class TooLong(Exception):
    """The other end announces more bytes than it may send."""


@dataclass(frozen=True)
class Descriptor:
    """A connected socket by its number: read and write are all the system calls that a confined process needs."""

    number: int

    def recv_into(self, buffer: memoryview, /) -> int:
        """Read some bytes into `buffer`; 0 at the end of the stream."""
        return os.readv(self.number, [buffer])

    def sendall(self, data: bytes, /) -> None:
        """Write all of `data`."""
        view = memoryview(data)
        while view:
            view = view[os.write(self.number, view) :]


def send(channel: Writable, nonce: bytes, body: bytes) -> None:
    """Write one frame; the socket's own time-out applies."""
    for piece in pieces(nonce, body):
        channel.sendall(piece)


def pieces(nonce: bytes, body: bytes) -> list[bytes]:
    """The bytes of one frame, in one piece if it is small, so that the reader wakes up once, and else without a copy."""
    head = _HEAD.pack(len(body), nonce)
    return [head + body] if len(body) < _SMALL else [head, body]


def receive(channel: Readable, max_bytes: int) -> tuple[bytes, bytearray]:
    """The nonce and the bytes of one frame."""
    size, nonce = _HEAD.unpack(read_exactly(channel, _HEAD.size))
    if size > max_bytes:
        raise TooLong(f"{size} bytes announced")
    return nonce, read_exactly(channel, size)


def read_exactly(channel: Readable, size: int) -> bytearray:
    """The next `size` bytes."""
    buffer = bytearray(size)
    view, got = memoryview(buffer), 0
    while got < size:
        count = channel.recv_into(view[got:])
        if count == 0:
            raise Closed
        got += count
    return buffer
