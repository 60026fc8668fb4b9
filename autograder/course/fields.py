"""What may stand in course.yaml: the one table behind the reader, the schema for editors and the page of the docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autograder.course.model import Limits

REQUIRED = object()


@dataclass(frozen=True)
class Value:
    """A plain value, in words and as JSON schema says it; with `many`, or a list of such values."""

    words: str
    schema: Mapping[str, Any]
    many: bool = False


@dataclass(frozen=True)
class Section:
    """Names that the kit knows, with their values. Where the first name of `instead` stands, that section is meant."""

    title: str
    fields: tuple[Field, ...]
    instead: Section | None = None


@dataclass(frozen=True)
class Each:
    """Names that the author chooses, each with the same section below it. A name has to match the whole `pattern`."""

    words: str
    pattern: str
    section: Section


@dataclass(frozen=True)
class Field:
    """One name: what its value may be, what it says, and what holds where it is left out (None: nothing)."""

    name: str
    kind: Value | Section | Each
    sentence: str
    default: Any = REQUIRED


def _whole(most: int) -> Value:
    return Value(f"a whole number from 1 to {most:,}", {"type": "integer", "minimum": 1, "maximum": most})


TEXT = Value("a text", {"type": "string"})
HINTS = Value("a text, or a list of texts", {"type": "string"}, many=True)
TASKS = Value("the name of a task, or a list of names", {"type": "string"}, many=True)
FLAG = Value("true or false", {"type": "boolean"})
POSITIVE = Value("a number above 0", {"type": "number", "exclusiveMinimum": 0})
NOT_NEGATIVE = Value("a number, 0 or more", {"type": "number", "minimum": 0})
FRACTION = Value("a number from 0 to 1", {"type": "number", "minimum": 0, "maximum": 1})
SECONDS = Value("a number above 0, at most 1,000,000", {"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000})
COUNT = _whole(1_000_000_000)
MEGABYTES = _whole(1_000_000)
TIME = Value("a time, as in 2026-11-30 23:59 or 2026-11-30 23:59 +01:00",
             {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d( ?(Z|[+-]\d\d:\d\d))?$"})  # fmt: skip
ZONE = Value("a time zone, as in Europe/Berlin", {"type": "string", "pattern": r"^[A-Za-z][\w+-]*(/[\w+-]+)*$"})
PERCENT = Value("a percentage, as in 10%", {"type": "string", "pattern": r"^(100|\d{1,2}(\.\d+)?)%$"})
MINUTES = Value("a number of minutes, from 0 to 1,440", {"type": "number", "minimum": 0, "maximum": 1_440})
TECHNIQUE = Value("autograd", {"enum": ["autograd"]})

CHECK_SECONDS = "for one check, in seconds"

LIMITS = Section(
    "limits",
    (
        Field("import_seconds", SECONDS, "to import the submission's module, in seconds", Limits.import_seconds),
        Field("check_seconds", SECONDS, CHECK_SECONDS, Limits.check_seconds),
        Field("total_seconds", SECONDS, "for all checks together, in seconds", Limits.total_seconds),
        Field("grader_seconds", SECONDS, "of the grader's processor, for judging what it returns", Limits.grader_seconds),
        Field("memory_mb", MEGABYTES, "memory beyond what the warm process holds, in 2**20 bytes", Limits.memory_mb),
        Field("reply_mb", MEGABYTES, "one reply of the student's code, in 2**20 bytes", Limits.reply_mb),
        Field("scratch_mb", MEGABYTES, "files that the student's code may write, in 2**20 bytes", Limits.scratch_mb),
    ),
)

LATE = Section(
    "late",
    (
        Field("per_day", PERCENT, "what each day costs that has begun after the deadline, of what the topic is worth"),
        Field("most_days", COUNT, "days after which nothing counts; left out: there is no such day", None),
        Field("grace_minutes", MINUTES, "minutes after the deadline that are not late yet", 0),
    ),
)

MINIMUM = Section(
    "minimum",
    (
        Field("photographs", FRACTION, "the accuracy to reach on photographs: the official archive or a folder of images"),
        Field("embedded", FRACTION, "the accuracy to reach on the images that the kit draws itself"),
    ),
)

PLAYED = Section(
    "budgets: NAME, without images",
    (
        Field("episodes", COUNT, "episodes that the submission may play"),
        Field("minimum", POSITIVE, "the score to reach, such as a mean return"),
        Field("seconds", SECONDS, "the longest that the check may take"),
    ),
)

BUDGET = Section(
    "budgets: NAME",
    (
        Field("images", COUNT, "training images"),
        Field("test_images", COUNT, "images to measure the accuracy on, which no submission has seen"),
        Field("batch", COUNT, "images in a batch"),
        Field("epochs", COUNT, "times through the training images"),
        Field("lr", POSITIVE, "learning rate of the optimizer"),
        Field("momentum", NOT_NEGATIVE, "momentum of the optimizer"),
        Field("minimum", MINIMUM, "the accuracy to reach, as a fraction of the test images"),
        Field("seconds", SECONDS, "the longest that the check may take"),
    ),
    instead=PLAYED,
)

SETTINGS = Section(
    "settings",
    (
        Field("data", TEXT, "the images: `auto`, `official`, `embedded`, or the path of a folder or tar file of images; "
                            "`--data` says otherwise", "auto"),
        Field("budget", TEXT, "the name of the budget to train with; `--budget` says otherwise"),
        Field("budgets", Each("the name of a budget", r"\S+", BUDGET), "one run of training each"),
    ),
)  # fmt: skip

TASK = Section(
    "tasks: NAME",
    (
        Field("points", POSITIVE, "what the task is worth"),
        Field("hint", HINTS, "for who is stuck: a question, the idea, the API with an example on other numbers, whose lines "
                             "begin with `>>>` and come last. Feedback shows the first, `autograder hint` one after the other"),
        Field("forbid", TECHNIQUE, "a technique that the task rules out", None),
        Field("trains", FLAG, "whether its checks train, in the time of the topic's budget", default=False),
        Field("needs", TASKS, "tasks above it without whose main checks it earns nothing, and is not run", None),
        Field("check_seconds", SECONDS, CHECK_SECONDS, None),
    ),
)  # fmt: skip

TASK_NAME = r"(?!\w*(?:__|_$))[^\W\d]\w*"  # it stands in those of the checks, test_TASK__what: two underlines end it
TOPIC = Section(
    "topics: NAME",
    (
        Field("title", TEXT, "the topic in words"),
        Field("limits", LIMITS, "what a submission may use, where it differs from the course", None),
        Field("settings", SETTINGS, "budgets, and images where there are any, for a topic with a task that trains", None),
        Field("deadline", TIME, "when it is to be handed in; without an offset in the course's `timezone`. A roster may put it "
                                "off for a student", None),
        Field("late", LATE, "what lateness costs, where it differs from the course", None),
        Field("tasks", Each("a name that a check can carry", TASK_NAME, TASK),
              "what there is to complete, in this order: functions and classes of the module, or names of your own"),
    ),
)  # fmt: skip

COURSE = Section(
    "course.yaml",
    (
        Field("title", TEXT, "the course in words"),
        Field("limits", LIMITS, "what one submission may use, unless a topic or a task says otherwise", None),
        Field("timezone", ZONE, "of times that name no offset; left out: that of the machine that grades", None),
        Field("late", LATE, "what lateness costs, unless a topic says otherwise; left out: it is said, and costs nothing", None),
        Field("topics", Each("the name of a folder", r"[^./\\][^/\\]*", TOPIC),
              "the folders in `exercises`, `solutions` and `tests/hidden`, in this order"),
    ),
)  # fmt: skip
