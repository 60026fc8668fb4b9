"""The suites' only way to a submission: call a function, observe its arguments, run a probe beside the module."""

from __future__ import annotations

import ast
import functools
import inspect
import marshal
import textwrap
import types
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from autograder.results import Fault, Status, StudentFault
from autograder.text import clean
from autograder.wire import values

_GIVEN = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nimport numpy as np\n"


@dataclass
class Student:
    """One check's view of one submission.

    `ask` turns a request frame into a reply frame: in this process for a self-check, in a sandboxed child for grading.
    `replies` keeps what came back, and `arguments` what went out last, for the diagnosis of a wrong value.
    """

    ask: Callable[[bytes], bytes]
    seed: int
    forbid: str = ""
    ask_ranks: Callable[[Callable[[str], list[bytes]]], list[bytes]] | None = None
    replies: list[Any] = field(default_factory=list)
    arguments: tuple[Any, ...] = ()

    def call(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """The result of the module's function `name` on copies of the arguments."""
        return self._request(name, b"", args, kwargs)["value"]

    def observe(self, name: str, /, *args: Any, **kwargs: Any) -> tuple[Any, tuple[Any, ...]]:
        """The result, and the positional arguments as the call left them."""
        reply = self._request(name, b"", args, kwargs, observe=True)
        after = reply["args"]
        if not isinstance(after, list) or len(after) != len(args):
            raise StudentFault(Fault(Status.ERROR, "The arguments did not come back as they were sent.", "WireError"))
        # What became of the arguments tells one change in place from another.
        self.replies[-1] = [reply["value"], *([a, getattr(a, "requires_grad", None), getattr(a, "grad", None)] for a in after)]
        return reply["value"], tuple(after)

    def run(self, probe: Callable[..., Any], /, *args: Any) -> Any:
        """What `probe(module, *args)` returns; the probe travels as code, with the helpers it names."""
        return self._request(probe.__name__, probe_code(probe), args, {})["value"]

    def ranks(self, probe: Callable[..., Any], world_size: int, /, *args: Any) -> list[Any]:
        """What `probe(module, rank, world_size, init_method, *args)` returns in each of `world_size` processes at once."""
        self.arguments = args
        code = probe_code(probe)

        def frames(init_method: str) -> list[bytes]:
            return [
                values.encode(self._frame(probe.__name__, code, (rank, world_size, init_method, *args), {}), layout=True)
                for rank in range(world_size)
            ]

        if self.ask_ranks is None:
            raise RuntimeError("there is no way to run several processes here")
        try:
            replies = self.ask_ranks(frames)
            answers, faults = [], list[StudentFault]()
            for frame in replies:
                try:
                    answers.append(read_reply(frame)["value"])
                except StudentFault as stopped:
                    faults.append(stopped)
            if faults:  # the others only saw the connection to the first one break
                raise min(faults, key=lambda stopped: "onnection" in stopped.fault.message)
        except StudentFault as stopped:
            fault = stopped.fault
            if fault.status is Status.TIMEOUT:
                fault = replace(fault, message="The processes did not end in time: does one wait for another? "
                                               "They meet at the init_method that each of them is given.")  # fmt: skip
            self.replies.append(fault)
            raise StudentFault(fault) from None
        self.replies.append(answers)
        return answers

    def _request(
        self, name: str, probe: bytes, args: tuple[Any, ...], kwargs: dict[str, Any], *, observe: bool = False
    ) -> dict[str, Any]:
        self.arguments = (*args, *kwargs.values())
        request = self._frame(name, probe, args, kwargs, observe=observe)
        try:
            reply = read_reply(self.ask(values.encode(request, layout=True)), observe=observe)
        except StudentFault as stopped:
            self.replies.append(stopped.fault)
            raise
        self.replies.append(reply["value"])
        return reply

    def _frame(
        self, name: str, probe: bytes, args: tuple[Any, ...], kwargs: dict[str, Any], *, observe: bool = False
    ) -> dict[str, Any]:
        return {
            "name": name, "probe": probe, "args": list(args), "kwargs": kwargs, "observe": observe,
            "seed": (self.seed + len(self.replies)) % (1 << 31), "forbid": self.forbid,
        }  # fmt: skip


def read_reply(frame: bytes, *, observe: bool = False) -> dict[str, Any]:
    """The checked content of a reply frame; StudentFault if it reports a fault or is not a reply."""
    try:
        reply = values.decode(frame)
        if not isinstance(reply, dict):
            raise values.WireError("the reply is not a reply")
        if "fault" in reply:
            status, message, kind = reply["fault"]
            allowed = (Status.MISSING, Status.ERROR, Status.FORBIDDEN)
            if status not in allowed or not isinstance(message, str) or not isinstance(kind, str):
                raise values.WireError("the reply is not a fault")
            raise StudentFault(Fault(Status(status), clean(message), clean(kind, 80)))
        if reply.keys() != ({"value", "args"} if observe else {"value"}):
            raise values.WireError("the reply is not a value")
    except (values.WireError, TypeError, ValueError) as error:
        text = f"The submission answered with something that is not a value: {error}."
        raise StudentFault(Fault(Status.ERROR, text, "WireError")) from None
    return reply


@functools.cache
def probe_code(probe: Callable[..., Any]) -> bytes:
    """The compiled source of a probe, compiled once and not by each child again.

    Marshalled code goes from the grader to a child and never the other way: to read it is to trust it.
    """
    return marshal.dumps(compile(probe_source(probe), "<suite>", "exec"))


def probe_source(probe: Callable[..., Any]) -> str:
    """Source text of the probe and of everything of its own suite that it names, fit to be run elsewhere."""
    imports: list[str] = []
    parts: dict[str, str] = {}

    def add(name: str, value: Any, namespace: dict[str, Any]) -> None:
        if name in parts:
            return
        text = textwrap.dedent(inspect.getsource(value))
        parts[name] = ""  # named already: a helper may call itself
        used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        for other in sorted(used & namespace.keys()):
            found = namespace[other]
            if isinstance(found, types.ModuleType):
                imports.append(f"import {found.__name__} as {other}")
            elif getattr(found, "__module__", None) == namespace["__name__"]:
                add(other, found, namespace)
            elif isinstance(found, str | int | float | tuple):
                parts[other] = f"{other} = {found!r}"
            elif getattr(found, "__module__", "builtins") != "builtins" and hasattr(found, "__qualname__"):
                imports.append(f"from {found.__module__} import {found.__qualname__} as {other}")
        del parts[name]  # after what it needs
        parts[name] = text

    add(probe.__name__, probe, probe.__globals__)
    return _GIVEN + "\n".join(dict.fromkeys(imports)) + "\n" + "\n\n".join(parts.values())
