"""Reads and traces other processes: the server, the grader, whoever is there."""

import ctypes
import os

LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH, PIDFD_OPEN, PIDFD_GETFD = 16, 434, 438
gained = []
for pid in (os.getppid(), 1, 2, 3):
    for file in ("mem", "environ", "maps", "cmdline", "fd/3", "root/etc/passwd"):
        try:
            gained.append((pid, file, open(f"/proc/{pid}/{file}", "rb").read(100)))
        except OSError:
            pass
    if LIBC.ptrace(PTRACE_ATTACH, pid, 0, 0) >= 0:
        gained.append((pid, "ptrace"))
    buffer = ctypes.create_string_buffer(64)
    remote = (ctypes.c_size_t * 2)(0x400000, 64)
    local = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 64)
    if LIBC.process_vm_readv(pid, local, 1, remote, 1, 0) > 0:
        gained.append((pid, "memory"))
    descriptor = LIBC.syscall(PIDFD_OPEN, pid, 0)
    if descriptor >= 0 and LIBC.syscall(PIDFD_GETFD, descriptor, 3, 0) >= 0:
        gained.append((pid, "descriptor"))
if gained:
    raise RuntimeError(f"LEAK {gained}")
