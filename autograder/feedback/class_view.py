"""What the class's page shows of its results: the spread of the scores, the tasks, the mistakes, who is to be looked at first."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from autograder.feedback.scoring import score
from autograder.results import Person, Report, Status, SubmissionStatus

BINS = 10
COMMON, MOST_MISTAKES = 3, 200
SLOW, SLOWEST_OF = 5, 10  # the slowest few are told where there are at least that many
MOST_NAMED = 50  # of each kind that is to be looked at first


@dataclass(frozen=True)
class Around:
    """What the class's page knows beside the topic's reports.

    Attributes:
        roster: who should have handed in; () if that is not known.
        zero_unreadable: whether what cannot be read counts as 0.
        topics: the topics that were graded into the same OUT, this one among them, in the course's order.
    """

    roster: Sequence[Person] = ()
    zero_unreadable: bool = False
    topics: Sequence[TopicLine] = ()


@dataclass(frozen=True)
class TopicLine:
    """One topic of several: `mean` and `median` are percent of full marks, `passed` the percent of its tasks with full marks.

    `link` leads from this page to the topic's own, and is "" for the page's own topic.
    """

    title: str
    link: str
    count: int
    scored: int
    mean: float
    median: float
    passed: float


@dataclass(frozen=True)
class Row:
    """A submission: `open` are the places of its tasks without full marks, `name` what the roster calls the person."""

    report: Report
    link: str
    score: float | None
    name: str
    open: tuple[int, ...]
    forbidden: bool


@dataclass(frozen=True)
class TaskLine:
    """A task: how many of those with a score have full marks, their mean, and what the others did wrong most often."""

    id: str
    passed: int
    of: int
    mean: float
    max_score: float
    mistakes: Sequence[tuple[str, int]]

    @property
    def share(self) -> int:
        """Percent of full marks."""
        return round(100 * self.passed / self.of) if self.of else 0


@dataclass
class Mistake:
    """A mistake in a task, and who made it."""

    task: str
    text: str
    who: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Bin:
    """Scores from `low` to `high` percent: how many, and percent of the fullest bin."""

    low: int
    high: int
    count: int
    height: int


@dataclass(frozen=True)
class Attention:
    """Submissions to look at first, and why; `more` is how many are not named."""

    kind: str
    rows: Sequence[Row]
    more: int = 0


@dataclass(frozen=True)
class ClassView:
    """All that the page shows; `unscored` stands beside the bins."""

    rows: Sequence[Row]
    scored: int
    mean: float
    median: float
    max_score: float
    bins: Sequence[Bin]
    unscored: Bin
    tasks: Sequence[TaskLine]
    mistakes: Sequence[Mistake]
    first: Sequence[Attention]
    absent: Sequence[Person]
    strangers: Sequence[Row]
    topics: Sequence[TopicLine]


def view(reports: Sequence[Report], around: Around) -> ClassView:
    """What is to be shown of these reports on one topic."""
    rows = [_row(report, around) for report in reports]
    scores = [row.score for row in rows if row.score is not None]
    full = reports[0].max_score if reports else 0.0
    absent, strangers = _roll(rows, around.roster)
    bins, unscored = _bins(scores, full, len(rows) - len(scores))
    mean, median = (statistics.fmean(scores), statistics.median(scores)) if scores else (0.0, 0.0)
    return ClassView(rows, len(scores), mean, median, full, bins, unscored, _tasks(rows), _mistakes(rows), list(_first(rows)),
                     absent, strangers, around.topics)  # fmt: skip


def topic_line(title: str, link: str, reports: Sequence[Report], *, zero_unreadable: bool) -> TopicLine:
    """A topic beside others."""
    scored = [(report, points) for report in reports if (points := score(report, zero_unreadable=zero_unreadable)) is not None]
    shares = [100 * points / report.max_score for report, points in scored if report.max_score]
    tasks = [task.status is Status.PASSED for report, _ in scored for task in report.tasks]
    return TopicLine(
        title, link, len(reports), len(scored), statistics.fmean(shares) if shares else 0.0,
        statistics.median(shares) if shares else 0.0, 100 * sum(tasks) / len(tasks) if tasks else 0.0,
    )  # fmt: skip


def _row(report: Report, around: Around) -> Row:
    lost = tuple(number for number, task in enumerate(report.tasks) if task.status is not Status.PASSED)
    name = " · ".join(filter(None, (report.person.name, report.person.id)))
    forbidden = any(task.status is Status.FORBIDDEN for task in report.tasks)
    points = score(report, zero_unreadable=around.zero_unreadable)
    return Row(report, f"pages/{quote(report.submission)}.html", points, name, lost, forbidden)


def _bins(scores: Iterable[float], full: float, unscored: int) -> tuple[list[Bin], Bin]:
    shares = [score / full for score in scores] if full else []
    counts = Counter(max(0, min(int(share * BINS), BINS - 1)) for share in shares)
    most = max([unscored, *counts.values(), 1])
    width = 100 // BINS
    bins = [Bin(i * width, (i + 1) * width, counts[i], round(100 * counts[i] / most)) for i in range(BINS)]
    return bins, Bin(0, 0, unscored, round(100 * unscored / most))


def _tasks(rows: Iterable[Row]) -> list[TaskLine]:
    ids: dict[str, float] = {}
    passed, of, points = Counter[str](), Counter[str](), dict[str, float]()
    mistakes: dict[str, Counter[str]] = {}
    for row in rows:
        for task in row.report.tasks:
            ids.setdefault(task.id, task.max_score)
            if row.score is None:
                continue
            of[task.id] += 1
            passed[task.id] += task.status is Status.PASSED
            points[task.id] = points.get(task.id, 0.0) + task.score
            if (text := _mistake(row.report, task.id)) is not None:
                mistakes.setdefault(task.id, Counter())[text] += 1
    return [
        TaskLine(name, passed[name], of[name], points[name] / of[name] if of[name] else 0.0, full,
                 mistakes.get(name, Counter()).most_common(COMMON))
        for name, full in ids.items()
    ]  # fmt: skip


def _mistake(report: Report, task_id: str) -> str | None:
    """What a submission that was graded did wrong in a task; None where that is not known, or nothing."""
    task = next(task for task in report.tasks if task.id == task_id)
    if report.status is not SubmissionStatus.GRADED or task.status is Status.PASSED:
        return None
    return task.diagnosis or task.message or str(task.status)


def _mistakes(rows: Iterable[Row]) -> list[Mistake]:
    """The mistakes, the most common first, then by task."""
    found: dict[tuple[str, str], Mistake] = {}
    order = dict[str, int]()
    for row in rows:
        for task in row.report.tasks:
            order.setdefault(task.id, len(order))
            if (text := _mistake(row.report, task.id)) is not None:
                found.setdefault((task.id, text), Mistake(task.id, text)).who.append(row)
    return sorted(found.values(), key=lambda each: (-len(each.who), order[each.task]))[:MOST_MISTAKES]


def _first(rows: Sequence[Row]) -> Iterable[Attention]:
    """Who is to be looked at first, what has no score before what has one."""
    for kind in (SubmissionStatus.UNREADABLE, SubmissionStatus.BROKEN, SubmissionStatus.SUSPICIOUS):
        yield from _attention(str(kind), [row for row in rows if row.report.status is kind])
    yield from _attention("forbidden", [row for row in rows if row.forbidden])
    if len(rows) >= SLOWEST_OF:
        yield Attention("slowest", sorted(rows, key=lambda row: -row.report.seconds)[:SLOW])


def _attention(kind: str, rows: Sequence[Row]) -> Iterable[Attention]:
    if rows:
        yield Attention(kind, rows[:MOST_NAMED], max(0, len(rows) - MOST_NAMED))


def _roll(rows: Sequence[Row], roster: Sequence[Person]) -> tuple[list[Person], list[Row]]:
    """Who is on the roster and has handed in nothing, and what was handed in by nobody on it."""
    if not roster:
        return [], []
    here = {(row.report.person.id, row.report.person.email) for row in rows}
    ids, mails = {a for a, _ in here if a}, {b for _, b in here if b}
    known = {person.id for person in roster if person.id}, {person.email for person in roster if person.email}
    absent = [person for person in roster if person.id not in ids and person.email not in mails]
    return absent, [row for row in rows if row.report.person.id not in known[0] and row.report.person.email not in known[1]]
