"""Waits for commands on any machine: what hangs is told apart from what is slow.

Seconds on the wall say little where other work shares the processors. A command *hangs* if none of its processes has used
any processor time for STILL seconds, and *loops* if together they have used more than they could need. Both are ended.
"""

import subprocess
import threading
import time

import psutil

STILL = 120.0
MOST = 900.0  # seconds of processor time
POLL = 0.2


class StuckError(AssertionError):
    """A command hangs or loops; the text holds what it said until then."""


def run(command, *, most=MOST, check=False, **options):
    """`subprocess.run` with captured output, text unless asked otherwise, and the limits above in place of a time-out."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    with subprocess.Popen([str(part) for part in command], **options) as process:
        out, errors = communicate(process, most=most)
        if check and process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command, out, errors)
        return subprocess.CompletedProcess(command, process.returncode, out, errors)


def communicate(process, *, most=MOST):
    """What a started process says until it ends."""
    said = []
    reader = threading.Thread(target=lambda: said.append(process.communicate()), daemon=True)
    reader.start()
    used, since = 0.0, time.monotonic()
    while reader.is_alive():
        reader.join(POLL)
        now = processor_seconds(process.pid)
        if now > used:
            used, since = now, time.monotonic()
        why = "hangs" if time.monotonic() - since > STILL else "loops" if used > most else ""
        if why and reader.is_alive():
            for each in tree(process.pid):
                each.kill()
            reader.join()
            raise StuckError(f"{process.args} {why} after {used:.1f} s of processor time: {said[0]}")
    return said[0]


def processor_seconds(pid):
    """Processor time of a process, of those below it, and of those below it that have ended."""
    total = 0.0
    for each in tree(pid):
        try:
            times = each.cpu_times()
        except psutil.Error:  # it has just ended: its parent has its time
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def has_ended(pid):
    """Whether a process is gone, or waits only for its parent to hear how it ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def tree(pid):
    """The process and all below it."""
    try:
        process = psutil.Process(pid)
        return [*process.children(recursive=True), process]
    except psutil.Error:
        return []
