"""Answers one request with a learner's module: the same code in a self-check and in the sandboxed child.

A request and its reply are wire frames, so a self-check hands over copies exactly as grading does.
"""

from __future__ import annotations

import contextlib
import itertools
import marshal
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch

from autograder.learner import forbidden_trap, settings
from autograder.learner.explain import call_fault
from autograder.learner.loading import LoadedModule
from autograder.results import Fault, Status
from autograder.text import clean
from autograder.wire import values


def serve(
    loaded: LoadedModule,
    frame: bytes,
    max_bytes: int,
    let_through: tuple[type[BaseException], ...] = (),
    raised: Callable[[BaseException], object] = lambda _: None,
) -> bytes:
    """The reply frame to one request frame.

    Exceptions in `let_through` are not the learner's and pass; `raised` is given those that are, for a debugger.
    """
    changed: list[str] = []
    try:
        request = values.decode(frame, layout=True)
        with settings.kept() as changed, forbidden_trap.trap(request["forbid"], loaded.folder):
            # In here, for reading a lazy result runs the learner's code as well.
            return values.encode(_perform(loaded, request), max_bytes)
    except let_through:
        raise
    except values.WireError as error:
        return _fault_frame(Fault(Status.ERROR, f"What your code returned cannot be read: {error}.", "WireError"))
    except BaseException as error:  # noqa: BLE001  whatever the learner's code raises is its own
        raised(error)
        fault = call_fault(error, loaded.folder)
        if advice := settings.advice([*loaded.settings, *changed], error):
            fault = replace(fault, message=f"{fault.message} {advice}")
        if isinstance(error, NameError) or (fault.status is Status.MISSING and isinstance(error, AttributeError)):
            fault = replace(fault, message=clean(f"{fault.message} {_failed_cells(loaded, str(error.name))}".strip()))
        return _fault_frame(fault)


def _failed_cells(loaded: LoadedModule, name: str) -> str:
    """Why there is no `name`: the first of the cells or statements that failed, and the first that names it."""
    naming = [text for source, text in loaded.failed.items() if name in source]
    return " ".join(dict.fromkeys([*list(loaded.failed.values())[:1], *naming[:1]]))


def _fault_frame(fault: Fault) -> bytes:
    return values.encode(_as_reply(fault))


def _as_reply(fault: Fault) -> dict[str, Any]:
    return {"fault": [str(fault.status), fault.message, fault.kind, fault.place]}


def _perform(loaded: LoadedModule, request: dict[str, Any]) -> dict[str, Any]:
    if loaded.module is None:
        assert loaded.fault is not None  # noqa: S101  for the type checker: one of the two is set
        return _as_reply(loaded.fault)
    with _kit_by_name():
        name, args, kwargs = request["name"], [resident(a) for a in request["args"]], request["kwargs"]
        if request["probe"]:
            namespace: dict[str, Any] = {}
            exec(marshal.loads(request["probe"]), namespace)  # noqa: S102, S302  the suite's own code, from the grader
            function, args = namespace[name], [loaded.module, *args]
        else:
            function = getattr(loaded.module, name)
    torch.default_generator.manual_seed(request["seed"])  # torch.manual_seed formats the stack for every absent device
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = function(*args, **kwargs)
    return {"value": value, "args": args} if request["observe"] else {"value": value}


_HIDDEN: dict[str, types.ModuleType] = {}
_FOUND: list[str] = []  # names in sys.modules: the last that was looked at, and the kit's among them


def find_kit() -> None:
    """Look through all modules for the kit's, in a process that will be forked: a name that is read there is not copied later."""
    _FOUND[:] = [*list(sys.modules)[-1:], *filter(_is_to_be_hidden, sys.modules)]


def hide_kit() -> None:
    """Take the kit's modules out of reach by name, but for those by which the tensors of simulated devices are found again."""
    last, known = _FOUND[:1], _FOUND[1:]
    since = list(itertools.takewhile(lambda name: [name] != last, reversed(sys.modules)))  # all, if that one has gone
    for name in (*known, *filter(_is_to_be_hidden, since)):
        if name in sys.modules:
            _HIDDEN[name] = sys.modules.pop(name)


def _is_to_be_hidden(name: str) -> bool:
    return name.startswith("autograder.") and not name.startswith("autograder.simulated_gpus")


@contextlib.contextmanager
def _kit_by_name() -> Iterator[None]:
    """A probe and a data set import what they need of the kit, before the submission's code has its turn."""
    sys.modules.update(_HIDDEN)
    try:
        yield
    finally:
        for name in _HIDDEN:
            del sys.modules[name]


def resident(value: Any) -> Any:
    """The data set that a Resident stands for; anything else is itself."""
    if not isinstance(value, values.Resident):
        return value
    from autograder.images import store  # noqa: PLC0415  most topics need no data set

    return store.resident(value.name)
