"""The system-call filter: a BPF allow-list for x86-64 and arm64. Needs no privileges.

What is not listed fails with EPERM: another program or process, sockets, tracing, signals to others, other processes'
memory, memory files, mounts, namespaces, keys, io_uring, bpf, perf, userfaultfd, raised limits.

Source: seccomp(2), linux/filter.h, linux/seccomp.h; numbers from asm/unistd_64.h and asm-generic/unistd.h.
"""

import ctypes
import errno
import platform
import struct
from collections.abc import Iterable
from functools import cache

from autograder.sandbox.confinement import linux

# "name x86-64 arm64", "-" where the architecture has no such call.
_ALLOWED = """
read 0 63, write 1 64, readv 19 65, writev 20 66, pread64 17 67, pwrite64 18 68, close 3 57, lseek 8 62, fstat 5 80,
newfstatat 262 79, stat 4 -, lstat 6 -, statx 332 291, statfs 137 43, fstatfs 138 44, access 21 -, faccessat 269 48,
faccessat2 439 439, getdents64 217 61, readlink 89 -, readlinkat 267 78, dup 32 23, dup2 33 -, dup3 292 24, pipe 22 -,
pipe2 293 59, poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72, epoll_create 213 -, epoll_create1 291 20,
epoll_ctl 233 21, epoll_wait 232 -, epoll_pwait 281 22, eventfd2 290 19, ftruncate 77 46, fallocate 285 47,
fadvise64 221 223, fsync 74 82, fdatasync 75 83, flock 73 32, sendfile 40 71, copy_file_range 326 285, mkdir 83 -,
mkdirat 258 34, unlink 87 -, unlinkat 263 35, rmdir 84 -, rename 82 -, renameat 264 38, renameat2 316 276, getcwd 79 17,
chdir 80 49, fchdir 81 50, umask 95 166,
mmap 9 222, munmap 11 215, mprotect 10 226, mremap 25 216, madvise 28 233, brk 12 214, msync 26 227, membarrier 324 283,
futex 202 98, set_robust_list 273 99, rseq 334 293, set_tid_address 218 96, gettid 186 178, exit 60 93,
exit_group 231 94, sched_yield 24 124, sched_getaffinity 204 123, sched_getparam 143 121, sched_getscheduler 145 120,
sched_get_priority_max 146 125, sched_get_priority_min 147 126,
clock_gettime 228 113, clock_getres 229 114, clock_nanosleep 230 115, nanosleep 35 101, gettimeofday 96 169, time 201 -,
times 100 153, setitimer 38 103, getitimer 36 102, alarm 37 -,
rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139, rt_sigpending 127 136, rt_sigtimedwait 128 137,
rt_sigsuspend 130 133, sigaltstack 131 132, pause 34 -, restart_syscall 219 128,
getpid 39 172, getppid 110 173, getuid 102 174, geteuid 107 175, getgid 104 176, getegid 108 177, getresuid 118 148,
getresgid 120 150, getgroups 115 158, getpgrp 111 -, getpgid 121 155, getsid 124 156, uname 63 160, sysinfo 99 179,
getrlimit 97 163, getrusage 98 165, getrandom 318 278, getcpu 309 168, arch_prctl 158 -,
recvfrom 45 207, shutdown 48 210
"""
# Landlock does not cover modes and times of files: these calls succeed and do nothing, so that shutil.copy works.
_IGNORED = "chmod 90 -, fchmod 91 52, fchmodat 268 53, fchmodat2 452 452, utimensat 280 88, utime 132 -, utimes 235 -"
_UNSUPPORTED = "listxattr 194 11, llistxattr 195 12, flistxattr 196 13"
_CONDITIONAL = """
clone 56 220, clone3 435 435, open 2 -, openat 257 56, kill 62 129, tgkill 234 131, ioctl 16 29, fcntl 72 25,
prctl 157 167, prlimit64 302 261, sendto 44 206, socket 41 198
"""
_NETWORK = """
bind 49 200, connect 42 203, listen 50 201, accept 43 202, accept4 288 242, getsockname 51 204,
getpeername 52 205, setsockopt 54 208, getsockopt 55 209, sendto 44 206, sendmsg 46 211, recvmsg 47 212
"""

_AUDIT_ARCHITECTURES = (("x86_64", 0xC000003E, 0, 317), ("aarch64", 0xC00000B7, 1, 277))
_SET_MODE_FILTER, _GET_ACTION_AVAIL = 1, 2
_RET_KILL_PROCESS, _RET_ERRNO, _RET_ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_LOAD, _AND, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_X32_BIT = 0x40000000

_CLONE_THREAD, _CLONE_NEW_OR_PTRACE = 0x00010000, 0x7E022000
_O_ACCMODE, _O_TRUNC = 0o3, 0o1000
_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
_FCNTLS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030)  # duplicates, flags and locks; no owner, no signal, no lease
_PRCTLS = (15, 16, 0x53564D41)  # PR_SET_NAME, PR_GET_NAME, PR_SET_VMA
_AF_INET, _AF_INET6, _AF_NETLINK, _NETLINK_ROUTE = 2, 10, 16, 0


def supported() -> bool:
    """Tell whether this kernel has system-call filters and this module knows the machine's system calls."""
    try:
        *_, number = _architecture(platform.machine())
        action = _RET_ERRNO.to_bytes(4, "little")
        linux.syscall("seccomp", number, _GET_ACTION_AVAIL, 0, action)
    except OSError:
        return False
    return True


def install(pid: int, *, network: bool = False) -> None:
    """Filter the system calls of the calling thread, and of all threads it starts, for good.

    Args:
        pid: the calling process, the only one it may send signals to.
        network: opens TCP and UDP and the list of network interfaces. UNIX sockets stay closed: no namespace hides
            the sockets of the machine's services.

    Raises:
        OSError: no such filters here, or no_new_privs is not set.
    """
    machine = platform.machine()
    *_, number = _architecture(machine)
    instructions = program(machine, pid, network=network)
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    descriptor = struct.pack("=H6xQ", len(instructions) // len(_ALLOW), ctypes.addressof(buffer))
    linux.syscall("seccomp", number, _SET_MODE_FILTER, 0, descriptor)


def program(machine: str, pid: int, *, network: bool = False) -> bytes:
    """Return the filter for a machine ("x86_64" or "aarch64") as BPF instructions of 8 bytes; see `install`."""
    audit, column, _ = _architecture(machine)
    allowed = _numbers(_ALLOWED + "," + _NETWORK if network else _ALLOWED, column)
    conditional = _numbers(_CONDITIONAL, column)
    branches = [(conditional[name], body) for name, body in _conditional(pid) if name in conditional.keys() - allowed]
    if network:
        branches.append((conditional["socket"], _sockets()))
    branches += [(number, _fail(0)) for number in _numbers(_IGNORED, column).values()]
    branches += [(number, _fail(errno.ENOTSUP)) for number in _numbers(_UNSUPPORTED, column).values()]
    kill = _op(_RETURN, _RET_KILL_PROCESS)
    instructions = [
        _op(_LOAD, _ARCHITECTURE),
        _op(_IF_EQUAL, audit, 1, 0),
        kill,
        _op(_LOAD, _NUMBER),
        _op(_IF_AT_LEAST, _X32_BIT, 0, 1),
        kill,
    ]
    for number, body in branches:
        instructions += [_op(_IF_EQUAL, number, 0, len(body) // len(_ALLOW)), body]
    numbers = allowed.values()
    instructions += [_op(_IF_EQUAL, number, len(numbers) - position) for position, number in enumerate(numbers)]
    instructions += [_fail(errno.EPERM), _ALLOW]
    return b"".join(instructions)


def _architecture(machine: str) -> tuple[int, int, int]:
    """Return the audit code, the column of the tables and the number of seccomp() itself."""
    for name, *facts in _AUDIT_ARCHITECTURES:
        if name == machine:
            code, column, number = facts
            return code, column, number
    raise OSError(errno.ENOSYS, f"no system-call filter for {machine}")


@cache
def _numbers(table: str, column: int) -> dict[str, int]:
    rows = (entry.split() for entry in table.split(","))
    return {name: int(columns[column]) for name, *columns in rows if columns[column] != "-"}


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


_ALLOW = _op(_RETURN, _RET_ALLOW)


def _fail(code: int) -> bytes:
    return _op(_RETURN, _RET_ERRNO | code)


def _low(argument: int) -> bytes:
    """Load the low half of an argument: all that the kernel reads of an int, little-endian."""
    return _op(_LOAD, _ARGUMENTS + 8 * argument)


def _one_of(argument: int, values: Iterable[int], code: int) -> bytes:
    tests = (_op(_IF_EQUAL, value, 0, 1) + _ALLOW for value in values)
    return _low(argument) + b"".join(tests) + _fail(code)


def _null(argument: int) -> bytes:
    high = _op(_LOAD, _ARGUMENTS + 8 * argument + 4)
    return _low(argument) + _op(_IF_EQUAL, 0, 0, 3) + high + _op(_IF_EQUAL, 0, 0, 1) + _ALLOW + _fail(errno.EPERM)


def _plain_open(flags: int) -> bytes:
    """No O_TRUNC without the right to write, no access mode 3: Landlock before ABI 3 lets both empty any file."""
    modes = (_op(_IF_EQUAL, mode, 0, 1) + _fail(errno.EPERM) for mode in (_O_TRUNC, 3, _O_TRUNC | 3))
    return _low(flags) + _op(_AND, _O_ACCMODE | _O_TRUNC) + b"".join(modes) + _ALLOW


def _conditional(pid: int) -> tuple[tuple[str, bytes], ...]:
    threads_only = (
        _low(0)
        + _op(_IF_ANY_BIT, _CLONE_NEW_OR_PTRACE, 2, 0)
        + _op(_IF_ANY_BIT, _CLONE_THREAD, 0, 1)
        + _ALLOW
        + _fail(errno.EPERM)
    )
    return (
        ("clone", threads_only),
        ("clone3", _fail(errno.ENOSYS)),  # its flags are in memory, out of a filter's sight: the C library uses clone
        ("open", _plain_open(1)),
        ("openat", _plain_open(2)),
        ("kill", _one_of(0, (pid,), errno.EPERM)),
        ("tgkill", _one_of(0, (pid,), errno.EPERM)),
        ("ioctl", _one_of(1, _IOCTLS, errno.ENOTTY)),
        ("fcntl", _one_of(1, _FCNTLS, errno.EPERM)),
        ("prctl", _one_of(0, _PRCTLS, errno.EPERM)),
        ("prlimit64", _null(2)),  # reads limits, sets none
        ("sendto", _null(4)),  # on a connection that the process was given
    )


def _sockets() -> bytes:
    """TCP and UDP, and the list of network interfaces."""
    families = (_op(_IF_EQUAL, family, 0, 1) + _ALLOW for family in (_AF_INET, _AF_INET6))
    interfaces = _op(_IF_EQUAL, _AF_NETLINK, 0, 3) + _low(2) + _op(_IF_EQUAL, _NETLINK_ROUTE, 0, 1) + _ALLOW
    return _low(0) + b"".join(families) + interfaces + _fail(errno.EPERM)
