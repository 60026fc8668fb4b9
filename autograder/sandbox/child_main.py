"""The confined process of one submission: imports its module and answers requests until it is killed."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import torch
import torch.utils.data

from autograder.feedback import uses
from autograder.learner import calls, forbidden_scan, forbidden_trap, introspection, loading, own_words, ranks
from autograder.learner.parsing import Parser
from autograder.sandbox import no_autograd, witness
from autograder.sandbox.confinement import confine
from autograder.submission import notebook
from autograder.submission.bounds import Unusable
from autograder.submission.choosing import Wanted
from autograder.submission.opening import opened
from autograder.text import clean
from autograder.wire import frames, values

MAX_QUOTED = 1 << 20
MOST_FAILED = 100
MAX_REQUEST = 512 << 20  # from the grader, which is trusted


def serve_submission(stream: frames.Descriptor, scratch: Path, layers: Sequence[str]) -> None:
    """Receive and open the submission's files, look at its source, import it, then answer one request after another."""
    nonce, body = frames.receive(stream, MAX_REQUEST)
    order: dict[str, Any] = values.decode(body)
    if order["gpu"]:
        use_gpus(order["devices"])
    elif order["devices"] is not None:
        from autograder import simulated_gpus  # noqa: PLC0415  only topics with devices need it

        simulated_gpus.enable(order["devices"])
    # What fails until here is a fault of the kit; what fails after it is due to the submission's files.
    frames.send(stream, nonce, values.encode({"ready": list(layers)}))
    folder = scratch / "submission"
    found, fault = dict[str, Any](), None
    try:
        module, topic, stub, others = order["wanted"]
        wanted = Wanted(module, topic, stub, {name: (file, tuple(names)) for name, file, names in others})
        files, note = opened(order["files"], order["form"], wanted, order["changed"])
        write_files(folder, files)
        found = {"sources": few_sources(files), "note": note, **(all_looks(order, files) if order["look"] else {})}
    except Unusable as error:
        fault = str(error)
    except Exception as error:  # noqa: BLE001  whatever these files can raise
        fault = f"The submission's files cannot be used ({type(error).__name__})."
    # Sent before any line of the submission has run, so the grader may believe it.
    frames.send(stream, nonce, values.encode({**found, "fault": fault}))
    if fault is not None:
        return
    if order["rank"]:
        ranks.keep_process_groups()
        ranks.look_for_the_first_at_once()
    calls.hide_kit()
    loading.run_async_without_sockets()
    witness.watch(folder, stream.number)
    loaded = load(folder / order["module"], order["import_seconds"], by_hand=order["by_hand"])
    failure = [str(loaded.fault.status), loaded.fault.message, loaded.fault.kind] if loaded.fault else None
    frames.send(stream, nonce, values.encode({"loaded": failure, "failed": list(loaded.failed.values())[:MOST_FAILED]}))
    while True:
        nonce, body = frames.receive(stream, MAX_REQUEST)
        reply = calls.serve(loaded, bytes(body), order["reply_bytes"])
        frames.send(stream, nonce, reply)
        if order["rank"] and ranks.failed(reply):
            return  # or the others wait for it


def ready_for_by_hand() -> None:
    """Find out once, for all processes forked from this one, what `by_hand` does; what fails here fails there again."""
    with suppress(OSError):
        if no_autograd.supported():
            no_autograd.patches()
            no_autograd.algebra()
            confine.installed_without(no_autograd.HIDDEN)


@contextmanager
def by_hand() -> Iterator[frozenset[str]]:
    """Make this process, confined in the block, one for by-hand tasks; gives the packages that it should not be able to read."""
    with no_autograd.taken() if no_autograd.supported() else nullcontext():
        yield no_autograd.HIDDEN


def load(path: Path, seconds: float, *, by_hand: bool) -> loading.LoadedModule:
    """Import the submission; one for by-hand tasks statement by statement, so that what differentiates is left out."""
    if not by_hand:
        return loading.load(path, seconds=seconds)
    with suppress(forbidden_trap.Forbidden), forbidden_trap.trap("autograd", path.parent):
        loaded = loading.load(path, seconds=seconds, apart=True)
    return loaded


def rehearse(*, training: bool = True) -> None:
    """A step of training, if this process can differentiate, and a frame: what torch imports or makes at first is there then.

    In the server it is for the imports; in a child, for the pages that a forked process is the first to write to.
    """
    layers = torch.nn.Conv2d(1, 6, 5), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(1176, 3)
    net = torch.nn.Sequential(*layers)
    optimizer = torch.optim.Adam(net.parameters())
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(2, 1, 32, 32), torch.tensor([0, 1])))
    for x, y in loader:
        loss = torch.nn.functional.cross_entropy(net(x), y)
        if training:
            loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        optimizer.step()
    net.load_state_dict(values.decode(values.encode(dict(net.state_dict()))))


def use_gpus(count: int) -> None:
    """Let the submission see that many of the machine's GPUs, which compute with the precision that the checks expect."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, range(count)))  # CUDA reads it when it is first used
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


def all_looks(order: dict[str, Any], files: dict[str, bytes]) -> dict[str, Any]:
    """What the files' text tells: see `child.Looked`. Nothing of it is run, and what was parsed for it is not kept."""
    module, parser = order["module"], Parser()
    texts = {name: source_text(body) for name, body in files.items() if name.endswith(".py")}
    words = own_words.of({name: texts[name] for name in few_sources(files)}, module, parser)
    texts[module] = notebook.parsable(texts[module])
    looked, introspected = look(order, files, texts, parser), introspects(module, texts, parser)
    written = sorted(uses.written(parser.of(texts[module]).tree))
    return {"looked": looked, "introspects": introspected, "words": words, "written": written}


def look(order: dict[str, Any], files: Iterable[str], texts: dict[str, str], parser: Parser) -> dict[str, list[Any]]:
    """For each task that rules out autograd and yet uses it: where, the line's text, and what it uses."""
    if not order["tasks"]:
        return {}
    try:
        found = forbidden_scan.look(texts, order["module"], order["tasks"], parser)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}  # what does not parse is reported by the import
    unreadable = forbidden_scan.compiled(files)
    if unreadable is not None:
        found = dict.fromkeys(order["tasks"], unreadable) | found
    return {task: _placed(at, order["module"], texts) for task, at in found.items()}


def introspects(module: str, texts: dict[str, str], parser: Parser) -> list[Any] | None:
    """Where the source first looks into the process, the line's text and the name; None if it does not."""
    at = introspection.look(texts, parser)
    return _placed(at, module, texts) if at else None


def _placed(at: forbidden_scan.Found, module: str, texts: dict[str, str]) -> list[Any]:
    """What was found, with the cell in place of the file where the module is a notebook's."""
    place = notebook.place(texts[module], at.line, at.file) if at.file == module else (at.file, at.line)
    return [*place, at.text, at.technique]


def few_sources(files: dict[str, bytes]) -> dict[str, bytes]:
    """The modules, from which the grader quotes a line; none if they are large."""
    sources = {name: body for name, body in files.items() if name.endswith(".py")}
    return sources if sum(map(len, sources.values())) <= MAX_QUOTED else {}


def source_text(body: bytes) -> str:
    """A module's text as Python reads it, whatever encoding its first lines name."""
    try:
        return importlib.util.decode_source(body)
    except (SyntaxError, UnicodeDecodeError, LookupError):  # which the import will report
        return body.decode("utf-8", "replace")


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Put the submission's files, whose names are relative, into the scratch folder.

    Raises:
        Unusable: they do not fit into it, or one stands where another's folder should be.
    """
    sys.dont_write_bytecode = True
    folder.mkdir()
    os.chdir(folder)
    for name, content in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise Unusable(f"The file {clean(name, 60)} of the submission cannot be used: {error.strerror}.") from None


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
