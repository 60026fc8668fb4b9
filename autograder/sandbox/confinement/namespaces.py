"""Namespaces: a warm server with no network and no sight of other processes, and scratch folders of limited size."""

import errno
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from autograder.sandbox.confinement import linux, privileges

if sys.platform != "win32":
    import fcntl

NAMES = ("user", "network", "ipc", "uts", "mount", "pid")  # in the order in which they are entered
_CLONE_FLAGS = (0x10000000, 0x40000000, 0x08000000, 0x04000000, 0x00020000, 0x20000000)
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 2, 4, 8, 0x4000, 0x40000
_HARMLESS = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_SCRATCH_FILES = 4096


def available() -> tuple[str, ...]:
    """Return the namespaces that this process could enter, of NAMES; tried in a child. Empty where there are none."""
    names: tuple[str, ...] = ()
    with suppress(OSError):
        names = tuple(linux.in_child(lambda: " ".join(_enter(NAMES))).split())
    return () if names == ("user",) else names  # a system may allow a user namespace and then nothing in it


def enter_namespaces() -> tuple[str, ...]:
    """Move this process into namespaces of its own, as far as the machine allows; never fails.

    Call it once, early, with one thread and no child. With a new PID namespace the process forks: the caller goes on
    as its process 1, and the process that the caller's parent knows only waits for it and ends as it ended. Either way
    the kernel kills the caller when the thread that started it ends, and everything in the PID namespace with it.
    The new network namespace holds a loopback interface alone; /proc shows the new PID namespace alone.

    Returns:
        The names gained, of NAMES.
    """
    if sys.platform != "linux":
        return ()
    gained = _enter(available())
    linux.die_with_parent()
    if "pid" in gained:
        _become_process_one()
    if {"pid", "mount"} <= {*gained}:
        with suppress(OSError):  # a container that hides parts of /proc allows no new one
            linux.mount("proc", Path("/proc"), _HARMLESS)
    return gained


def has_private_network() -> bool:
    """Tell whether the loopback interface is this process's only one."""
    return [name for _, name in socket.if_nameindex()] == ["lo"]


def mount_scratch(folder: Path, size: int, uid: int, gid: int) -> bool:
    """Mount a file system of `size` bytes in memory over `folder`. Only this process sees it, and it ends with it.

    All else becomes read-only for it, where the kernel can: then reading a file leaves no trace in its time of access, which
    the next submission could read.

    Returns:
        Whether the machine allows it; the folder is as it was where not.
    """
    try:
        linux.enter_new(_CLONE_FLAGS[NAMES.index("mount")])
        linux.mount("none", Path("/"), _MS_REC | _MS_PRIVATE)
        with suppress(OSError):  # a kernel before 5.12
            linux.make_read_only(Path("/"))
        linux.mount("tmpfs", folder, _HARMLESS, f"size={size},nr_inodes={_SCRATCH_FILES},mode=700,uid={uid},gid={gid}")
    except OSError as error:
        if error.errno in (errno.EPERM, errno.EACCES, errno.ENOSYS):
            return False
        raise
    return True


def _enter(names: Iterable[str]) -> tuple[str, ...]:
    gained = []
    for name in names:
        if name == "user" and privileges.may_administer():
            continue
        user, group = os.getuid(), os.getgid()
        with suppress(OSError):
            linux.enter_new(_CLONE_FLAGS[NAMES.index(name)])
            if name == "user":
                _map_to_itself(user, group)
            elif name == "network":
                _raise_loopback()
            elif name == "uts":
                socket.sethostname("localhost")
            elif name == "mount":
                linux.mount("none", Path("/"), _MS_REC | _MS_PRIVATE)
            gained.append(name)
    return tuple(gained)


def _map_to_itself(user: int, group: int) -> None:
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path("/proc/self", name).write_text(text)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _become_process_one() -> None:
    reader, writer = os.pipe()  # the outer process holds the writer, so its end shows at the reader
    pid = os.fork()
    if pid:
        _end_like(pid)
    os.close(writer)
    linux.die_with_parent()
    if select.select([reader], [], [], 0)[0]:
        os._exit(1)
    os.close(reader)


def _end_like(pid: int) -> NoReturn:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # else its exception would run the caller's code here
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        with suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code & 0xFF)
