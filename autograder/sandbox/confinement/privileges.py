"""User ids and capabilities: what a process of root, or of a user namespace's owner, gives up."""

import ctypes
import os
import secrets
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from autograder.sandbox.confinement import linux

_PR_SET_DUMPABLE, _PR_SET_KEEPCAPS, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 4, 8, 24, 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_HEADER = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, the calling thread
_CHOWN, _DAC_READ_SEARCH, _SETGID, _SETUID, _SETPCAP, _SYS_ADMIN = 0, 2, 6, 7, 8, 21
_FIRST_FREE_UID, _FREE_UIDS, _NOBODY = 0x70000000, 1 << 24, 65534  # systemd's list of user ids leaves this range free


def may_administer() -> bool:
    """Tell whether this process may enter namespaces and mount without a user namespace of its own."""
    return _has(_SYS_ADMIN)


def own_uid() -> int | None:
    """Return a user id for one process alone, or None where this process cannot change its own."""
    if sys.platform != "linux" or os.geteuid() != 0 or not _has(_CHOWN, _SETGID, _SETUID):
        return None
    ranges = [tuple(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    for uid in (_FIRST_FREE_UID + secrets.randbelow(_FREE_UIDS), _NOBODY):
        if any(first <= uid < first + count for first, _, count in ranges):
            return uid
    return None


def drop(uid: int | None, paths: Iterable[Path]) -> None:
    """Give up every privilege for good, and take the user id `uid` if given.

    One capability stays if `uid` could not reach one of `paths` without it: the one to read files whatever their mode.
    It is what lets root grade with a Python installed below /root; Landlock still says which files those are.

    Raises:
        OSError: the kernel refused a step.
    """
    kept = 0
    reads_any_mode = _has(_DAC_READ_SEARCH)
    if _has(_SETPCAP):
        with suppress(OSError):  # past the last capability that this kernel knows
            for number in range(64):
                linux.prctl(_PR_CAPBSET_DROP, number)
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        linux.prctl(_PR_SET_KEEPCAPS, 1)
        os.setresuid(uid, uid, uid)
        if reads_any_mode and not all(os.access(path, os.R_OK) for path in paths):
            kept = 1 << _DAC_READ_SEARCH
    linux.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    words = struct.pack("=6I", kept, kept, 0, 0, 0, 0)
    linux.checked(int(linux.libc().capset(_HEADER, words)), "capset")
    linux.prctl(_PR_SET_DUMPABLE, 0)  # closes its memory and /proc entry to other processes of the same user
    set_no_new_privileges()


def set_no_new_privileges() -> None:
    """Make it impossible to gain privileges, which lets an ordinary user install filters."""
    linux.prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _has(*numbers: int) -> bool:
    data = ctypes.create_string_buffer(24)
    header = ctypes.create_string_buffer(_HEADER, len(_HEADER))
    linux.checked(int(linux.libc().capget(header, data)), "capget")
    effective, *_ = struct.unpack("=6I", data.raw)
    return all(effective >> number & 1 for number in numbers)
