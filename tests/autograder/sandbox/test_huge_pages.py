"""The server's heap in huge pages: what it holds stays as it was, and a child that writes to it changes nothing for others."""

import os
import platform
import subprocess
import sys

PROGRAM = """
import os, re, sys
from pathlib import Path
from autograder.sandbox import huge_pages

def huge():
    return int(re.search(r"AnonHugePages: *([0-9]+)", Path("/proc/self/smaps_rollup").read_text())[1])

held = [bytearray(b"ab" * (1 << 19)) for _ in range(32)]
before = huge()
huge_pages.collapse()
assert all(each == b"ab" * (1 << 19) for each in held)
if os.fork() == 0:
    held[0][:2] = b"no"
    os._exit(0)
os.wait()
assert held[0] == held[1]
print(before, huge())
"""


def collapsed(**environment):
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=os.environ | environment,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return map(int, done.stdout.split())


def test_what_a_process_holds_is_as_it_was_and_on_newer_kernels_in_huge_pages():
    before, after = collapsed(GLIBC_TUNABLES="")
    newer = tuple(map(int, platform.release().split(".")[:2])) >= (6, 1)
    assert after > before if newer else after >= before
