"""What a grading found: Status, Fault, CheckResult, TaskResult, Report, and their JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from autograder import language
from autograder.errors import KitError

SCHEMA = 1


class Status(StrEnum):
    """What became of a check or a task."""

    PASSED = "passed"
    FAILED = "failed"
    PARTIAL = "partial"
    MISSING = "missing"
    ERROR = "error"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    FORBIDDEN = "forbidden"
    SUSPICIOUS = "suspicious"
    BROKEN = "broken"


class SubmissionStatus(StrEnum):
    """What became of a whole submission."""

    GRADED = "graded"
    SUSPICIOUS = "suspicious"
    UNREADABLE = "unreadable"
    BROKEN = "broken"


PEER_LOST = "PeerLost"  # a fault's kind: one of several processes saw its connection to another break


@dataclass(frozen=True)
class Fault:
    """Why the learner's code gave no value.

    Attributes:
        message: for the learner.
        kind: the exception's type, by name, or PEER_LOST.
        place: the part of the message that says where in the learner's files it was.
        told: whether the process of the learner's code said so, where hidden inputs are known.
    """

    status: Status
    message: str
    kind: str = ""
    place: str = ""
    told: bool = False

    @property
    def essence(self) -> str:
        """The message without its place: the same mistake on another line has the same."""
        return self.message.replace(self.place, "") if self.place else self.message


class StudentFault(Exception):
    """The learner's code gave no value; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(frozen=True)
class Claim:
    """One reading of one wrong value.

    `key` is what is claimed, the same for every comparison that bears it out; `sentence` says it to the learner, never with
    values. `sizes` is what must differ between two comparisons for both to count: the size that a factor is claimed to be,
    or the shapes; () where this comparison does not tell the claim from another. `alone` is whether it is proof enough alone.
    """

    key: str
    sentence: str
    sizes: tuple[object, ...]
    alone: bool = False


WRONG_LEVELS = 5  # of a cell: 0 all right, 4 all wrong


@dataclass(frozen=True)
class Picture:
    """What a failed comparison looks like, for `feedback.pictures` to draw.

    Attributes:
        expected: the shape that was expected.
        came: the shape that came; if it is the same, the values are wrong.
        wrong: where they are: rows of a map, a digit a cell, from 0 for all right to 4 for all wrong.
    """

    expected: tuple[int, ...]
    came: tuple[int, ...]
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckResult:
    """One check of a task.

    Attributes:
        title: completes "it …", for the learner.
        message: speaks to the learner.
        detail: adds values that only a self-check may show.
        diagnosis: names the likely mistake, or is "".
        claims: how the wrong value can be read; see `checks.suspects`.
        picture: shows what the message says, where there is something to see.
    """

    status: Status
    title: str = ""
    message: str = ""
    detail: str = ""
    diagnosis: str = ""
    seconds: float = 0.0
    claims: tuple[Claim, ...] = field(default=(), compare=False)
    picture: Picture | None = None


@dataclass(frozen=True)
class TaskResult:
    """One task, as in OUT/results/NAME.json.

    `conduct` says that some of its checks rest on what only the submission's own process can tell (see `checks.marks.conduct`).
    """

    id: str
    status: Status
    score: float
    max_score: float
    message: str = ""
    diagnosis: str = ""
    hint: str = ""
    seconds: float = 0.0
    conduct: bool = False
    picture: Picture | None = None


@dataclass(frozen=True)
class Person:
    """Whose a submission is, as the roster or the export it came in says; "" for what neither knows."""

    id: str = ""
    name: str = ""
    email: str = ""
    section: str = ""


NOBODY = Person()


@dataclass(frozen=True)
class Report:
    """One submission, as in OUT/results/NAME.json.

    `data` says which data set was used, `gpu` which GPUs beside the simulated ones, if any. `attachments` holds evidence
    for the pages, by name; it has files of its own. `notes` are sentences on how the files were read, for the instructor.
    `handed_in` is the time in ISO 8601, or "" where it is not known; `late_days` are begun days after the deadline, and
    `penalty` the points that they cost, which `score` is already without. `digest` stands for all that decided the result,
    or is "" (see `grading.digest`).
    """

    topic: str
    submission: str
    status: SubmissionStatus
    score: float
    max_score: float
    message: str
    isolation: str
    seconds: float
    tasks: tuple[TaskResult, ...] = ()
    data: str = ""
    gpu: str = ""
    person: Person = NOBODY
    notes: tuple[str, ...] = ()
    handed_in: str = ""
    late_days: int = 0
    penalty: float = 0.0
    digest: str = ""
    attachments: dict[str, Any] = field(default_factory=dict)

    @property
    def has_score(self) -> bool:
        """Whether its score says something of the work: of what could not be read, or broke by a fault of the kit, none does."""
        return self.status not in (SubmissionStatus.UNREADABLE, SubmissionStatus.BROKEN)

    def counts(self, *, zero_unreadable: bool) -> bool:
        """Whether its score is to be written down as one; `zero_unreadable` counts what could not be read as zero."""
        return self.has_score or (zero_unreadable and self.status is SubmissionStatus.UNREADABLE)

    @property
    def remark(self) -> str:
        """What a row of the class says: the message, and for a submission that was graded the tasks that are not passed."""
        if self.status is not SubmissionStatus.GRADED:
            return self.message
        lost = ", ".join(task.id for task in self.tasks if task.status is not Status.PASSED)
        return " ".join(filter(None, (self.message, lost)))


def summarise(task_id: str, points: float, hint: str, checks: list[CheckResult], *, conduct: bool = False) -> TaskResult:
    """A task's result from its checks in file order.

    The first check is the main one: without it there are no points. With it, the points are shared evenly by the checks.
    """
    seconds = round(math.fsum(check.seconds for check in checks), 4)
    wrong = [check for check in checks if check.status is not Status.PASSED]
    if not checks:
        return TaskResult(task_id, Status.BROKEN, 0.0, points, "The suite has no check for this task.")
    if not wrong:
        return TaskResult(task_id, Status.PASSED, points, points, seconds=seconds, conduct=conduct)
    decisive = next((c for s in (Status.BROKEN, Status.FORBIDDEN) for c in wrong if c.status is s), wrong[0])
    if decisive.status in (Status.BROKEN, Status.FORBIDDEN) or checks[0].status is not Status.PASSED:
        status, score = decisive.status, 0.0
    else:
        status, score = Status.PARTIAL, round(points * (len(checks) - len(wrong)) / len(checks), 2)
    message = decisive.message
    if decisive.title and decisive.status not in (Status.MISSING, Status.FORBIDDEN, Status.SUSPICIOUS):
        message = " ".join(filter(None, (f"Expected: it {decisive.title}.", message)))
    return TaskResult(task_id, status, score, points, message, decisive.diagnosis, hint, seconds, conduct,
                      decisive.picture)  # fmt: skip


def broken(report: Report, reason: str) -> Report:
    """The same submission without a grade, for a fault of the kit; `reason` says which, without a period."""
    tasks = tuple(replace(task, status=Status.BROKEN, score=0.0, message="", diagnosis="", picture=None) for task in report.tasks)
    text = f"Fault of the kit: {reason}."
    return replace(report, status=SubmissionStatus.BROKEN, score=0.0, message=text, tasks=tasks, seconds=0.0, attachments={})


def to_json(report: Report) -> str:
    """The text of OUT/results/NAME.json."""
    document = {"schema": SCHEMA, **dataclasses.asdict(report)}
    del document["attachments"]
    for task in document["tasks"]:
        if task["picture"] is None:
            del task["picture"]
        if said := {name: _said(task[name]) for name in ("message", "diagnosis") if task[name]}:
            task["said"] = said
    document["person"] = {name: value for name, value in document["person"].items() if value}
    for name in ("data", "gpu", "person", "notes", "handed_in", "late_days", "penalty", "digest"):
        if not document[name]:
            del document[name]
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str) -> Report:
    """The Report that `to_json` wrote; KitError if the text is something else."""
    try:
        document = json.loads(text)
        if document.pop("schema") != SCHEMA:
            raise KitError("the result was written by another version of the kit")
        tasks = tuple(
            TaskResult(**{**_without_said(task), "status": Status(task["status"]), "picture": picture_of(task.get("picture"))})
            for task in document.pop("tasks")
        )
        person, notes = Person(**document.pop("person", {})), tuple(map(str, document.pop("notes", ())))
        report = Report(**{**document, "status": SubmissionStatus(document["status"])}, tasks=tasks, person=person, notes=notes)
        _check_kinds(report)
        _check_kinds(person)
        for task in tasks:
            _check_kinds(task)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise KitError(f"not a result of this kit: {error}") from None
    return report


def _said(text: str) -> list[dict[str, Any]]:
    """The sentences of an English text for whoever says them in another language: each one's pattern and its values.

    The pattern is its name in the catalogues; a sentence that no catalogue has is a text alone.
    """
    return [
        {"id": part.pattern, "values": dict(part.values)} if part.pattern else {"text": part.text}
        for part in language.parts(text)
    ]


def _without_said(task: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in task.items() if name != "said"}


def picture_of(found: dict[str, list[Any]] | None) -> Picture | None:
    """The picture that was written as JSON, or None; ValueError and the like for what is none."""
    if found is None:
        return None
    expected, came = (tuple(map(int, found[name])) for name in ("expected", "came"))
    wrong = tuple(map(str, found["wrong"]))
    if not all(set(row) <= set("01234"[:WRONG_LEVELS]) and len(row) == len(wrong[0]) for row in wrong):
        raise ValueError("a map that is none")
    return Picture(expected, came, wrong)


def _check_kinds(part: Report | TaskResult | Person) -> None:
    for item in dataclasses.fields(part):
        value, kind = getattr(part, item.name), {"str": str, "int": int, "float": int | float}.get(str(item.type), object)
        if not isinstance(value, kind) or (isinstance(value, float) and not math.isfinite(value)):
            raise TypeError(f"{item.name} is {value!r}")
