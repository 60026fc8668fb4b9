"""Runs a command on a machine as it is without Landlock: a system-call filter answers for a kernel that has none.

python without_landlock.py COMMAND…
"""

import ctypes
import errno
import os
import struct
import sys

LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, FILTER_MODE = 22, 38, 2
LANDLOCK_CREATE_RULESET = 444

instructions = [
    (LOAD, 0, 0, 0),
    (IF_EQUAL, 0, 1, LANDLOCK_CREATE_RULESET),
    (RETURN, 0, 0, FAIL | errno.ENOSYS),
    (RETURN, 0, 0, ALLOW),
]
code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions))
program = struct.pack("=H6xQ", len(instructions), ctypes.addressof(code))
libc = ctypes.CDLL(None)
assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
assert libc.prctl(PR_SET_SECCOMP, FILTER_MODE, program, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
