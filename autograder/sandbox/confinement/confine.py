"""Confinement of a forked child before it runs a submission, and what of it this machine can enforce."""

import contextlib
import errno
import functools
import os
import platform
import socket
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox.confinement import landlock, linux, namespaces, privileges, seccomp

if sys.platform != "win32":
    import resource

_THREADS = 1024  # more than any submission needs, fewer than a machine offers
_SYSTEM_FILES = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/sys/devices/system/cpu",
)  # torch chooses kernels by the processor


@dataclass(frozen=True)
class OsLimits:
    """What one submission may use.

    Attributes:
        memory_bytes: address space beyond what the warm process already has.
        cpu_seconds: processor time of the whole child.
        file_bytes: length of any one file.
        open_files: file descriptors open at a time.
        scratch_bytes: the scratch folder, where the machine allows one of its own.
    """

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int
    open_files: int
    scratch_bytes: int


@dataclass(frozen=True)
class Layer:
    """One layer of confinement; `detail` says what it gives, or why it is missing."""

    name: str
    present: bool
    detail: str


def layers() -> tuple[Layer, ...]:
    """Return the layers of confinement, each tried in a child so that nothing changes for the caller."""
    return (
        _tried("landlock", _try_landlock),
        _tried("seccomp", _try_seccomp),
        _tried("limits", _try_limits),
        *_namespaces(),
        _own_user_id(),
    )


def tier(found: Iterable[Layer]) -> str:
    """Return "full" where Landlock, system-call filter and limits are all present, else "reduced"."""
    present = {layer.name for layer in found if layer.present}
    return "full" if {"landlock", "seccomp", "limits"} <= present else "reduced"


def confine(
    scratch: Path,
    limits: OsLimits,
    *,
    readable: Sequence[Path] = (),
    hidden: Iterable[str] = (),
    network: bool = False,
    gpu: bool = False,
) -> tuple[str, ...]:
    """Confine the calling process for good. Call it in a fresh single-threaded fork, before any student code.

    Afterwards the process reads Python, the system's libraries and `readable`, writes `scratch` alone (its working
    folder, HOME and TMPDIR), holds a small clean environment, and can neither start a process or program nor reach the
    network or another process. It ends with the process that forked it.

    Args:
        scratch: an absolute path of an empty folder whose parents every user may search. What it holds is hidden
            where it gets a file system of its own ("mount"); where not, its size is not limited.
        limits: what the process may use.
        readable: further files and folders that exist.
        hidden: names of installed packages that it cannot read.
        network: opens TCP and UDP within the network namespace that enter_namespaces gained.
        gpu: leaves out Landlock, the system-call filter and the limit on address space, which a GPU's driver does not
            bear: it maps far more than the memory it uses, and needs its device files and calls of its own.

    Returns:
        The names of the layers applied.

    Raises:
        OSError: a layer that this machine has could not be applied, or `network` was asked for outside a private
            network. The process must end then.
    """
    if network and not namespaces.has_private_network():
        raise OSError(errno.EPERM, "the network profile needs a network namespace of its own")
    parent = os.getppid()
    with contextlib.suppress(PermissionError):  # it leads a session already
        os.setsid()
    os.umask(0o077)
    special = (*readable, *(_buses() if network else ()))
    paths = (*_readable(), *special)
    uid = privileges.own_uid()
    owner, group = (os.getuid(), os.getgid()) if uid is None else (uid, uid)
    applied = ["limits"]
    if namespaces.mount_scratch(scratch, limits.scratch_bytes, owner, group):
        applied.append("mount")
    elif uid is not None:
        os.chown(scratch, owner, group)
    _limit(limits, own_uid=uid is not None, space=not gpu)
    if sys.platform == "linux":
        privileges.drop(uid, (scratch, *paths))
        linux.die_with_parent()
        if os.getppid() != parent:
            raise OSError(errno.ESRCH, "the process that forked this one is gone")
    if uid is not None:
        applied.append("own user id")
    _settle_in(scratch, network=network)
    if landlock.abi() and not gpu:
        seen, listed = installed_without(frozenset(hidden))
        landlock.restrict((*seen, *special), (scratch, Path(os.devnull)), listed, network=network)
        applied.append("landlock")
    if seccomp.supported() and not gpu:
        seccomp.install(os.getpid(), network=network)
        applied.append("seccomp")
    return tuple(applied)


def close_fds(keep: Iterable[int]) -> None:
    """Close every file descriptor but those in `keep`."""
    kept = {*keep}
    for entry in Path("/dev/fd").iterdir():
        if int(entry.name) not in kept:
            with contextlib.suppress(OSError):  # the descriptor that listed them
                os.close(int(entry.name))


@functools.cache
def _readable() -> tuple[Path, ...]:
    """The files of Python and of the system's libraries.

    Never a whole prefix: a virtual environment made at the root of a course has the course for its prefix.
    """
    libraries = [f"{prefix}/{name}" for prefix in (sys.prefix, sys.base_prefix) for name in ("lib", "lib64")]
    installed = [entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    paths = dict.fromkeys(Path(path) for path in (*libraries, *installed, *_SYSTEM_FILES))
    return tuple(path for path in paths if path.exists())


@functools.cache
def installed_without(packages: frozenset[str]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """What a submission reads of Python and the system, without these installed packages; and of which folders it sees a list.

    These folders are the ones that hold such a package, and are taken apart for it. That takes a while: a process that forks
    others should ask once.
    """
    if not packages:
        return _readable(), ()
    hidden = {(Path(entry) / name).resolve() for entry in sys.path for name in packages if (Path(entry) / name).exists()}
    pending, whole, apart = [path.resolve() for path in _readable()], dict[Path, None](), dict[Path, None]()
    while pending:
        path = pending.pop()
        if path in hidden or path in apart:
            continue
        if any(package.is_relative_to(path) for package in hidden):
            apart[path] = None
            pending += [entry.resolve() for entry in path.iterdir() if entry.exists()]
        else:
            whole[path] = None
    return tuple(whole), tuple(apart)


def _buses() -> Iterable[Path]:
    """What torch.distributed reads of the machine's devices to find the network adapter next to a processor."""
    folder = Path("/sys/bus/pci/devices")
    if folder.exists():
        yield folder
        yield from (device.resolve() for device in folder.iterdir())


def _limit(limits: OsLimits, *, own_uid: bool, space: bool) -> None:
    wanted = [
        (resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1),
        (resource.RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files, limits.open_files),
        (resource.RLIMIT_CORE, 0, 0),
    ]
    if sys.platform == "linux":
        threads = _THREADS if own_uid else _THREADS + _threads_of(os.getuid())
        wanted.append((resource.RLIMIT_NPROC, threads, threads))
        if space:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            most = pages * resource.getpagesize() + limits.memory_bytes
            wanted.append((resource.RLIMIT_AS, most, most))
        with contextlib.suppress(OSError):  # where the machine runs out of memory, the submission ends first
            Path("/proc/self/oom_score_adj").write_text("1000")
    for kind, soft, hard in wanted:
        _, ceiling = resource.getrlimit(kind)
        if ceiling == resource.RLIM_INFINITY:
            ceiling = hard
        resource.setrlimit(kind, (min(soft, ceiling), min(hard, ceiling)))


def _threads_of(uid: int) -> int:
    """How many threads of this user /proc shows: the kernel counts them all against RLIMIT_NPROC."""
    count = 0
    for tasks in Path("/proc").glob("[0-9]*/task"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            status = tasks.stat()
            count += status.st_nlink - 2 if status.st_uid == uid else 0
    return count


def _settle_in(scratch: Path, *, network: bool) -> None:
    os.chdir(scratch)
    folder, one = str(scratch), "1"
    os.environ.clear()
    os.environ |= {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": folder,
        "TMPDIR": folder,
        "USER": "student",
        "OMP_NUM_THREADS": one,
        "OPENBLAS_NUM_THREADS": one,
        "MKL_NUM_THREADS": one,
    }
    if network:
        os.environ |= {"GLOO_SOCKET_IFNAME": "lo", "MASTER_ADDR": "127.0.0.1"}
    tempfile.tempdir = folder


def _tried(name: str, action: Callable[[], str]) -> Layer:
    try:
        return Layer(name, present=True, detail=linux.in_child(action))
    except OSError as error:
        return Layer(name, present=False, detail=f"{error.strerror}")


def _namespaces() -> Iterable[Layer]:
    gained = namespaces.available()
    for name, gives in (
        ("network", "no network but a loopback interface of the server's own"),
        ("pid", "no other process is visible, and none outlives the server"),
        ("mount", "the scratch folder is in memory, limited in size, and ends with the submission"),
        ("user", "an ordinary user may enter the other namespaces"),
    ):
        missing = "root needs none" if name == "user" and gained else "this system does not let this user enter one"
        yield Layer(f"{name} namespace", name in gained, gives if name in gained else missing)


def _own_user_id() -> Layer:
    if privileges.own_uid() is None:
        return Layer("own user id", present=False, detail="only root can change user ids; the other layers do without")
    return Layer("own user id", present=True, detail="each submission has an unprivileged user id of its own")


def _try_landlock() -> str:
    privileges.set_no_new_privileges()
    landlock.restrict((), ())
    with contextlib.suppress(PermissionError):
        os.close(os.open("/", os.O_RDONLY))
        raise OSError(errno.ENOSYS, "Landlock closes nothing here")
    return f"ABI {landlock.abi()}: reads Python and system libraries, writes a scratch folder, nothing else"


def _try_seccomp() -> str:
    privileges.set_no_new_privileges()
    seccomp.install(os.getpid())
    with contextlib.suppress(PermissionError):
        socket.socket().close()
        raise OSError(errno.ENOSYS, "the filter stops nothing here")
    return f"system calls outside a list for {platform.machine()} fail: no process, program, socket or signal to others"


def _try_limits() -> str:
    privileges.set_no_new_privileges()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return "memory, processor time, files and threads are limited, and no privilege can be gained"
