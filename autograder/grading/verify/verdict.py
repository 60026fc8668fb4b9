"""What verifying one topic found, and how it follows from the reports."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import chain

from autograder.grading.verify import findings
from autograder.grading.verify.findings import title
from autograder.grading.verify.trial import Trial
from autograder.results import Report, SubmissionStatus


@dataclass(frozen=True)
class Row:
    """One task: how many mutants of it there are, how many are diagnosed, and how many cheats on it were tried and lost."""

    task: str
    points: float
    hints: int
    mutants: int
    diagnosed: int
    cheats: int
    dead: int


@dataclass(frozen=True)
class Verdict:
    """What verifying one topic found: each problem is a sentence that names its place; a remark makes nothing unsound.

    Attributes:
        rows: the tasks, in order.
        seeds: under how many the solution was graded.
        right: how many other right modules were.
        undiagnosed: the mutants that grading does not name, a sentence each.
        left_out: for each task on which cheats were not tried a sentence that says why.
    """

    topic: str
    rows: tuple[Row, ...]
    seeds: int
    right: int
    undiagnosed: tuple[str, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def reached(trial: Trial, reports: Mapping[str, Report], shown_wrong: Iterable[str], lost: Iterable[str]) -> Verdict:
    """The verdict on what was tried.

    Args:
        trial: what was tried.
        reports: of each submission by its name, but for those that are `lost`.
        shown_wrong: what is wrong with what learners are shown.
        lost: the submissions of the jobs that two processes died of.
    """
    topic, sure = trial.topic, {one.name for one in trial.solution}
    if any(report.status is SubmissionStatus.BROKEN for name, report in reports.items() if name in sure):
        # What breaks on the solution breaks on everybody's code: it is told of the solution alone.
        reports = {name: found for name, found in reports.items() if name in sure or found.status is not SubmissionStatus.BROKEN}
    own = {title(mutant): mutant for mutant in trial.wrong}
    graded = [(own[name], report) for name, report in sorted(reports.items()) if name in own]
    unnamed = dict(chain.from_iterable(findings.undiagnosed(mutant, report) for mutant, report in graded))
    paid = [
        (cheat, what)
        for cheat in trial.cheats.made
        if cheat.submission.name in reports
        for what in findings.of_cheat(cheat, reports[cheat.submission.name])
    ]
    must = [*trial.solution, *trial.others]
    left_open = list(findings.left_open(topic))
    problems = left_open or [  # what follows from them is nothing to mend
        *findings.of_set(topic, trial.wrong),
        *chain.from_iterable(findings.of_right(reports[one.name]) for one in must if one.name in reports),
        *trial.problems,
        *shown_wrong,
        *(findings.of_stub(reports[trial.stub.name]) if trial.stub.name in reports else ()),
        *chain.from_iterable(findings.of_mutant(topic, mutant, report) for mutant, report in graded),
        *(what for _, what in paid),
        *(f"{name}: the process that graded it stopped twice" for name in lost),
    ]
    remarks = [
        *findings.without(topic, trial.others),
        *chain.from_iterable(findings.misnamed(mutant, report, trial.wrong) for mutant, report in graded),
    ]
    there = Counter(mutant.task for mutant in trial.wrong)
    named = Counter(mutant.task for mutant, _ in graded if title(mutant) not in unnamed)
    made = Counter(cheat.task for cheat in trial.cheats.made)
    alive = Counter(task for task, _ in {(cheat.task, cheat.does) for cheat, _ in paid})
    rows = [
        Row(task.id, task.points, len(task.hints), there[task.id], named[task.id], made[task.id], made[task.id] - alive[task.id])
        for task in topic.tasks
    ]
    return Verdict(topic.name, tuple(rows), len(trial.solution), len(trial.others), tuple(unnamed.values()),
                   tuple(dict.fromkeys(problems)), tuple(remarks), trial.cheats.left_out)  # fmt: skip


def to_json(verdict: Verdict) -> str:
    """One line."""
    return json.dumps({"sound": not verdict.problems, **asdict(verdict)}, ensure_ascii=False)
