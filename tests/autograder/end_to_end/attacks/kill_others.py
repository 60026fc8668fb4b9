"""Sends every signal to everything it can name."""

import os
import signal

for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGCONT):
    for target in (os.getppid(), -1, -os.getppid(), 1):
        try:
            os.kill(target, number)
        except OSError:
            pass
    try:
        os.killpg(os.getpgid(os.getppid()), number)
    except OSError:
        pass
