"""Runs a command, as an ordinary user if asked to, and then tells which processes it left behind.

    python supervise.py REPORT [--ordinary] COMMAND…

The kernel hands the orphans of its children to this process, which lists them in REPORT, a file of JSON.
"""

import ctypes
import json
import os
import signal
import sys
import time
from pathlib import Path

from autograder.sandbox.confinement import linux

ORDINARY = 65534
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000


def main():
    report, *command = sys.argv[1:]
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    for number in (signal.SIGINT, signal.SIGTERM):  # they are for the command
        signal.signal(number, signal.SIG_IGN)
    pid = os.fork()
    if pid == 0:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        if command[0] == "--ordinary":
            become_ordinary_user()
        command = [part for part in command if part != "--ordinary"]
        os.execv(command[0], command)
    _, status = os.waitpid(pid, 0)
    end = time.monotonic() + 5  # the kernel needs a moment to end a whole PID namespace
    while (left := orphans()) and time.monotonic() < end:
        os.waitpid(-1, os.WNOHANG)
        time.sleep(0.05)
    Path(report).write_text(json.dumps(left))
    code = os.waitstatus_to_exitcode(status)
    sys.exit(code if code >= 0 else 128 - code)


def orphans():
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") or "(ended)" for pid in children]


def become_ordinary_user():
    """Show this Python and the kit to a user who may not enter the folder, such as root's home, that they lie in."""
    needed = [Path(p).resolve() for p in (sys.prefix, sys.base_prefix, Path(linux.__file__).parents[2])]
    closed = {next((p for p in reversed(path.parents) if not p.stat().st_mode & 1), None) for path in needed} - {None}
    linux.enter_new(CLONE_NEWNS)
    linux.mount("none", Path("/"), MS_REC | MS_PRIVATE)
    hidden = {path: os.open(path, os.O_PATH) for path in needed if closed & {*path.parents}}
    for path in closed:
        linux.mount("tmpfs", path, 0, "mode=755")
    for path, descriptor in hidden.items():
        path.mkdir(parents=True, exist_ok=True)
        linux.mount(f"/proc/self/fd/{descriptor}", path, MS_BIND)
        os.close(descriptor)
    os.setgroups([])
    os.setresgid(ORDINARY, ORDINARY, ORDINARY)
    os.setresuid(ORDINARY, ORDINARY, ORDINARY)


main()
