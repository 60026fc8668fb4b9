"""Remembers which replies passed a check, so that nothing is judged twice. Most submissions of a class are alike in much.

Why this is sound: all submissions of one grading get the same inputs, so what a check asks next, and its verdict in the
end, follow from the replies that it has got, and from nothing else. Replies that are byte for byte those of a run that
passed would pass again. Only a full run in the grader adds to the memory; digests are SHA-256, which nobody can collide.
Where a verdict follows from more, the suite forgets: several processes at once, a run of training, an attachment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from autograder.errors import SandboxError
from autograder.student import StudentFault

MAX_BYTES = 4 << 20  # of the requests that are remembered for one check

Memory = dict[bytes, bytes]  # of one check: a digest of the replies so far → the request that comes next, b"" once it has passed


class Run:
    """One submission's run of a check: what is known to be asked next is asked before the check asks it."""

    def __init__(self, memory: Memory, ask: Callable[[bytes], bytes]) -> None:
        self._memory, self._ask = memory, ask
        self._said: list[tuple[bytes, bytes | StudentFault | SandboxError]] = []
        self._at = 0
        self.memorable = True  # False once the check has asked in a way that is not remembered

    def passes_as_before(self) -> bool:
        """Ask on for as long as the replies are known ones; whether they all are."""
        digest = b""
        while frame := self._memory.get(digest):
            try:
                reply = self._ask(frame)
            except (StudentFault, SandboxError) as error:
                self._said.append((frame, error))
                return False
            self._said.append((frame, reply))
            digest = _digest(digest, reply)
        return digest in self._memory

    def ask(self, frame: bytes) -> bytes:
        """Answer a request of the check, from what was asked before as far as that goes.

        Raises:
            SandboxError: the check asks something else than at its last run; it is no longer remembered.
            StudentFault: the submission gave no reply.
        """
        if self._at == len(self._said):
            self._said.append((frame, self._ask(frame)))
        asked, reply = self._said[self._at]
        self._at += 1
        if asked != frame:
            self._memory.clear()
            raise SandboxError("the check does not ask the same again")
        if not isinstance(reply, bytes):
            raise reply
        return reply

    def learn(self) -> None:
        """Remember that these replies passed."""
        if not self.memorable or not self._said:
            return
        known, digest = dict(self._memory), b""
        for frame, reply in self._said:
            if not isinstance(reply, bytes) or known.setdefault(digest, frame) != frame:
                return
            digest = _digest(digest, reply)
        if known.setdefault(digest, b"") == b"" and sum(map(len, known.values())) <= MAX_BYTES:
            self._memory.update(known)


def _digest(so_far: bytes, reply: bytes) -> bytes:
    return hashlib.sha256(so_far + hashlib.sha256(reply).digest()).digest()
