"""What the course's own modules answer to a check: the solution, which shows that a check is sound, and the mutants.

A mutant is a named misconception. If a submission answers a failed check exactly as a mutant of that task does, it makes the
same mistake, and the mutant's phrase is the diagnosis. The modules are ours, so they run in this process; what they answer
is the same for every submission of a grading, so each is asked once.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from autograder.checks.check import Check, prepare, run
from autograder.course import Topic, mutants
from autograder.errors import KitError
from autograder.grading import time_limit
from autograder.grading.check_run import CheckRun
from autograder.images.training import Training
from autograder.learner.in_process import InProcess, simulated
from autograder.learner.loading import load
from autograder.results import Fault, Status

SUITE_SECONDS = 120.0  # of the processor, for one check of a module of the course
_LET_THROUGH = (KeyboardInterrupt, time_limit.OutOfTime)


class CourseModules:
    """The solution and, in `folder`, the mutants of a topic.

    Args:
        folder: a scratch folder for the mutants' modules; None leaves them out, and with them every diagnosis by mutant.
    """

    def __init__(self, topic: Topic, key: bytes, training: Training | None, folder: Path | None) -> None:
        self._topic, self._key, self._training = topic, key, training
        self._sound: dict[str, bool] = {}
        self._replies: dict[tuple[str, Path], Sequence[Any]] = {}
        self._folder = folder
        self._mutants: dict[str, list[tuple[mutants.Mutant, Path]]] = {}

    def solution_passes(self, check: Check) -> bool:
        """Whether the check itself is sound: if it broke all the same, it broke on what the submission returned."""
        if check.name not in self._sound:
            found = self._topic.solution.is_file() and self.run(check, self._topic.solution).result.status
            self._sound[check.name] = found is Status.PASSED
        return self._sound[check.name]

    def diagnosis(self, check: Check, found: CheckRun) -> str:
        """The sentence of the mutant that answers this check exactly as the submission did, or ""."""
        if self._topic.task(check.task).trains or found.result.status not in (Status.FAILED, Status.ERROR):
            return ""  # a run of training is not repeated with each mutant
        for form in (list, _as_numbers):  # a mutant of the same kind of answer comes before one of the same number
            for mutant, path in self._mutants_of(check.task):
                if _answers_like(found, self._replies_of(path, check), form):
                    return sentence(mutant)
        return ""

    def _mutants_of(self, task: str) -> list[tuple[mutants.Mutant, Path]]:
        """The task's mutants, each with its module, which is written when it is wanted first."""
        if self._folder is None or not self._topic.solution.is_file():
            return []
        if task not in self._mutants:
            self._mutants[task] = found = []
            reference = self._topic.solution.read_text(encoding="utf-8")
            for number, mutant in enumerate(each for each in mutants.load(self._topic) if each.task == task):
                path = self._folder / task / str(number) / self._topic.module
                path.parent.mkdir(parents=True)
                with contextlib.suppress(KitError):  # a mutant that no longer fits its reference: `verify` names it
                    path.write_text(mutants.source(mutant, reference), encoding="utf-8")
                    found.append((mutant, path))
        return self._mutants[task]

    def _replies_of(self, path: Path, check: Check) -> Sequence[Any]:
        key = (check.name, path)
        if key not in self._replies:
            found = self.run(check, path)
            failed = found.result.status not in (Status.PASSED, Status.BROKEN)
            self._replies[key] = found.replies if failed else [object()]  # which equals nobody's
        return self._replies[key]

    def run(self, check: Check, path: Path) -> CheckRun:
        """One run of a check, answered in this process by a module of the course."""
        limits = self._topic.task(check.task).limits
        # A mutant may write files where it stands; where hundreds stood is no place to look for modules.
        with contextlib.chdir(path.parent), simulated(check.devices), _same_path():
            respondent = InProcess(load(path, _LET_THROUGH), limits.reply_mb << 20, limits.check_seconds, _LET_THROUGH)
            fixtures = prepare(check, respondent, self._key, self._training)
            with time_limit.allowed(SUITE_SECONDS):
                result = run(check, fixtures)
        return CheckRun(result, fixtures.student.replies)


@contextlib.contextmanager
def _same_path() -> Iterator[None]:
    """Leave `sys.path` as it was."""
    before = sys.path.copy()
    try:
        yield
    finally:
        sys.path[:] = before


def sentence(mutant: mutants.Mutant) -> str:
    """What a learner is told whose answer is the mutant's."""
    return f"Your result is what comes out of code that {mutant.phrase}."


def _answers_like(found: CheckRun, theirs: Sequence[Any], form: Callable[[Sequence[Any]], Sequence[Any]]) -> bool:
    """Whether the submission answered so, in that form, as far as its share of the grader's time lets that be seen."""
    try:
        with found.clock.limited() if found.clock else contextlib.nullcontext(), time_limit.interruptible():
            return same_replies(form(found.replies), form(theirs))
    except Exception:  # noqa: BLE001  odd replies have no diagnosis; the verdict stands
        return False


def same_replies(mine: Sequence[Any], theirs: Sequence[Any]) -> bool:
    """Whether two runs of one check saw the same answers."""
    return len(mine) == len(theirs) and all(_same(a, b) for a, b in zip(mine, theirs, strict=True))


def _as_numbers(value: Any) -> Any:
    """The same answer with a Python number in place of each tensor without axes, as after `item()`."""
    if isinstance(value, torch.Tensor):
        return value if value.dim() else value.item()
    if isinstance(value, tuple | list):
        return [_as_numbers(item) for item in value]
    return {key: _as_numbers(item) for key, item in value.items()} if isinstance(value, dict) else value


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Fault) and isinstance(b, Fault):
        return (a.status, a.kind, a.essence) == (b.status, b.kind, b.essence)
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        return torch.allclose(_wide(a), _wide(b), rtol=1e-4, atol=1e-6, equal_nan=True)
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return same_replies(a, b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-6) or (math.isnan(a) and math.isnan(b))
    if hasattr(a, "__array__") and hasattr(b, "__array__") and not isinstance(a, torch.Tensor):
        return type(a) is type(b) and bool(a.shape == b.shape and a.dtype == b.dtype and (a == b).all())
    return type(a) is type(b) and bool(a == b)


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach() if tensor.is_complex() else tensor.detach().to(torch.float64)
