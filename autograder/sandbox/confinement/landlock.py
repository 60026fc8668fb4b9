"""Landlock: what of the file system, the network and other processes a process can reach. Needs no privileges.

Source: https://docs.kernel.org/userspace-api/landlock.html and linux/landlock.h.
"""

import errno
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path

from autograder.sandbox.confinement import linux

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
_VERSION_QUERY, _RULE_PATH_BENEATH = 1, 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << bit for bit in range(6))
_MAKE_DIR, _MAKE_REG = 1 << 7, 1 << 8
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_FIRST_VERSION = (1 << 13) - 1
_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _REFER | _TRUNCATE
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV  # the rights that a rule for a file may hold
_BIND_AND_CONNECT_TCP = 3
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3


def abi() -> int:
    """Return the version of Landlock that the kernel offers, 0 where it offers none."""
    try:
        return linux.syscall("landlock_create_ruleset", _CREATE_RULESET, None, 0, _VERSION_QUERY)
    except OSError:
        return 0


def restrict(
    readable: Iterable[Path],
    writable: Iterable[Path],
    listable: Iterable[Path] = (),
    *,
    network: bool = False,
    version: int | None = None,
) -> None:
    """Confine the calling thread, for good, to reading below `readable` and writing below `writable`.

    Nothing can be executed, and only plain files and folders can be made. Where the kernel can (ABI 4, 6), TCP is
    closed too unless `network` is given, and so are signals and abstract sockets to processes outside.

    Args:
        readable: files or folders, each of which exists.
        writable: files or folders, readable as well, each of which exists.
        listable: folders, each of which exists, of which only the names in them can be read, at any depth.
        network: leaves TCP open.
        version: the ABI to use, by default the kernel's.

    Raises:
        OSError: no Landlock here, a path cannot be opened, or no_new_privs is not set.
    """
    version = abi() if version is None else version
    if version < 1:
        raise OSError(errno.ENOSYS, "this kernel has no Landlock")
    handled = _FIRST_VERSION | sum(bit for bit, since in ((_REFER, 2), (_TRUNCATE, 3), (_IOCTL_DEV, 5)) if version >= since)
    attributes = [handled]
    if version >= 4:
        attributes.append(0 if network else _BIND_AND_CONNECT_TCP)
    if version >= 6:
        attributes.append(_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS)
    packed = struct.pack(f"={len(attributes)}Q", *attributes)
    ruleset = linux.syscall("landlock_create_ruleset", _CREATE_RULESET, packed, len(packed), 0)
    try:
        for paths, rights in ((readable, _READ), (writable, _WRITE), (listable, _READ_DIR)):
            for path in paths:
                _allow(ruleset, path, rights & handled)
        linux.syscall("landlock_restrict_self", _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(target).st_mode):
            rights &= _ON_FILES
        rule = struct.pack("=Qi", rights, target)
        linux.syscall("landlock_add_rule", _ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(target)
