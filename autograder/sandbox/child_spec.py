"""What a submission's process is opened for, and what its files tell before their first line runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.course import Limits
from autograder.learner.forbidden_scan import Found
from autograder.submission.choosing import Wanted
from autograder.submission.opening import Form
from autograder.text import clean


@dataclass(frozen=True)
class Looked:
    """What a submission's files tell before their first line runs; of the same files, each of its processes would say the same.

    Attributes:
        findings: where a task uses what it rules out, by task.
        suspicion: where the source looks into its process.
        words: see `learner.own_words`.
        written: the module's functions and classes that do more than to raise NotImplementedError.
        note: which of several files with work was taken.
        source: the module.
    """

    findings: Mapping[str, Found] = field(default_factory=dict)
    suspicion: Found | None = None
    words: Mapping[str, Any] = field(default_factory=dict)
    written: frozenset[str] = frozenset()
    note: str = ""
    source: bytes = b""


@dataclass(frozen=True)
class ChildSpec:
    """What a child is opened for.

    `files` are in the `form` in which the submission has them, last `changed` at those times; the child opens them and chooses
    what is `wanted` (see `submission.opening`). `tasks` names
    the functions of tasks that rule out autograd; `devices` is the number of CUDA devices, which are simulated unless `gpu`
    says that they are the machine's own. In a process `by_hand` PyTorch cannot differentiate. Where another process of the
    submission has looked at the files already, `looked` is what it found.
    """

    files: Mapping[str, bytes]
    module: str
    tasks: Sequence[str]
    limits: Limits
    devices: int | None = None
    network: bool = False
    gpu: bool = False
    by_hand: bool = False
    form: Form = Form.READY
    wanted: Wanted = field(default_factory=Wanted)
    changed: Mapping[str, float] = field(default_factory=dict)
    looked: Looked | None = None


def looked(told: Mapping[str, Any], source: bytes) -> Looked:
    """What a process has told of its files before their first line; KeyError, TypeError or AttributeError for anything else."""
    return Looked(
        {task: Found(*place) for task, place in told["looked"].items()},
        Found(*told["introspects"]) if told["introspects"] else None,
        dict(told["words"]),
        frozenset(map(str, told["written"])),
        clean(str(told["note"])),
        source,
    )
