"""A warm server as test_confine.py drives it: one line of JSON a request, one a reply, one confined child for each.

Arguments: the folder that holds the package `autograder`, a folder in which scratch folders may be made, and "plain"
for a server that enters no namespaces.
"""

import errno
import gc
import importlib
import json
import os
import sys
import time
import traceback
from pathlib import Path

sys.path[:0] = [sys.argv[1], str(Path(__file__).parent)]

from autograder.sandbox.confinement.confine import OsLimits, close_fds, confine  # noqa: E402
from autograder.sandbox.confinement.namespaces import enter_namespaces  # noqa: E402

LIMITS = {"memory_bytes": 2 << 30, "cpu_seconds": 20, "file_bytes": 32 << 20, "open_files": 64, "scratch_bytes": 64 << 20}


def act(request):
    """Runs a function of a module beside this one in a confined child; returns what became of it."""
    scratch = Path(sys.argv[2], f"scratch-{time.monotonic_ns()}")
    scratch.mkdir(mode=0o700)
    children = [start(request, scratch, rank) for rank in range(request.get("ranks", 1))]
    replies = [finish(*child) for child in children]
    left = sorted(path.name for path in scratch.iterdir())
    return {**replies[0], "left_in_scratch": left, "results": [reply.get("result") for reply in replies]}


def start(request, scratch, rank):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writer, 3)
        close_fds(request.get("keep", (0, 1, 2, 3)))
        limits = OsLimits(**{**LIMITS, **request.get("limits", {})})
        reply = {}
        try:
            begun = time.perf_counter()
            reply["layers"] = confine(
                scratch, limits, readable=[Path(p) for p in request.get("readable", ())], network=request.get("network", False)
            )
            reply["milliseconds"] = 1000 * (time.perf_counter() - begun)
            module = importlib.import_module(request["module"])
            ranks = [rank] if "ranks" in request else []
            reply["result"] = getattr(module, request["function"])(*request.get("arguments", ()), *ranks)
        except OSError as error:
            reply |= {"error": errno.errorcode.get(error.errno, ""), "text": traceback.format_exc()}
        except BaseException as error:  # noqa: BLE001 - whatever the work raises is its outcome
            reply |= {"error": type(error).__name__, "text": traceback.format_exc()}
        os.write(3, json.dumps(reply).encode())
        os._exit(0)
    os.close(writer)
    return pid, reader


def finish(pid, reader):
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    return {**(json.loads(text) if text else {}), "status": os.waitstatus_to_exitcode(status)}


def load(request):
    from autograder.images.torchvision_shim import import_module  # noqa: PLC0415  it imports torch, which some never need

    for name in request["modules"]:
        import_module(name)
    gc.collect()
    gc.freeze()


def main():
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    begun = time.perf_counter()
    gained = () if sys.argv[3:] == ["plain"] else enter_namespaces()
    milliseconds = 1000 * (time.perf_counter() - begun)
    operations = {
        "act": act,
        "load": load,
        "self": lambda _: {
            "gained": gained,
            "milliseconds": milliseconds,
            "pid": os.getpid(),
            "uid": os.getuid(),
            "processes": sum(path.name.isdigit() for path in Path("/proc").iterdir()),
            "reads": Path("/etc/passwd").read_text() != "",
        },
        "exit": lambda request: os._exit(request["code"]),
    }
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(operations[request["operation"]](request)), flush=True)


main()
