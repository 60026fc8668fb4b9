"""Opens every kind of socket, and io_uring, which could open them unseen."""

import ctypes
import socket

gained = []
for family, address in (
    (socket.AF_INET, ("127.0.0.1", 22)),
    (socket.AF_INET, ("1.1.1.1", 53)),
    (socket.AF_INET6, ("::1", 22)),
    (socket.AF_UNIX, "\0autograder-attack"),
    (socket.AF_UNIX, "/run/systemd/notify"),
    (socket.AF_NETLINK, (0, 0)),
):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            opened = socket.socket(family, kind)
            gained.append((family, kind))
            opened.bind(address)
        except OSError:
            pass
if ctypes.CDLL(None, use_errno=True).syscall(425, 8, bytes(120)) >= 0:
    gained.append("io_uring")
if gained:
    raise RuntimeError(f"LEAK {gained}")
