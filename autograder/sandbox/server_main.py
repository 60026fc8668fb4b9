"""The warm process: imports torch once, holds nothing of any suite, forks a confined child for each submission.

Started by `server.Server` as `python -I -m autograder.sandbox.server_main FD MODULES`. The first message says what it is for.
"""

from __future__ import annotations

import os

# Before torch is imported: with more threads, convolutions and matrix products hang in a forked child.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import contextlib
import gc
import json
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from autograder.sandbox import huge_pages, scratch
from autograder.sandbox.confinement import confine, namespaces
from autograder.sandbox.control import receive_message, send_message
from autograder.wire import frames

STREAM = 3  # the one descriptor of a child beside the standard ones


def main() -> None:
    """Warm up, report ready, then open and reap children until the grader closes the control socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grader, which then closes the socket
    control = socket.socket(fileno=int(sys.argv[1]))
    layers = namespaces.enter_namespaces()
    started = time.perf_counter()
    gc.disable()  # it would go through torch again and again while torch is imported
    warm(json.loads(sys.argv[2]))
    pids: dict[int, int] = {}
    with contextlib.suppress(frames.Closed, BrokenPipeError, ConnectionResetError):  # the grader has ended
        order, _ = receive_message(control)
        for name in order["residents"]:
            sys.modules["autograder.images.store"].resident(name)
        if order["by_hand"]:
            sys.modules["autograder.sandbox.child_main"].ready_for_by_hand()
        gc.collect()
        gc.freeze()  # or the children's first collection copies every page of the warm heap
        gc.enable()
        if order["fork"]:
            huge_pages.collapse()
        send_message(control, {"seconds": time.perf_counter() - started, "layers": layers})
        while True:
            message, fds = receive_message(control, max_fds=1)
            if message["op"] == "reap":
                send_message(control, reap(pids.pop(message["number"], None), message["patience"]))
            elif message["op"] == "drop":
                reap(pids.pop(message["number"], None), 0.0)
                scratch.remove(Path(message["scratch"]))
            elif message["op"] == "kept waiting":
                send_message(control, {"seconds": kept_waiting(pids.get(message["number"]))})
            else:
                open_child(control, fds[0], {**message, "rehearsing": order["rehearsing"]}, pids, fork=order["fork"])
    for pid in pids.values():
        reap(pid, 0.0)


def open_child(control: socket.socket, descriptor: int, message: dict[str, Any], pids: dict[int, int], *, fork: bool) -> None:
    """Fork a child, or become it without `fork`; if that fails, say why in the child's place."""
    try:
        pids[message["number"]] = (os.fork() if fork else 0) or run_child(control, descriptor, message)
    except OSError as error:
        with contextlib.suppress(OSError):
            frames.send(frames.Descriptor(descriptor), bytes(frames.NONCE_BYTES), str(error).encode())
    finally:
        os.close(descriptor)


def warm(modules: list[str]) -> None:
    """Import what submissions need, and what torch imports lazily at a first step of training."""
    one_thread()
    from autograder.images.torchvision_shim import import_module  # noqa: PLC0415  imports torch

    for name in ("autograder.sandbox.child_main", *modules):
        import_module(name)
    child = sys.modules["autograder.sandbox.child_main"]
    child.keep_loading_in_this_process()
    child.rehearse()
    child.calls.find_kit()


def one_thread() -> None:
    """Import torch for a process that will be forked; the environment for it was set with this module's own import."""
    import torch  # noqa: PLC0415  other commands need not wait for it

    torch.set_num_threads(1)


def run_child(control: socket.socket, descriptor: int, message: dict[str, Any]) -> NoReturn:
    """Confine this process and serve one submission."""
    code = 0
    try:
        control.detach()
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.dup2(descriptor, STREAM)
        confine.close_fds((0, 1, 2, STREAM))
        stream = frames.Descriptor(STREAM)
        folder = Path(message["scratch"])
        limits = confine.OsLimits(**message["limits"])
        child = sys.modules["autograder.sandbox.child_main"]  # imported by warm()
        with child.by_hand() if message["by_hand"] else contextlib.nullcontext(()) as hidden:
            layers = confine.confine(folder, limits, hidden=hidden, network=message["network"], gpu=message["gpu"])
        if message["rehearsing"] and not (
            message["network"] or message["gpu"]
        ):  # it waits while another submission is graded: time to pay for pages
            child.rehearse(training=not message["by_hand"])
        with contextlib.suppress(frames.Closed, BrokenPipeError, ConnectionResetError):
            child.serve_submission(stream, folder, layers)
    except BaseException as error:  # noqa: BLE001  whatever the learner's code raises is its own
        code = frames.DAMAGED
        with contextlib.suppress(OSError):
            frames.send(frames.Descriptor(STREAM), bytes(frames.NONCE_BYTES), repr(error).encode()[:2000])
    finally:
        os._exit(code)


def kept_waiting(pid: int | None) -> float:
    """Seconds in which a child's first thread was ready to run and others had all processors; 0 where Linux does not say."""
    try:
        if (
            int(Path("/proc/self").readlink().name) != os.getpid()
        ):  # it shows the processes of another namespace, by their numbers there
            return 0.0
        _, waited, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    except (OSError, ValueError):
        return 0.0
    return int(waited) / 1e9


def reap(pid: int | None, patience: float) -> dict[str, Any]:
    """The wait status of a child, killed if it is still there after `patience` seconds; None is a child long gone."""
    if pid is None:
        return {"status": 0, "killed": True}
    end = time.monotonic() + patience
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return {"status": status, "killed": False}
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)  # not waited for yet, so the number is still its own
    return {"status": os.waitpid(pid, 0)[1], "killed": True}


if __name__ == "__main__":
    main()
