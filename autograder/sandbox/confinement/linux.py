"""Linux system calls that Python's standard library does not offer; on other systems each of them raises OSError."""

import ctypes
import errno
import os
import signal
import struct
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1  # the same on every architecture


@cache
def libc() -> ctypes.CDLL:
    """Return the C library."""
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "not a Linux system")
    return ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> int:
    """Return the result of a C function, or raise the OSError that it left in errno; `what` names the call."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def syscall(what: str, number: int, *arguments: int | bytes | None) -> int:
    """Make system call `number`; `what` names it in the OSError. Integers travel as C longs, bytes as pointers."""
    converted = [ctypes.c_long(a) if isinstance(a, int) else ctypes.c_char_p(a) for a in arguments]
    return checked(int(libc().syscall(ctypes.c_long(number), *converted)), what)


def prctl(option: int, *arguments: int) -> int:
    """Set or read a property of the calling process, as section 2 of the manual has it."""
    padded = (*arguments, 0, 0, 0, 0)[:4]
    return checked(int(libc().prctl(option, *map(ctypes.c_ulong, padded))), f"prctl {option}")


def enter_new(flags: int) -> None:
    """Move the calling process into new namespaces, given as CLONE_NEW flags."""
    checked(int(libc().unshare(flags)), "unshare")


def mount(kind: str, target: Path, flags: int, options: str = "") -> None:
    """Mount a new file system on a folder, or change how mounts below it propagate, as the flags say."""
    source, name = kind.encode(), os.fsencode(target)
    result = libc().mount(source, name, source, ctypes.c_ulong(flags), options.encode())
    checked(int(result), f"mount {kind} on {target}")


def make_read_only(target: Path) -> None:
    """Make the mount on `target` and all below it read-only, in this mount namespace; a user namespace's owner may, too.

    Raises:
        OSError: the kernel is older than 5.12, or refused.
    """
    attributes = struct.pack("=4Q", _MOUNT_ATTR_RDONLY, 0, 0, 0)
    path = os.fsencode(target)
    syscall("mount_setattr", _MOUNT_SETATTR, _AT_FDCWD, path, _AT_RECURSIVE, attributes, len(attributes))


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have the kernel send this process that signal when the thread that forked it ends. A change of user id undoes it."""
    prctl(_PR_SET_PDEATHSIG, number)


def in_child(action: Callable[[], str]) -> str:
    """Run `action` in a forked child, so that nothing it does to its process reaches the caller.

    Returns:
        What `action` returned.

    Raises:
        OSError: `action` raised it, with the same text, or its process was killed.
    """
    if not hasattr(os, "fork"):
        raise OSError(errno.ENOSYS, "this system does not fork processes")
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # Python warns of a fork beside other threads; this child only makes system calls.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        answer = "!it failed"
        try:
            answer = action()
        except OSError as error:
            answer = f"!{error.strerror or error}"
        finally:
            os.write(writer, answer.encode())
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        answer = pipe.read() or "!the process that tried it was killed"
    os.waitpid(pid, 0)
    if answer.startswith("!"):
        raise OSError(errno.EPERM, answer[1:])
    return answer
