"""The confined process of one submission: imports its module and answers requests until it is killed."""

from __future__ import annotations

import functools
import inspect
import os
import socket
import sys
from pathlib import Path
from typing import Any

import torch
import torch.utils.data

from autograder import answer, channel, notebook, techniques, wire

MAX_REQUEST = 512 << 20  # from the grader, which is trusted


def serve_submission(stream: socket.socket, scratch: Path) -> None:
    """Receive the submission's files, look at its source, import it, then answer one request after another."""
    nonce, body = channel.receive(stream, MAX_REQUEST)
    order: dict[str, Any] = wire.decode(body)
    folder = scratch / "submission"
    write_files(folder, order["files"])
    # Sent before any line of the submission has run, so the grader may believe it.
    channel.send(stream, nonce, wire.encode({"looked": look(order)}))
    if order["devices"] is not None:
        from autograder import accelerator  # noqa: PLC0415  only topics with devices need it

        accelerator.enable(order["devices"])
    keep_loading_in_this_process()
    loaded = answer.load(folder / order["module"], seconds=order["import_seconds"])
    fault = [str(loaded.fault.status), loaded.fault.message, loaded.fault.kind] if loaded.fault else None
    channel.send(stream, nonce, wire.encode({"loaded": fault}))
    while True:
        nonce, body = channel.receive(stream, MAX_REQUEST)
        channel.send(stream, nonce, answer.serve(loaded, bytes(body), order["reply_bytes"]))


def look(order: dict[str, Any]) -> dict[str, list[Any]]:
    """For each task that rules out autograd and yet uses it: the line and its text."""
    if not order["tasks"]:
        return {}
    sources = {name: body.decode("utf-8", "replace") for name, body in order["files"].items() if name.endswith(".py")}
    module = order["module"]
    sources[module] = notebook.parsable(sources[module])
    try:
        found = techniques.look(sources, module, order["tasks"])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}  # what does not parse is reported by the import
    return {
        task: [*(notebook.place(sources[module], at.line, at.file) if at.file == module else (at.file, at.line)), at.text]
        for task, at in found.items()
    }


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Put the submission's files into the scratch folder; names are relative and checked by the sender."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sys.dont_write_bytecode = True
    os.chdir(folder)


def keep_loading_in_this_process() -> None:
    """Let `DataLoader(…, num_workers=2)` work where worker processes cannot be forked: it loads here instead."""
    original = torch.utils.data.DataLoader.__init__
    signature = inspect.signature(original)

    @functools.wraps(original)
    def without_workers(*args: Any, **kwargs: Any) -> None:
        bound = signature.bind(*args, **kwargs)
        for name in ("num_workers", "prefetch_factor", "persistent_workers", "multiprocessing_context", "timeout"):
            bound.arguments.pop(name, None)
        original(*bound.args, **bound.kwargs)

    setattr(torch.utils.data.DataLoader, "__init__", without_workers)  # noqa: B010  a type checker forbids the assignment
