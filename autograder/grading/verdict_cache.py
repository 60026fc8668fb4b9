"""Remembers which replies passed a check, so that nothing is judged twice. Most submissions of a class are alike in much.

Why this is sound: all submissions of one grading get the same inputs, so what a check asks next, and its verdict in the
end, follow from the replies that it has got, and from nothing else. Replies that are byte for byte those of a run that
passed would pass again. Only a full run in the grader adds to the memory; digests are SHA-256, which nobody can collide.
Where a verdict follows from more, the suite forgets: several processes at once, a run of training, an attachment.

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

MAX_BYTES = 4 << 20  # of the requests that are remembered for one check

Ask = Callable[[bytes, Iterable[bytes]], bytes]  # a request, and those that come after it as far as they are known → its reply


@dataclass
class Memory:
    """What is known of one check. `requests` are those of the last run that passed.

    `known` leads from a digest of the replies so far to the request that comes next, or to b"" once the check has passed.
    """

    known: dict[bytes, bytes] = field(default_factory=dict)
    requests: tuple[bytes, ...] = ()


class Run:
    """One submission's run of a check: what is known to be asked next is asked before the check asks it.

    `following` gives what is asked once this check has passed; without it nothing is sent before its turn. Unless it is
    `sure` that the submission has the task at all, its first reply is awaited before anything else is sent.
    """

    def __init__(self, memory: Memory, ask: Ask, following: Callable[[], Iterable[bytes]] | None, *, sure: bool) -> None:
        self._memory, self._ask, self._following, self._sure = memory, ask, following, sure
        self._said: list[tuple[bytes, bytes | StudentFault | SandboxError]] = []
        self._at = 0
        self.memorable = True  # False once the check has asked in a way that is not remembered

    def passes_as_before(self) -> bool:
        """Ask on for as long as the replies are known ones; whether they all are."""
        digest = b""
        while frame := self._memory.known.get(digest):
            reply = self._say(frame)
            if not isinstance(reply, bytes):
                return False
            digest = _digest(digest, reply)
        return digest in self._memory.known

    def ask(self, frame: bytes) -> bytes:
        """Answer a request of the check, from what was asked before as far as that goes.

        Raises:
            SandboxError: the check asks something else than at its last run; it is no longer remembered.
            StudentFault: the submission gave no reply.
        """
        if self._at == len(self._said):
            self._say(frame)
        asked, reply = self._said[self._at]
        self._at += 1
        if asked != frame:
            self._memory.known, self._memory.requests = {}, ()
            raise SandboxError("the check does not ask the same again")
        if not isinstance(reply, bytes):
            raise reply
        return reply

    def learn(self) -> None:
        """Remember that these replies passed."""
        if not self.memorable or not self._said:
            return
        known, digest = dict(self._memory.known), b""
        for frame, reply in self._said:
            if not isinstance(reply, bytes) or known.setdefault(digest, frame) != frame:
                return
            digest = _digest(digest, reply)
        if known.setdefault(digest, b"") == b"" and sum(map(len, known.values())) <= MAX_BYTES:
            self._memory.known, self._memory.requests = known, tuple(frame for frame, _ in self._said)

    def _say(self, frame: bytes) -> bytes | StudentFault | SandboxError:
        """Ask; what came of it is kept."""
        requests, at = self._memory.requests, len(self._said)
        coming: Iterable[bytes] = ()
        if self._following is not None and at < len(requests) and (at > 0 or self._sure):
            coming = chain(requests[at + 1 :], self._following())
        reply: bytes | StudentFault | SandboxError
        try:
            reply = self._ask(frame, coming)
        except (StudentFault, SandboxError) as error:
            reply = error
        self._said.append((frame, reply))
        return reply


def _digest(so_far: bytes, reply: bytes) -> bytes:
    return hashlib.sha256(so_far + hashlib.sha256(reply).digest()).digest()
