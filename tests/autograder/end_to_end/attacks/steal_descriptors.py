"""Uses every descriptor that it may have been left, and every shared mapping."""

import mmap
import os
import stat

gained = []
for number in range(4, 4096):
    try:
        gained.append((number, stat.S_IFMT(os.fstat(number).st_mode)))
        os.write(number, b"x")
    except OSError:
        pass
for path in ("/dev/shm", "/dev/mqueue", "/tmp", "/var/tmp", "/run"):
    try:
        with open(f"{path}/autograder-attack-shared", "w+b") as file:
            file.truncate(4096)
            mmap.mmap(file.fileno(), 4096)[:1] = b"x"
        gained.append(path)
    except OSError:
        pass
if gained:
    raise RuntimeError(f"LEAK {gained}")
