"""Proves topics' sets sound: what is right has full marks, the stub earns 0, every mutant loses its own task, no cheat pays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from autograder.grading.verify import jobs, shown
from autograder.grading.verify.findings import HINTS_A_TASK
from autograder.grading.verify.trial import SEEDS, TRAINED, Trial, prepare
from autograder.grading.verify.verdict import Row, Verdict, reached, to_json
from autograder.results import Report

__all__ = ["HINTS_A_TASK", "SEEDS", "TRAINED", "Row", "Trial", "Verdict", "prepare", "to_json", "verify"]


def verify(trials: Sequence[Trial], workers: int, progress: Callable[[], None], emit: Callable[[Verdict], None]) -> None:
    """Grade in the sandbox, as submissions are graded, what must have full marks, and what must not.

    Args:
        trials: of the topics, one each.
        workers: how many processes grade; one that is done with its topic helps with another.
        progress: called for each report.
        emit: gets each topic's verdict as soon as it is there.
    """
    reports: dict[str, dict[str, Report]] = {trial.topic.name: {} for trial in trials}
    left = Counter(job.topic for trial in trials for job in trial.jobs)

    with shown.running([trial.topic for trial in trials]) as shown_wrong:

        def tell(trial: Trial, lost: Sequence[str] = ()) -> None:
            name = trial.topic.name
            emit(reached(trial, reports[name], shown_wrong(name), lost))

        def keep(found: list[Report]) -> None:
            for report in found:
                reports[report.topic][report.submission] = report
                progress()
            left.subtract([found[0].topic])
            for trial in trials:
                if trial.topic.name == found[0].topic and not left[trial.topic.name]:
                    tell(trial)

        plans = {(trial.topic.name, name): plan for trial in trials for name, plan in trial.plans.items()}
        lost = jobs.run(plans, [job for trial in trials for job in trial.jobs], workers, keep)
        for trial in trials:
            if left[trial.topic.name]:
                tell(trial, [one.name for job in lost if job.topic == trial.topic.name for one in job.submissions])
