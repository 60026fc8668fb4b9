"""Reaches for the process that already waits for the next submission, and for its folder."""

import os
import resource

gained = []


def attempt(what, action, *arguments):
    try:
        action(*arguments)
    except OSError:
        return
    gained.append((what, *arguments))


own, scratch = os.getpid(), os.path.dirname(os.getcwd())
number = int(os.path.basename(scratch))
for other in range(own - 5, own + 6):
    if other not in (own, os.getppid()) and other > 0:
        attempt("signal", os.kill, other, 9)
        attempt("priority", os.setpriority, os.PRIO_PROCESS, other, 19)
        attempt("processors", os.sched_setaffinity, other, {0})
        attempt("limits", resource.prlimit, other, resource.RLIMIT_AS, (1, 1))
        attempt("memory", open, f"/proc/{other}/mem", "r+b")
for other in range(number - 3, number + 4):
    folder = f"{scratch}/../{other}"
    if other != number:
        attempt("look", os.listdir, folder)
        attempt("folder", os.mkdir, f"{folder}/submission")
        attempt("file", open, f"{folder}/mini.py", "w")
        attempt("remove", os.rmdir, folder)
        attempt("link", os.symlink, scratch, f"{folder}-link")
if gained:
    raise RuntimeError(f"LEAK {gained}")
