"""What goes wrong between a submission's files and its first line is due to the files, never a fault of the kit."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

import psutil
import pytest

from autograder.course import Limits
from autograder.errors import SandboxError
from autograder.results import Status, StudentFault
from autograder.sandbox.child import Child
from autograder.sandbox.child_spec import ChildSpec
from autograder.sandbox.ended import Ended
from autograder.sandbox.server import Server
from autograder.sandbox.session import Session
from autograder.wire import frames, values

LIMITS = Limits(import_seconds=0.3, memory_mb=256, scratch_mb=4)
ZERO = bytes(frames.NONCE_BYTES)


def introduce(tmp_path, *replies):
    """Introduce files to a process that gives these replies, each (nonce or None for the right one, body)."""
    mine, theirs = socket.socketpair()
    child = Child(mine, tmp_path, lambda patience: Ended(9, killed=False), lambda: None)

    def answer():
        nonce, _ = frames.receive(theirs, 1 << 20)
        for own, body in replies:
            frames.send(theirs, own or nonce, body)
        if not replies or replies[-1][1] != b"late":
            theirs.close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        child.introduce(ChildSpec({"mini.py": b""}, "mini.py", (), LIMITS))
    finally:
        child.close()
        thread.join()
        theirs.close()


READY = (None, values.encode({"ready": ["mount"]}))


@pytest.mark.parametrize(
    ("replies", "status", "words"),
    [
        ([(ZERO, b"RecursionError()")], Status.ERROR, "cannot be read where they are graded (RecursionError())."),
        ([(None, b"\xff")], Status.ERROR, "cannot be read"),
        ([(None, values.encode([1, 2]))], Status.ERROR, "cannot be read"),
        ([(None, values.encode({"looked": {"slope": [1]}, "fault": None}))], Status.ERROR, "cannot be read"),
        (
            [
                (
                    None,
                    values.encode(
                        {"looked": {}, "introspects": None, "sources": {}, "words": {}, "note": "", "fault": "mini.py is odd."}
                    ),
                )
            ],
            Status.ERROR,
            "mini.py is odd.",
        ),
        ([], Status.CRASHED, "within 0.3 s and the memory"),
        ([(None, b"late")], Status.ERROR, "cannot be read"),
    ],
)
def test_before_the_first_line_runs_the_files_are_to_blame(tmp_path, replies, status, words):
    with pytest.raises(StudentFault) as raised:
        introduce(tmp_path, READY, *replies)
    assert raised.value.fault.status is status
    assert words in raised.value.fault.message


def test_before_the_files_are_looked_at_the_kit_is_to_blame(tmp_path):
    for replies in ([], [(ZERO, b"OSError()")]):
        with pytest.raises(SandboxError):
            introduce(tmp_path, *replies)


@pytest.mark.parametrize(("waited", "in_time"), [(60.0, True), (0.0, False)])
def test_a_late_reply_is_in_time_if_others_had_the_processors(tmp_path, waited, in_time):
    mine, theirs = socket.socketpair()
    child = Child(mine, tmp_path, lambda patience: Ended(9, killed=False), lambda: None, lambda: waited)

    def answer():
        nonce, _ = frames.receive(theirs, 1 << 20)
        if waited:
            time.sleep(0.5)
            frames.send(theirs, nonce, b"late")

    thread = threading.Thread(target=answer)
    thread.start()
    if in_time:
        assert child.ask(b"x", 0.3, 0.3) == b"late"
        assert child.newly_excused() == pytest.approx(1.5)  # five times the limit, and no more
    else:
        with pytest.raises(StudentFault, match=r"longer than 0\.3 s"):
            child.ask(b"x", 0.3, 0.3)
    child.close()
    thread.join()
    theirs.close()


BUSY = """
import time
def busy(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return seconds
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts how long a process waits for a processor")
def test_what_computes_on_a_processor_that_others_share_has_its_own_time(server):
    call = {"name": "busy", "probe": b"", "args": [1.0], "kwargs": {}, "observe": False, "seed": 0, "forbid": ""}
    spec = ChildSpec({"mini.py": BUSY.encode()}, "mini.py", (), Limits(memory_mb=256, scratch_mb=4, import_seconds=30.0))
    one = min(os.sched_getaffinity(0))
    with contextlib.closing(Session.open(server, spec)) as session, contextlib.ExitStack() as stack:
        for process in psutil.Process().children(recursive=True):  # the server and the submission
            process.cpu_affinity([one])
        for _ in range(3):
            hog = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(hog.kill)
            psutil.Process(hog.pid).cpu_affinity([one])
        session.begin(1.5)
        started = time.monotonic()
        values.decode(session.ask(values.encode(call)))["value"]
        assert time.monotonic() - started > 1.5


@pytest.fixture(scope="module")
def server():
    with Server() as warm:
        yield warm


FILES = {
    "deep": {"a/" * 1500 + "x.txt": b"x"},
    "long": {"n" * 300: b"x"},
    "long_path": {"n/" * 2100 + "x": b"x"},
    "clash": {"a": b"x", "a/b": b"x"},
    "clash_with_module": {"mini.py/x": b"x"},
    "full": {"weights.bin": bytes(6 << 20)},
    "many": {f"{i}/x": b"x" for i in range(5000)},
    "deep_source": {"mini.py": b"x = " + b"-" * 50_000 + b"1\n"},
    "nested_source": {"mini.py": b"(" * 100_000},
    "nul": {"mini.py": b"x = 1\0"},
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_cannot_be_used_are_the_students_fault(server, name):
    spec = ChildSpec({"mini.py": b"x = 1\n", **FILES[name]}, "mini.py", ("slope",), Limits(memory_mb=256, scratch_mb=4))
    with pytest.raises(StudentFault) as raised:
        Session.open(server, spec)
    assert raised.value.fault.message.endswith((".", "`"))
