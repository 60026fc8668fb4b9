"""What `autograder watch` shows: the first open task in full, what is done as a bar. From a View to lines, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from rich.cells import set_cell_size

from autograder.feedback import pictures
from autograder.language import say
from autograder.results import CheckResult, Status
from autograder.text import columns, wrapped

KEYS = "h hint · a all · n next · r reset · q quit"
WIDEST = 100
MOST_PRINTED = 8  # lines of what the learner's code has printed
GREEN, RED, YELLOW, DIM, BOLD = "32", "31", "33", "2", "1"

Line = tuple[str, str]  # text, and the number of its style in a terminal, or ""


@dataclass(frozen=True)
class TaskView:
    """A task and the results of its checks when they ran last; None if they have not yet."""

    id: str
    results: tuple[CheckResult, ...] | None = None

    @property
    def done(self) -> bool:
        """Whether all its checks pass."""
        return self.results is not None and all(result.status is Status.PASSED for result in self.results)

    @property
    def state(self) -> str:
        """What became of it, in words."""
        if self.results is None:
            return "not checked yet"
        wrong = next((result.status for result in self.results if result.status is not Status.PASSED), None)
        if wrong is None:
            return "done" if self.results else "has no public checks"
        return "not done yet" if wrong is Status.MISSING else str(wrong)


@dataclass(frozen=True)
class View:
    """All that the screen depends on.

    Attributes:
        topic: the topic's name.
        title: the topic's title.
        tasks: in the order of the course.
        focus: the task that is shown in full; "" if there is none.
        fault: what keeps the module from being checked at all, in one sentence, or "".
        printed: what the learner's code has printed while the focus was checked.
        hint: the last hint of the focus that was asked for, headed by its number; "" for none.
        notes: what is to be said beside.
        question: what has to be answered with y or n, or "".
        everything: whether all tasks and topics are listed in place of the focus.
        topics: each topic's name, and how many of how many tasks are done.
        working: whether checks are under way.
        seconds: from the save to the answer, 0 while there is none.
    """

    topic: str
    title: str
    tasks: tuple[TaskView, ...]
    focus: str = ""
    fault: str = ""
    printed: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()
    question: str = ""
    everything: bool = False
    topics: tuple[tuple[str, int, int], ...] = ()
    working: bool = False
    seconds: float = 0.0


def screen(view: View, width: int, height: int, *, colour: bool) -> list[str]:
    """The lines of the screen, none wider than `width`, at most `height` of them: what does not fit is said so."""
    width = max(min(width, WIDEST), 20)
    top = [*_filled(f"{view.topic} · {view.title}", width, style=BOLD), *_bar(view, width), ("", "")]
    middle = _all(view, width) if view.everything else answer(view, width)
    bottom = [("", ""), *chain(*(_filled(note, width) for note in view.notes))]
    if view.question:
        bottom += [*_filled(view.question, width, style=YELLOW), (say("y yes · n no"), BOLD)]
    else:
        state = "checking …" if view.working else f"checked in {view.seconds:.2f} s" if view.seconds else "waiting for a save"
        bottom += [(say(state), DIM), *_filled(KEYS, width, style=DIM)]
    room = height - len(top) - len(bottom)
    if len(middle) > room > 0:
        middle = [*middle[: room - 1], (set_cell_size(say("… the window is too low for the rest"), width).rstrip(), DIM)]
    lines = [*top, *middle, *bottom][: max(height, 1)]
    return [f"\x1b[{style}m{text}\x1b[0m" if colour and style and text else text for text, style in lines]


def count(view: View) -> str:
    """How many checks of all tasks pass and how many do not."""
    results = [result for task in view.tasks for result in task.results or ()]
    passed = sum(result.status is Status.PASSED for result in results)
    failed = f"{len(results) - passed} failed, " if passed < len(results) else ""
    return f"{view.topic}: {failed}{passed} passed"


def answer(view: View, width: int) -> list[Line]:
    """The module's fault, or the task in focus with what to do about it."""
    if view.fault:
        return _filled(f"✗ {view.fault}", width, style=RED)
    task = next((task for task in view.tasks if task.id == view.focus), None)
    if task is None and view.working:
        return _filled("The others are checked once more …", width)
    if task is None:
        done = f"All tasks of {view.topic} are done: their public checks pass."
        return _filled(f"✓ {done}", width, style=GREEN)
    wrong = [result for result in task.results or () if result.status is not Status.PASSED]
    if not wrong:
        return _filled(f"{task.id}: {say('checking …')}", width)
    lines = _failure(task, wrong, width)
    if printed := view.printed.rstrip().splitlines():
        lines.append((f"  {say('Your code printed:')}", DIM))
        lines += [(set_cell_size(f"    {line}", width).rstrip(), "") for line in printed[-MOST_PRINTED:]]
    if view.hint:
        parts = ([(line, "")] if columns(line) <= width else _filled(line.strip(), width, 2) for line in view.hint.splitlines())
        lines += [("", ""), *chain(*parts)]
    return lines


def _failure(task: TaskView, wrong: Sequence[CheckResult], width: int) -> list[Line]:
    """The first check that does not pass in full, the others as one line each."""
    first = wrong[0]
    lines = _filled(f"✗ {task.id}: {say(task.state)}", width, style=YELLOW if first.status is Status.MISSING else RED)
    if first.title:
        lines += _filled(f"Expected: it {first.title}.", width, 2)
    for text in (first.message, first.detail, first.diagnosis):
        lines += chain(*(_filled(part, width, 2) for part in text.splitlines()))
    if first.picture:
        lines += [(f"    {line}", "") for line in pictures.lines(first.picture, width - 4)]
    for other in wrong[1:]:
        lines += _filled(f"✗ {say(f'It {other.title}.')}", width, 2, DIM)
    return lines


def _all(view: View, width: int) -> list[Line]:
    lines: list[Line] = []
    for task in view.tasks:
        mark, style = ("✓", GREEN) if task.done else ("→", BOLD) if task.id == view.focus else ("·", "")
        lines += _filled(f"{mark} {task.id}" + ("" if task.done else f": {say(task.state)}"), width, style=style)
    lines.append(("", ""))
    for name, done, total in view.topics:
        lines += _filled(f"{'→' if name == view.topic else '✓' if done == total else '·'} {name}: {done} of {total} done", width)
    return lines


def _bar(view: View, width: int) -> list[Line]:
    done, total = sum(task.done for task in view.tasks), len(view.tasks)
    told = f" {say(f'{done} of {total} done')}"
    cells = max(min(width - columns(told), 4 * total), 0)
    full = cells * done // total if total else 0
    return [("█" * full + "░" * (cells - full) + told, GREEN if done else "")]


def _filled(text: str, width: int, indent: int = 0, style: str = "") -> list[Line]:
    """Sentences in the learner's language, laid out in lines."""
    mark, text = (text[:2], text[2:]) if text[:2] in ("✗ ", "✓ ", "· ", "→ ") else ("", text)
    return [(" " * indent + line, style) for line in wrapped(f"{mark}{say(text)}", width - indent)]
