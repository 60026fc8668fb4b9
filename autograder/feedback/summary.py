"""How far a learner is with the public checks: one frozen record a task, and the lines that a terminal shows of it.

`pytest exercises/TOPIC`, `autograder check` and `autograder watch` show the same: what a record says is decided here, once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from autograder.course import Course, Task, Topic
from autograder.feedback.uses import uses
from autograder.language import say
from autograder.results import CheckResult, Status
from autograder.text import columns

_CHECK = re.compile(r"^\s*(?:async )?def test_(\w+?)__\w*\(", re.MULTILINE)
_ROOM = 24  # columns for a task's name
BAR = 20  # cells of a bar


class Tone(Enum):
    """What a line is about, for whoever colours it."""

    PLAIN = "plain"
    TITLE = "title"
    DONE = "done"
    TODO = "todo"
    WRONG = "wrong"


@dataclass(frozen=True)
class Line:
    """One line for a terminal."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class CheckState:
    """One check that was run: the name of its function, where it stands in its file, and what became of it."""

    function: str
    line: int
    result: CheckResult


@dataclass(frozen=True)
class TaskState:
    """How far one task is.

    Attributes:
        task: its id.
        called: what `autograder hint` knows it by.
        points: what it is worth.
        passed: how many of its public checks have passed in this run.
        checks: how many public checks it has.
        failure: the first of its checks that did not pass, in file order.
        others: those that did not pass after it.
        rests_on: other tasks that it calls and that are not right yet, with their status.
    """

    task: str
    called: str
    points: float
    passed: int
    checks: int
    failure: CheckResult | None = None
    others: tuple[CheckResult, ...] = ()
    rests_on: tuple[tuple[str, Status], ...] = ()

    @property
    def done(self) -> bool:
        """Whether all of its public checks were run and passed."""
        return self.failure is None and 0 < self.checks <= self.passed

    @property
    def word(self) -> str:
        """The state in a word or two."""
        if self.failure is not None:
            return "not done yet" if self.failure.status is Status.MISSING else str(self.failure.status)
        if self.done:
            return "done"
        if not self.checks:
            return "when handed in"
        return f"{self.passed} of {self.checks} pass" if self.passed else "not checked"

    @property
    def cause(self) -> str:
        """That a task which this one calls is not right yet, as a sentence; "" if there is none."""
        if not self.rests_on:
            return ""
        (name, status), *_ = self.rests_on
        return f"{self.task} uses {name}, which is not {'done' if status is Status.MISSING else 'right'} yet: start there."

    @property
    def reason(self) -> str:
        """What to mend first, for the end of the task's line; "" where the word says it all."""
        if self.cause:
            return self.cause
        if self.failure is None or self.failure.status is Status.MISSING:
            return ""
        if self.failure.status is Status.BROKEN:
            return "a fault of the checks, not yours"
        return f"expected: it {self.failure.title}"


@dataclass(frozen=True)
class TopicState:
    """How far one topic is; `fault` says why its module cannot be checked at all, or is ""."""

    name: str
    title: str
    module: str
    tasks: tuple[TaskState, ...]
    fault: str = ""

    @property
    def done(self) -> tuple[TaskState, ...]:
        """The tasks whose public checks all pass."""
        return tuple(task for task in self.tasks if task.done)

    @property
    def next(self) -> TaskState | None:
        """The task to do next: the first that is open, or else the first that was not checked; None if all are done."""
        return next((task for task in self.tasks if task.failure), None) or next(
            (task for task in self.tasks if task.checks and not task.done), None
        )


def public_checks(topic: Topic) -> Counter[str]:
    """How many public checks each task has, from the text of their file."""
    return Counter(_CHECK.findall(topic.public_checks.read_text(encoding="utf-8")))


def topic_state(course: Course, topic: Topic, ran: Mapping[str, Sequence[CheckState]], fault: str = "") -> TopicState:
    """What the checks that were run say of a topic.

    Args:
        course: the course, which knows what a task is called.
        topic: the topic.
        ran: by task id, the checks that were run.
        fault: why the module cannot be checked at all, or "".
    """
    counts = public_checks(topic)
    wrong = {task: _wrong(checks) for task, checks in ran.items()}
    open_tasks = {task: found[0].status for task, found in wrong.items() if found}
    calls = _calls(topic, open_tasks)
    tasks = tuple(_task_state(task, course.called(topic, task), ran.get(task.id, ()), counts[task.id], wrong.get(task.id, ()),
                              [(name, open_tasks[name]) for name in calls.get(task.id, ())])
                  for task in topic.tasks)  # fmt: skip
    return TopicState(topic.name, topic.title, topic.module, tasks, fault)


def _wrong(checks: Iterable[CheckState]) -> tuple[CheckResult, ...]:
    in_order = sorted(checks, key=lambda check: check.line)
    return tuple(check.result for check in in_order if check.result.status is not Status.PASSED)


def _calls(topic: Topic, open_tasks: Collection[str]) -> dict[str, list[str]]:
    """By open task, the open tasks before it that it calls, in the topic's order."""
    try:
        found = uses(topic.stub.read_bytes(), [task.id for task in topic.tasks])
    except OSError:
        return {}
    order = [task.id for task in topic.tasks if task.id in open_tasks]
    return {task: [name for name in order[:place] if name in found.get(task, ())] for place, task in enumerate(order)}


def _task_state(
    task: Task, called: str, checks: Sequence[CheckState], count: int, wrong: Sequence[CheckResult],
    rests_on: Sequence[tuple[str, Status]],
) -> TaskState:  # fmt: skip
    failed = {check.function for check in checks if check.result.status is not Status.PASSED}
    passed = len({check.function for check in checks} - failed)
    return TaskState(task.id, called, task.points, passed, count, wrong[0] if wrong else None, tuple(wrong[1:]), tuple(rests_on))


def table(topics: Sequence[TopicState], width: int) -> list[Line]:
    """One line a task, of at most `width` columns; a topic beside others that is all done, or not begun, is one line."""
    lines: list[Line] = []
    for topic in topics:
        if topic.fault:
            lines.append(Line(_cut(say(f"{topic.name}: {topic.module} cannot be checked yet"), width), Tone.WRONG))
            continue
        shown = [task for task in topic.tasks if task.failure or task.passed]
        words = {task.word for task in shown}
        if len(topics) > 1 and len(words) == 1 and words <= {"done", "not done yet"}:
            count = say(f"{len(shown)} task{'s' * (len(shown) != 1)}")
            lines.append(Line(_cut(f"{topic.name}: {say(words.pop())} ({count})", width), _tone(shown[0])))
            continue
        if len(topics) > 1:
            lines.append(Line(_cut(topic.name, width), Tone.TITLE))
        room = min(max(len(task.task) for task in shown), _ROOM, width * 3 // 5)
        word_room = max(columns(say(task.word)) for task in shown)
        lines += [Line(_cut(f"{task.task:<{room}}  {_padded(say(task.word), word_room)}  {say(task.reason)}".rstrip(), width),
                       _tone(task)) for task in shown]  # fmt: skip
        left = [task.task for task in topic.tasks if task not in shown and task.checks]
        if left:
            lines.append(Line(_cut(say(f"not checked in this run: {', '.join(left)}"), width)))
    return [*lines, *_totals(topics), *_next(topics)]


def _totals(topics: Sequence[TopicState]) -> list[Line]:
    tasks = [task for topic in topics for task in topic.tasks]
    seen = [task for task in tasks if task.failure or task.passed]
    whole = not seen or all(task in seen for task in tasks if task.checks)
    done = [task for task in tasks if task.done]
    points, most = (sum(task.points for task in some) for some in (done, tasks if whole else seen))
    if whole:
        text = f"Public checks passed: {len(done)} of {len(tasks)} tasks, {points:g} of {most:g} points."
    else:
        text = f"Public checks passed in this run: {len(done)} of {len(seen)} tasks, {points:g} of {most:g} points."
    unseen = [task.task for task in tasks if not task.checks]
    return [Line(say(text), Tone.TITLE), *[Line(say(f"Without a public check: {', '.join(unseen)}."))] * bool(unseen)]


def _next(topics: Sequence[TopicState]) -> list[Line]:
    for topic in topics:
        if topic.fault:
            return [Line(say(f"Next: mend exercises/{topic.name}/{topic.module}; the message is above."))]
        if (task := topic.next) and task.failure:
            prefix = f"{topic.name} · " if len(topics) > 1 else ""
            return [Line(say(f"Next: {prefix}{task.task}. A hint: autograder hint {task.called}"))]
    unchecked = [topic for topic in topics if topic.next]  # in this run: it may be done
    return [Line(say(f"Next: what is still open, by autograder check {topic.name}")) for topic in unchecked[:1]]


def glance(topics: Sequence[TopicState], width: int) -> list[Line]:
    """The course at a glance: one line a topic with a bar, and the first task to do with its commands."""
    room = max((len(topic.name) for topic in topics), default=0)
    counts = {topic.name: (len(topic.done), sum(task.checks > 0 for task in topic.tasks)) for topic in topics}
    lines = []
    for topic in topics:
        done, total = counts[topic.name]
        bar = f"{_bar(done, total, BAR)}  " if width >= room + BAR + 16 else ""
        fault = f"  {say(f'{topic.module} cannot be checked yet')}" if topic.fault else ""
        tone = Tone.WRONG if topic.fault else Tone.DONE if done == total else Tone.TODO
        lines.append(Line(_cut(f"{topic.name:<{room}}  {bar}{say(f'{done:>2} of {total}')}{fault}", width), tone))
    lines += _totals(topics)
    for topic in topics:
        folder = f"exercises/{topic.name}"
        if topic.fault:
            return [*lines, Line(say(f"First: {topic.fault}")), Line(f"  pytest {folder}")]
        if task := topic.next:
            first = say(f"First to do: {topic.name} · {task.task}")
            return [*lines, Line(first, Tone.TITLE), *[Line(f"  {say(task.cause)}")] * bool(task.cause),
                    Line(f"  autograder check {topic.name} {task.task}"), Line(f"  autograder hint {task.called}")]  # fmt: skip
    return lines


def _bar(done: int, total: int, cells: int) -> str:
    full = done * cells // total if total else 0
    return "█" * full + "░" * (cells - full)


def _tone(task: TaskState) -> Tone:
    if task.done:
        return Tone.DONE
    return Tone.TODO if task.failure is None or task.failure.status is Status.MISSING else Tone.WRONG


def _padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def _cut(text: str, width: int) -> str:
    if columns(text) <= width:
        return text
    while text and columns(text) >= width:
        text = text[:-1]
    return text + "…"
