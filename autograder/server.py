"""The warm process: imports torch once, holds nothing of any suite, forks a confined child for each submission.

Started by `sandbox.Server` as `python -I -m autograder.server FD CONFIG`.
"""

from __future__ import annotations

import os

# Before torch is imported: with more threads, convolutions and matrix products hang in a forked child.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import contextlib
import gc
import importlib
import json
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from autograder import channel, confine, namespaces


def main() -> None:
    """Warm up, report ready, then open and reap children until the grader closes the control socket."""
    control = socket.socket(fileno=int(sys.argv[1]))
    config: dict[str, Any] = json.loads(sys.argv[2])
    layers = list(namespaces.enter_namespaces()) if config["confine"] else []
    started = time.perf_counter()
    warm(config["warm"], config["data"])
    ready = {"ready": True, "seconds": time.perf_counter() - started, "layers": layers}
    channel.send_message(control, ready)
    scratches: dict[int, Path] = {}
    while True:
        try:
            message, fds = channel.receive_message(control, max_fds=1)
        except channel.Closed:
            break
        if message["op"] == "open":
            scratch = Path(message["scratch"])
            if not config["fork"]:
                run_child(fds[0], scratch, message)
            pid = os.fork()
            if pid == 0:
                control.detach()
                run_child(fds[0], scratch, message)
            os.close(fds[0])
            scratches[pid] = scratch
            channel.send_message(control, {"pid": pid})
        elif message["op"] == "reap":
            status = reap(message["pid"], message["patience"])
            shutil.rmtree(scratches.pop(message["pid"]), ignore_errors=True)
            channel.send_message(control, {"status": status})
    for pid in scratches:
        reap(pid, 0.0)


def warm(modules: list[str], data: dict[str, Any] | None) -> None:
    """Import what submissions need, and what torch imports lazily at a first step of training."""
    import torch  # noqa: PLC0415  after the namespaces are entered

    torch.set_num_threads(1)
    for name in ("autograder.child", *modules):
        importlib.import_module(name)
    if "torchvision" in modules or "autograder.data" in modules:
        from autograder.torchvision_shim import import_torchvision  # noqa: PLC0415

        import_torchvision()
    if data is not None:
        from autograder.data import hold  # noqa: PLC0415

        hold(**data)
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8, 3))
    optimizer = torch.optim.Adam(net.parameters())
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(2, 1, 4, 4), torch.tensor([0, 1])))
    for x, y in loader:
        torch.nn.functional.cross_entropy(net(x), y).backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        optimizer.step()
    gc.collect()
    gc.freeze()  # or the children's first collection copies every page of the warm heap


def run_child(descriptor: int, scratch: Path, message: dict[str, Any]) -> None:
    """Confine this process and serve one submission; never returns."""
    code = 0
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(descriptor, 3)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    # With its kind given, the object asks the system nothing that the filter would refuse.
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=3)
    try:
        if message["confine"]:
            confine.close_fds((0, 1, 2, 3))
            confine.confine(scratch, confine.Limits(**message["limits"]), network=message["network"])
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        child = sys.modules["autograder.child"]  # imported by warm()
        with contextlib.suppress(channel.Closed, BrokenPipeError, ConnectionResetError):
            child.serve_submission(stream, scratch)
    except BaseException as error:  # noqa: BLE001  nothing may return to the server's loop
        code = 91
        with contextlib.suppress(OSError):
            channel.send(stream, bytes(channel.NONCE_BYTES), repr(error).encode()[:2000])
    finally:
        os._exit(code)


def reap(pid: int, patience: float) -> int:
    """The wait status of a child, killed if it is still there after `patience` seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(0.002)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


if __name__ == "__main__":
    main()
