"""The seam between a check and what it checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol


class Respondent(Protocol):
    """Answers the requests of a check: bytes in, bytes out.

    A check must not know where the learner's code runs, so all that it can do is to send a frame and to get one. Three
    classes do this: `learner.in_process.InProcess` with a module of this process (a self-check, a notebook, a mutant),
    `sandbox.session.Session` with a confined process (a grading), and `grading.verdict_cache.Remembering`, which asks
    another one and knows what is asked next. An author of suites never meets one: `Student` speaks to it.

        request = values.encode({"name": "slope", "args": [x], …})
        reply = values.decode(respondent.ask(request))
    """

    def ask(self, request: bytes, ahead: Iterable[bytes] = ()) -> bytes:
        """The reply to one request.

        Args:
            request: a frame as `wire.values.encode` makes it; see `checks.student.Student` for what it holds.
            ahead: the requests that will come next, as far as that is sure. They may be sent along; after that, no other
                request may come in their place.

        Returns:
            a frame with the value, or with the fault of the learner's code.

        Raises:
            StudentFault: the learner's code gave no reply at all: it crashed, hung or broke the protocol.
            SandboxError: the kit or the machine failed.
        """
        ...

    def ask_ranks(self, make_requests: Callable[[str], list[bytes]]) -> list[bytes]:
        """The replies of several processes that work together, one for each rank.

        Args:
            make_requests: gives each rank's request for the address (a torch.distributed `init_method`) where they meet.

        Raises:
            as `ask`.
        """
        ...
