"""Remembers which replies passed a check, so that nothing is judged twice. Most submissions of a class are alike in much.

Why this is sound: all submissions of one grading get the same inputs, so what a check asks next, and its verdict in the
end, follow from the replies that it has got, and from nothing else. Replies that are byte for byte those of a run that
passed would pass again. Only a full run in the grader adds to the memory; digests are SHA-256, which nobody can collide.
Where a verdict follows from more, nothing is remembered: several processes at once, a run of training, an attachment.

What is known to be asked next is sent before the last reply has been judged, so that neither process waits for the other.
No submission fares better or worse for it: only what the check, or the next one, asks in any case once this reply passes is
sent, and a check that does not pass is run again in a fresh process, where nothing is sent before its turn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain

from autograder.errors import SandboxError
from autograder.results import StudentFault
from autograder.wire.respondent import Respondent

MAX_BYTES = 4 << 20  # of the requests that are remembered for one check


@dataclass
class Memory:
    """What is known of one check. `requests` are those of the last run that passed.

    `known` leads from a digest of the replies so far to the request that comes next, or to b"" once the check has passed.
    """

    known: dict[bytes, bytes] = field(default_factory=dict)
    requests: tuple[bytes, ...] = ()


class Remembering:
    """A Respondent for one submission's run of a check: what is known to be asked next is asked before the check asks it.

    Args:
        respondent: answers.
        memory: what is known of the check.
        following: gives what is asked once this check has passed; without it nothing is sent before its turn.
        sure: whether the submission has the task at all; if not, its first reply is awaited before anything else is sent.
    """

    def __init__(
        self, respondent: Respondent, memory: Memory, following: Callable[[], Iterable[bytes]] | None, *, sure: bool
    ) -> None:
        self._respondent, self._memory, self._following, self._sure = respondent, memory, following, sure
        self._said: list[tuple[bytes, bytes | StudentFault | SandboxError]] = []
        self._at = 0
        self._memorable = True  # False once the check has asked in a way that is not remembered

    def passes_as_before(self) -> bool:
        """Ask on for as long as the replies are known ones; whether they all are."""
        digest = b""
        while request := self._memory.known.get(digest):
            reply = self._say(request)
            if not isinstance(reply, bytes):
                return False
            digest = _digest(digest, reply)
        return digest in self._memory.known

    def ask(self, request: bytes, ahead: Iterable[bytes] = ()) -> bytes:  # noqa: ARG002  the memory knows more
        """Answer a request of the check, from what was asked before as far as that goes.

        Raises:
            SandboxError: the check asks something else than at its last run; it is no longer remembered.
            StudentFault: the submission gave no reply.
        """
        if self._at == len(self._said):
            self._say(request)
        asked, reply = self._said[self._at]
        self._at += 1
        if asked != request:
            self._memory.known, self._memory.requests = {}, ()
            raise SandboxError("the check does not ask the same again")
        if not isinstance(reply, bytes):
            raise reply
        return reply

    def ask_ranks(self, make_requests: Callable[[str], list[bytes]]) -> list[bytes]:
        """The replies of several processes, which are not remembered."""
        self._memorable = False
        return self._respondent.ask_ranks(make_requests)

    def learn(self) -> None:
        """Remember that these replies passed."""
        if not self._memorable or not self._said:
            return
        known, digest = dict(self._memory.known), b""
        for request, reply in self._said:
            if not isinstance(reply, bytes) or known.setdefault(digest, request) != request:
                return
            digest = _digest(digest, reply)
        if known.setdefault(digest, b"") == b"" and sum(map(len, known.values())) <= MAX_BYTES:
            self._memory.known, self._memory.requests = known, tuple(request for request, _ in self._said)

    def _say(self, request: bytes) -> bytes | StudentFault | SandboxError:
        """Ask; what came of it is kept."""
        requests, at = self._memory.requests, len(self._said)
        ahead: Iterable[bytes] = ()
        if self._following is not None and at < len(requests) and (at > 0 or self._sure):
            ahead = chain(requests[at + 1 :], self._following())
        reply: bytes | StudentFault | SandboxError
        try:
            reply = self._respondent.ask(request, ahead)
        except (StudentFault, SandboxError) as error:
            reply = error
        self._said.append((request, reply))
        return reply


def _digest(so_far: bytes, reply: bytes) -> bytes:
    return hashlib.sha256(so_far + hashlib.sha256(reply).digest()).digest()
