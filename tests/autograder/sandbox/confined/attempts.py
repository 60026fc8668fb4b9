"""What a confined child must not manage: each function tries one thing, and raises where it is stopped."""

import ctypes
import errno
import fcntl
import json
import mmap
import multiprocessing
import os
import platform
import resource
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
COLUMN = {"x86_64": 0, "aarch64": 1}[platform.machine()]
CALLS = {  # by number, where the C library offers no function: x86-64, arm64
    "io_uring_setup": (425, 425),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "memfd_secret": (447, 447),
    "execveat": (322, 281),
    "process_madvise": (440, 440),
    "open_by_handle_at": (304, 265),
    "openat2": (437, 437),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "landlock_create_ruleset": (444, 444),
    "kcmp": (312, 272),
    "clone3": (435, 435),
    "rt_sigqueueinfo": (129, 138),
    "tkill": (200, 130),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "timer_create": (222, 107),
    "finit_module": (313, 273),
    "set_mempolicy": (238, 237),
    "add_key": (248, 217),
    "mknodat": (259, 33),
    "symlinkat": (266, 36),
    "linkat": (265, 37),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "truncate": (76, 45),
    "seccomp": (317, 277),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "mount": (165, 40),
    "umount2": (166, 39),
    "chroot": (161, 51),
    "pivot_root": (155, 41),
    "unshare": (272, 97),
    "setns": (308, 268),
    "personality": (135, 92),
    "reboot": (169, 142),
    "sethostname": (170, 161),
    "settimeofday": (164, 170),
    "acct": (163, 89),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    "mlockall": (151, 230),
    "capset": (126, 91),
    "setuid": (105, 146),
    "setgid": (106, 144),
    "setgroups": (116, 159),
    "setpriority": (141, 140),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "setsid": (112, 157),
    "vhangup": (153, 58),
    "quotactl": (179, 60),
    "lookup_dcookie": (212, 18),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    "sendmsg": (46, 211),
    "recvmsg": (47, 212),
    "socketpair": (53, 199),
    "bind": (49, 200),
    "connect": (42, 203),
}


def each(tries):
    """Makes every attempt of a list of names and arguments; returns what stopped each."""
    outcomes = []
    for name, *arguments in tries:
        try:
            globals()[name](*arguments)
            outcomes.append("nothing stopped it")
        except OSError as error:
            outcomes.append(errno.errorcode[error.errno])
    return outcomes


def call(name):
    """Makes a system call with arguments of zero, which no filter may judge."""
    if LIBC.syscall(CALLS[name][COLUMN], 0, 0, 0, 0, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), name)


def read(path):
    return Path(path).read_text()


def enumerate_folder(path):
    return [str(entry) for entry in Path(path).iterdir()]


def write(path):
    Path(path).write_text("changed")


def append(path):
    with Path(path).open("a") as file:
        file.write("changed")


def make_folder(path):
    Path(path).mkdir()


def remove(path):
    Path(path).unlink()


def remove_folder(path):
    Path(path).rmdir()


def rename(path):
    Path(path).rename(f"{path}.moved")


def carry_off(path):
    Path(path).rename("here")


def empty_while_reading(path):
    os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))


def empty_with_access_mode_three(path):
    os.close(os.open(path, 3 | os.O_TRUNC))


def link(path):
    os.link(path, "here")


def symlink(path):
    Path("here").symlink_to(path)
    return Path("here").read_text()


def fifo():
    os.mkfifo("here")


def unix_socket_file():
    socket.socket(socket.AF_UNIX).bind("here")


def open_socket(family, kind):
    socket.socket(getattr(socket, family), getattr(socket, kind)).close()


def pair_of_sockets():
    socket.socketpair()


def fork():
    if os.fork() == 0:
        os._exit(0)


def vfork():
    if LIBC.vfork() < 0:
        raise OSError(ctypes.get_errno(), "vfork")


def new_process():
    multiprocessing.get_context("fork").Process(target=print).start()


def execute():
    os.execv("/bin/true", ["true"])


def spawn():
    os.posix_spawn("/bin/true", ["true"], {})


def run_program():
    subprocess.run(["/bin/true"], check=True)


def system():
    if os.system("true") != 0:
        raise OSError(1, "system")


def signal_server(number):
    os.kill(os.getppid(), number)


def signal_everyone():
    os.kill(-1, signal.SIGKILL)


def signal_group():
    os.killpg(0, signal.SIGTERM)


def signal_thread_of_server():
    if LIBC.syscall((234, 131)[COLUMN], os.getppid(), os.getppid(), 0) < 0:
        raise OSError(ctypes.get_errno(), "tgkill")


def signal_through_a_descriptor():
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())


def memory_file():
    os.memfd_create("here")


def map_device():
    with Path("/dev/zero").open("r+b") as file:
        mmap.mmap(file.fileno(), 4096)


def set_limit(name, change):
    soft, hard = resource.getrlimit(getattr(resource, name))
    limits = (ctypes.c_ulong * 2)(soft + change, hard + change)
    if LIBC.setrlimit(getattr(resource, name), limits) < 0:
        raise OSError(ctypes.get_errno(), "setrlimit")


def change_process(option):
    if LIBC.prctl(option, 1, 0, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "prctl")


def new_namespace_for_a_thread():
    stack = ctypes.create_string_buffer(1 << 16)
    top = ctypes.c_void_p(ctypes.addressof(stack) + len(stack) - 64)
    if LIBC.clone(LIBC.exit, top, 0x10000 | 0x800 | 0x100 | 0x10000000, None) < 0:
        raise OSError(ctypes.get_errno(), "clone")


def become(user):
    os.setresuid(user, user, user)


# The rest may succeed, and shows how far.


def identity():
    return {"uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(), "host": os.uname().nodename}


def environment():
    return dict(os.environ)


def descriptors():
    found = []
    for number in range(256):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found


def change_mode_and_times(path):
    Path(path).chmod(0)
    os.utime(path, (1, 1))


def leave_files():
    Path("left.txt").write_text("left")
    Path("folder").mkdir()
    return sorted(str(entry) for entry in Path().iterdir())


def fill_scratch(count, size):
    for i in range(count):
        Path(f"file{i}").write_bytes(bytes(size))


def loop():
    while True:
        pass


def sleep():
    print(json.dumps("asleep"), flush=True)
    time.sleep(600)


def ignore_the_limit_and_loop():
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    loop()


def open_many(count):
    return len([Path("/dev/null").open() for _ in range(count)])


def start_threads(count):
    threading.stack_size(32768)
    stop = threading.Event()
    try:
        for _ in range(count):
            threading.Thread(target=stop.wait).start()
    finally:
        stop.set()
