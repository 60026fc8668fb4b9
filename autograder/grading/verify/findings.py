"""What the reports of an author's modules say of the set: sentences that name what is unsound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autograder.checks.veil import HIDDEN
from autograder.course import COURSE_FILE, Topic, mutants
from autograder.grading.mutant_diagnosis import sentence
from autograder.grading.verify.cheats import Cheat
from autograder.grading.verify.shown import LESSONS
from autograder.results import Report, Status
from autograder.submission.handed_in import Submission

MUTANTS_A_TASK = 3
HINTS_A_TASK = 3
_VEILED = f" ({HIDDEN} is a name that neither the stub nor a task has: is it spelt right in the suite?)"
OPEN = "TODO(author)"  # what `autograder new` leaves to the author; a stub's plain TODO is the learner's


def title(mutant: mutants.Mutant) -> str:
    """What a mutant is called."""
    return f"mutant of {mutant.task}, {mutant.phrase!r}"


def left_open(topic: Topic) -> Iterator[str]:
    """Where the author has not decided yet what `autograder new` left to decide: a line for each file or task."""
    lessons = [topic.exercise / name for name in LESSONS]
    for path in (*lessons, topic.stub, topic.public_checks, topic.solution, topic.mutants, topic.hidden_suite):
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        yield from _open_in(str(path), "line", text.splitlines(), "")
    for task in topic.tasks:
        yield from _open_in(str(topic.root / COURSE_FILE), "hint", task.hints, f" of {task.id}")


def _open_in(path: str, kind: str, texts: Sequence[str], of: str) -> Iterator[str]:
    numbers = [str(number) for number, text in enumerate(texts, 1) if OPEN in text]
    if numbers:
        yield f"{path}: {OPEN} in {kind}{'s' if numbers[1:] else ''} {', '.join(numbers)}{of}"


def of_set(topic: Topic, wrong: tuple[mutants.Mutant, ...]) -> Iterator[str]:
    """What can be seen before anything is graded."""
    for task in topic.tasks:
        count = sum(mutant.task == task.id for mutant in wrong)
        if count < MUTANTS_A_TASK:
            yield f"{task.id} has {count} mutants; it needs {MUTANTS_A_TASK}"
    for mutant in wrong:
        if sum(title(other) == title(mutant) for other in wrong) > 1:
            yield f"mutant {mutant.phrase!r} of {mutant.task} is there more than once"
        if mutant.task not in {task.id for task in topic.tasks}:
            yield f"mutant {mutant.phrase!r} is about {mutant.task}, which is no task of this topic"
    yield from _empty(topic, wrong)
    short = [f"{task.id} ({len(task.hints)})" for task in topic.tasks if len(task.hints) < HINTS_A_TASK]
    if short:
        yield (f"tasks with fewer than {HINTS_A_TASK} hints in course.yaml (a question, the idea, the API with an example): "
               + ", ".join(short))  # fmt: skip


def of_right(report: Report) -> Iterator[str]:
    """What a module lost that must have full marks."""
    if report.score != report.max_score:
        yield f"{report.submission}: {_first_loss(report)}"


def _empty(topic: Topic, wrong: tuple[mutants.Mutant, ...]) -> Iterator[str]:
    """Texts that learners read and in which nothing stands."""
    yield from (f"{topic.mutants}: a mutant of {mutant.task} has no phrase" for mutant in wrong if not mutant.phrase.strip())
    for task in topic.tasks:
        empty = [number for number, hint in enumerate(task.hints, 1) if not hint]
        yield from (f"{COURSE_FILE}: hint {number} of {task.id} is empty" for number in empty)
    for path in (topic.exercise / name for name in LESSONS):
        if path.is_file() and not path.read_text(encoding="utf-8").strip():
            yield f"{path}: the lesson is empty"


def without(topic: Topic, others: Sequence[Submission]) -> Iterator[str]:
    """Which tasks some of the other right solutions do not have, and so say nothing of."""
    for task in topic.tasks:
        count = sum(bool(other.tasks) and task.id not in other.tasks for other in others)
        if count:
            yield f"{task.id} is not in {count} of the {len(others)} other right solutions"


def _first_loss(report: Report) -> str:
    lost = next((t for t in report.tasks if t.status is not Status.PASSED), None)
    if lost is None:
        return report.message
    veiled = lost.status is Status.MISSING and HIDDEN in lost.message
    return f"{lost.id} is {lost.status}: {lost.message or report.message}{_VEILED * veiled}"


def of_stub(report: Report) -> Iterator[str]:
    """What the stub earns, and where it is not missing."""
    for task in report.tasks:
        if task.score:
            yield f"the stub earns {task.score:g} points for {task.id}"
    for task in report.tasks:
        if task.status is not Status.MISSING and not task.score:
            yield f"the stub is {task.status}, not missing, for {task.id}"


def of_mutant(topic: Topic, mutant: mutants.Mutant, report: Report) -> Iterator[str]:
    """Whether the mutant loses its own task, and no other but those that rest on it."""
    if report.status != "graded":
        yield f"{report.submission}: it is {report.status}: {report.message}"
        return
    for task in report.tasks:
        if task.id == mutant.task and task.score >= task.max_score:
            yield f"{report.submission}: it loses nothing: the hidden suite does not notice it"
        rests_on_it = mutant.task in topic.task(task.id).needs
        if task.id != mutant.task and task.status is not Status.PASSED and not rests_on_it:
            yield f"{report.submission}: it also loses {task.id}: {task.message}"


def of_cheat(cheat: Cheat, report: Report) -> Iterator[str]:
    """What a cheat was given that nobody should have without the task."""
    if report.status not in ("graded", "unreadable"):
        yield f"{report.submission}: it is {report.status}: {report.message}"
    for task in (task for task in report.tasks if task.id == cheat.task):
        if task.status is Status.PASSED:
            yield f"{report.submission}: it has full marks: the hidden suite does not notice it"
        elif task.score and not cheat.once_right:
            yield f"{report.submission}: it passes the main check, and has {task.score:g} points"


def misnamed(mutant: mutants.Mutant, report: Report, wrong: tuple[mutants.Mutant, ...]) -> Iterator[str]:
    """Of which other mutant a learner is told who has made this one's mistake."""
    said = next(task.diagnosis for task in report.tasks if task.id == mutant.task)
    phrases = {other.phrase for other in wrong if other.task == mutant.task and sentence(other) in said}
    for phrase in phrases - {mutant.phrase}:
        yield f"{report.submission}: it is told that it {phrase!r}, as another mutant is that answers like it"


def undiagnosed(mutant: mutants.Mutant, report: Report) -> Iterator[tuple[str, str]]:
    """What the mutant is called, and what is said of it if its own sentence is not."""
    own = next(task for task in report.tasks if task.id == mutant.task)
    if mutant.phrase not in own.diagnosis:
        yield report.submission, f"{report.submission}: {f'{own.status}: {own.message} {own.diagnosis}'.strip()}"
