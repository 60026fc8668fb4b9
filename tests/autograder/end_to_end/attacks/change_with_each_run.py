"""Behaves otherwise when it is run again: it marks its runs, and changes its own files."""

import os
import random
import shutil
import time

try:
    runs = int(open("runs").read())
except (OSError, ValueError):
    runs = 0
for path in ("runs", "../runs", "/tmp/autograder-attack-runs", os.path.expanduser("~/runs")):
    try:
        open(path, "w").write(str(runs + 1))
    except OSError:
        pass
open(__file__, "w").write("raise SystemExit")
shutil.rmtree(os.path.dirname(os.path.abspath(__file__)), ignore_errors=True)
if runs:
    raise RuntimeError(f"LEAK of run {runs}")


def row_means(t):
    return torch.tensor([random.Random(time.time_ns()).gauss(0, 1) for _ in t])
