"""Waits for commands on any machine: what hangs is told apart from what is slow.

Seconds on the wall say little where other work shares the processors. A command *hangs* if none of its processes has used
any processor time for STILL seconds, nor ended, and *loops* if together they have used more than they could need. Both are ended.
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
    work = Work(process.pid)
    while reader.is_alive():
        reader.join(POLL)
        why = "hangs" if work.rested() > STILL else "loops" if work.used > most else ""
        if why and reader.is_alive():
            for each in tree(process.pid):
                each.kill()
            reader.join()
            raise StuckError(f"{process.args} {why} after {work.used:.1f} s of processor time: {said[0]}")
    return said[0]


class Work:
    """What a process and those below it do, seen from time to time; `used` is the most processor time that they had in sum."""

    def __init__(self, pid):
        self.used = 0.0
        self._pid, self._sum, self._since = pid, 0.0, time.monotonic()

    def rested(self):
        """Seconds for which the sum has stayed the same: it falls as well, with a process that ends and nobody waited for."""
        now = processor_seconds(self._pid)
        if now != self._sum:
            self._sum, self._since = now, time.monotonic()
        self.used = max(self.used, now)
        return time.monotonic() - self._since


def processor_seconds(pid):
    """Processor time of a process, of those below it, and of those below it that have ended."""
    total = 0.0
    for each in tree(pid):
        try:
            times = each.cpu_times()
        except psutil.Error:  # it has just ended: its parent has its time
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return round(total, 2)  # as exact as Linux tells


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
