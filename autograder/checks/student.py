"""The suites' only way to a submission: call a function, observe its arguments, run a probe beside the module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autograder import secret
from autograder.checks.probes import probe_code
from autograder.checks.veil import Veil
from autograder.results import PEER_LOST, Fault, Status, StudentFault
from autograder.text import clean
from autograder.wire import values
from autograder.wire.respondent import Respondent


@dataclass
class Student:
    """One check's view of one submission: a value comes back, never the learner's objects.

        def test_slope__values(student: Student, rng: torch.Generator) -> None:
            \"\"\"gives the derivative of the square\"\"\"
            x = torch.randn(6, generator=rng)
            expect_close(student.call("slope", x), 2 * x.double(), "the slope")

    Tensors and arrays, numbers, text, None, and lists, tuples and dicts of these travel both ways, as copies; anything
    else that comes back is a `wire.values.Opaque` with the name of its type.

    Attributes:
        respondent: answers the requests.
        key: the learner's code finds torch's generator seeded from it, anew for each request, and sees nothing else that
            follows from it.
        forbid: the technique that the task rules out, or "".
        veil: shows what the learner's code made of hidden inputs; None where they are the learner's to see.
        replies: what came back so far, faults too, for the diagnosis of a wrong value.
        arguments: what went out last, for the same.
        sent: the arguments of all requests.
        probes: the code of all requests, as `checks.probes` makes it.
    """

    respondent: Respondent
    key: bytes = field(repr=False)
    forbid: str = ""
    veil: Veil | None = None
    replies: list[Any] = field(default_factory=list, repr=False)  # which may be many and large
    arguments: tuple[Any, ...] = field(default=(), repr=False)
    sent: list[Any] = field(default_factory=list, repr=False)
    probes: list[bytes] = field(default_factory=list, repr=False)

    def call(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """The result of the module's function `name` on copies of the arguments.

        Raises:
            StudentFault: the function is not there, raised, used what the task rules out, or gave no reply.
        """
        return self._request(name, b"", args, kwargs)["value"]

    def observe(self, name: str, /, *args: Any, **kwargs: Any) -> tuple[Any, tuple[Any, ...]]:
        """The result, and the positional arguments as the call left them: their values, `requires_grad` and `.grad`.

            result, (after,) = student.observe("row_means", t)
            expect_unchanged(after, t)

        Raises:
            StudentFault: as `call`.
        """
        reply = self._request(name, b"", args, kwargs, observe=True)
        after = reply["args"]
        if not isinstance(after, list) or len(after) != len(args):
            raise StudentFault(Fault(Status.ERROR, "The arguments did not come back as they were sent.", "WireError"))
        # What became of the arguments tells one change in place from another.
        self.replies[-1] = [reply["value"], *([a, getattr(a, "requires_grad", None), getattr(a, "grad", None)] for a in after)]
        return reply["value"], tuple(after)

    def run(self, probe: Callable[..., Any], /, *args: Any) -> Any:
        """What `probe(module, *args)` returns: for what needs live objects, such as networks or shared memory.

            def scaled(module, factor, x):
                return module.Scale(factor)(x)

            student.run(scaled, 2.5, x)

        The probe travels as code, with the helpers it names. What it returns is a claim, made beside hostile code: bring
        back evidence that is judged here, never a yes or no.

        Raises:
            ProbeError: the probe names something that cannot travel.
            StudentFault: as `call`.
        """
        return self._request(probe.__name__, probe_code(probe), args, {})["value"]

    def ranks(self, probe: Callable[..., Any], world_size: int, /, *args: Any) -> list[Any]:
        """What `probe(module, rank, world_size, init_method, *args)` returns in each of `world_size` processes at once.

        A process gets of an argument that is `PerRank` its own item and nothing of the others': so what it computes from
        them it has been told by them.

        Raises:
            ProbeError, StudentFault: as `run`; the fault is that of the process that failed first, not of those that only
                saw their connection to it break.
        """
        self.arguments = tuple(_own(argument, 0) for argument in args)
        code = probe_code(probe)
        self.sent.append(args)
        self.probes.append(code)

        def requests(init_method: str) -> list[bytes]:
            return [
                values.encode(
                    self._frame(probe.__name__, code, (rank, world_size, init_method, *(_own(a, rank) for a in args)), {}),
                    layout=True,
                )
                for rank in range(world_size)
            ]

        try:
            replies = self.respondent.ask_ranks(requests)
            answers, faults = [], list[StudentFault]()
            for frame in replies:
                try:
                    answers.append(read_reply(frame)["value"])
                except StudentFault as stopped:
                    faults.append(stopped)
            if faults:  # those that lost a peer only saw the connection to the one that failed break
                raise min(faults, key=lambda stopped: stopped.fault.kind == PEER_LOST)
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
        self.sent.append(self.arguments)
        self.probes += [probe] if probe else []
        request = self._frame(name, probe, args, kwargs, observe=observe)
        try:
            reply = read_reply(self.respondent.ask(values.encode(request, layout=True)), observe=observe)
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
            "seed": secret.seed_from(self.key, str(len(self.replies))), "forbid": self.forbid,
        }  # fmt: skip


@dataclass(frozen=True)
class PerRank:
    """An argument of `Student.ranks` of which each process gets its own item."""

    items: Sequence[Any]


def _own(argument: Any, rank: int) -> Any:
    return argument.items[rank] if isinstance(argument, PerRank) else argument


def read_reply(frame: bytes, *, observe: bool = False) -> dict[str, Any]:
    """The checked content of a reply frame; StudentFault if it reports a fault or is not a reply."""
    try:
        reply = values.decode(frame)
        if not isinstance(reply, dict):
            raise values.WireError("the reply is not a reply")
        if "fault" in reply:
            status, *texts = reply["fault"]
            allowed = (Status.MISSING, Status.ERROR, Status.FORBIDDEN)
            if status not in allowed or not all(isinstance(text, str) for text in texts):
                raise values.WireError("the reply is not a fault")
            message, kind, place = texts
            raise StudentFault(Fault(Status(status), clean(message), clean(kind, 80), clean(place), told=True))
        if reply.keys() != ({"value", "args"} if observe else {"value"}):
            raise values.WireError("the reply is not a value")
    except (values.WireError, TypeError, ValueError) as error:
        text = f"The submission answered with something that is not a value: {error}."
        raise StudentFault(Fault(Status.ERROR, text, "WireError")) from None
    return reply
