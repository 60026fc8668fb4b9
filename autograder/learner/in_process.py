"""A Respondent that answers with a module of this process: for self-checks, which are never grades."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from autograder.learner import calls, ranks
from autograder.learner.loading import LoadedModule


@dataclass(frozen=True)
class InProcess:
    """Answers with `loaded`.

    Attributes:
        loaded: the learner's module, or why it cannot be imported.
        reply_bytes: the most that a reply may hold.
        rank_seconds: how long several processes may take together.
        let_through: exceptions that are not the learner's, such as a test runner's own.
        raised: is given what the learner's code raised, for a debugger.
    """

    loaded: LoadedModule
    reply_bytes: int
    rank_seconds: float
    let_through: tuple[type[BaseException], ...] = ()
    raised: Callable[[BaseException], object] = lambda _: None

    def ask(self, request: bytes, ahead: Iterable[bytes] = ()) -> bytes:  # noqa: ARG002  nothing to gain
        """The module's reply."""
        return calls.serve(self.loaded, request, self.reply_bytes, self.let_through, self.raised)

    def ask_ranks(self, make_requests: Callable[[str], list[bytes]]) -> list[bytes]:
        """The reply of each rank, a fork of this process."""
        return ranks.ask_in_forks(self.loaded, self.reply_bytes, self.rank_seconds, make_requests)


@contextlib.contextmanager
def simulated(devices: int | None) -> Iterator[None]:
    """That many simulated CUDA devices for the length of a block; None leaves the machine as it is."""
    if devices is None:
        yield
        return
    from autograder.simulated_gpus import simulated as simulated_gpus  # noqa: PLC0415  only topics with devices need it

    with simulated_gpus(devices):
        yield
