"""Uses up descriptors and threads, and asks for higher limits."""

import os
import resource
import threading
import time

for name in ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_NPROC"):
    for value in ((-1, -1), (0, 0)):
        try:
            resource.setrlimit(getattr(resource, name), value)
        except (OSError, ValueError):
            pass
kept = []
try:
    while True:
        kept.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
threading.stack_size(32768)


def row_means(t):
    while True:
        threading.Thread(target=time.sleep, args=(100,)).start()
