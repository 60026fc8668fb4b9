"""Proves a topic's set sound: what is right has full marks, the stub earns 0, every mutant loses its own task, no cheat pays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain

from autograder import secret
from autograder.course import Topic, mutants
from autograder.grading.grade import Plan
from autograder.grading.verify import cheats, findings, jobs, modules, public_answers, shown
from autograder.grading.verify.findings import HINTS_A_TASK, title
from autograder.grading.verify.jobs import Job
from autograder.grading.verify.verdict import Row, Verdict, to_json
from autograder.results import Report, SubmissionStatus
from autograder.submission.handed_in import Submission

__all__ = ["HINTS_A_TASK", "Row", "Verdict", "to_json", "verify"]


def verify(
    topic: Topic,
    plan: Plan,
    seeds: int,
    workers: int,
    progress: Callable[[Report], None],
    *,
    right: Sequence[Submission] = (),
    thorough: bool = False,
) -> Verdict:
    """Grade in the sandbox, as submissions are graded, what must have full marks, and what must not.

    Args:
        topic: what is proved.
        plan: of the grading.
        seeds: how many the solution must pass.
        workers: how many processes grade.
        progress: gets each report.
        right: what must have full marks beside the solution and the alternatives.
        thorough: every mutant is asked for every task, not for its own and those that can come to what it changes; and the
            alternatives train as long as a submission does.
    """
    reference = modules.reference(topic)
    modules.require_checks(topic)
    wrong = mutants.load(topic)
    own = {title(mutant): mutant for mutant in wrong if mutant.task in {task.id for task in topic.tasks}}
    mutant_jobs, unfit = modules.mutant_jobs(topic, reference, own.values(), thorough=thorough)
    answers = public_answers.find(topic)
    tried = cheats.make(topic, reference, answers)
    by_seed = [modules.submission(topic, f"the solution, seed {seed}", reference) for seed in range(seeds)]
    others = [*modules.alternatives(topic), *right]
    stub = modules.submission(topic, "the stub", topic.stub.read_text(encoding="utf-8"))
    names = frozenset(cheat.submission.name for cheat in tried.made)
    plans = {"full": plan, "light": modules.light(plan), "cheats": replace(plan, diagnosing=False, cleared=names)}
    plans |= {one.name: replace(plan, key=secret.of_seed(seed)) for seed, one in enumerate(by_seed)}
    work = [
        *(Job(one.name, [one]) for one in by_seed),
        *mutant_jobs,
        *(Job("full" if thorough else "light", [one]) for one in others),
        Job("light", [stub]),
        *(Job("cheats", [cheat.submission for cheat in group]) for group in tried.by_task()),
    ]
    reports: dict[str, Report] = {}

    def keep(found: list[Report]) -> None:
        for report in found:
            reports[report.submission] = report
            progress(report)

    with shown.running(topic) as shown_problems:
        lost = jobs.run(plans, work, workers, keep)
        shown_wrong = shown_problems()
    sure = {one.name for one in by_seed}
    if any(report.status is SubmissionStatus.BROKEN for name, report in reports.items() if name in sure):
        # What breaks on the solution breaks on everybody's code: it is told of the solution alone.
        reports = {name: found for name, found in reports.items() if name in sure or found.status is not SubmissionStatus.BROKEN}
    graded = [(own[name], report) for name, report in sorted(reports.items()) if name in own]
    unnamed = dict(chain.from_iterable(findings.undiagnosed(mutant, report) for mutant, report in graded))
    paid = [
        (cheat, what)
        for cheat in tried.made
        if cheat.submission.name in reports
        for what in findings.of_cheat(cheat, reports[cheat.submission.name])
    ]
    problems = [
        *findings.left_open(topic),
        *findings.of_set(topic, wrong),
        *chain.from_iterable(findings.of_right(reports[one.name]) for one in [*by_seed, *others] if one.name in reports),
        *answers.lost,
        *shown_wrong,
        *unfit,
        *(findings.of_stub(reports[stub.name]) if stub.name in reports else ()),
        *chain.from_iterable(findings.of_mutant(topic, mutant, report) for mutant, report in graded),
        *(what for _, what in paid),
        *(f"{one.name}: the process that graded it stopped twice" for job in lost for one in job.submissions),
    ]
    remarks = chain.from_iterable(findings.misnamed(mutant, report, wrong) for mutant, report in graded)
    there = Counter(mutant.task for mutant in wrong)
    named = Counter(mutant.task for mutant, _ in graded if title(mutant) not in unnamed)
    made = Counter(cheat.task for cheat in tried.made)
    alive = Counter(task for task, _ in {(cheat.task, cheat.does) for cheat, _ in paid})
    rows = [
        Row(task.id, task.points, len(task.hints), there[task.id], named[task.id], made[task.id], made[task.id] - alive[task.id])
        for task in topic.tasks
    ]
    return Verdict(topic.name, tuple(rows), seeds, len(others), tuple(unnamed.values()), tuple(dict.fromkeys(problems)),
                   tuple(remarks), tried.left_out)  # fmt: skip
