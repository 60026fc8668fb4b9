"""Proves topics' sets sound: what is right has full marks, the stub earns 0, every mutant loses its own task, no cheat pays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from autograder.course import Topic
from autograder.grading.verify import jobs, shown
from autograder.grading.verify.findings import HINTS_A_TASK
from autograder.grading.verify.trial import Trial, prepare
from autograder.grading.verify.verdict import Row, Verdict, reached, to_json
from autograder.results import Report

__all__ = ["HINTS_A_TASK", "Row", "Trial", "Verdict", "prepare", "to_json", "verify"]


def verify(
    topics: Sequence[Topic],
    prepared: Callable[[Topic], Trial],
    workers: int,
    progress: Callable[[int, int], None],
    emit: Callable[[Verdict], None],
) -> None:
    """Grade in the sandbox, as submissions are graded, what must have full marks, and what must not.

    Args:
        topics: what is proved.
        prepared: makes a topic's trial.
        workers: how many processes grade; one that is done with its topic helps with another.
        progress: gets how many submissions are graded, and of how many.
        emit: gets each topic's verdict as soon as it is there.
    """
    with shown.running(topics) as shown_wrong:
        trials = {topic.name: prepared(topic) for topic in topics}
        work = [job for trial in trials.values() for job in trial.jobs]
        reports: dict[str, dict[str, Report]] = {name: {} for name in trials}
        left = Counter(job.topic for job in work)
        total = sum(len(job.submissions) for job in work)

        def tell(topic: str, lost: Sequence[str] = ()) -> None:
            emit(reached(trials[topic], reports[topic], shown_wrong(topic), lost))

        def keep(found: list[Report]) -> None:
            topic = found[0].topic
            reports[topic] |= {report.submission: report for report in found}
            progress(sum(map(len, reports.values())), total)
            left[topic] -= 1
            if not left[topic]:
                tell(topic)

        plans = {(topic, name): plan for topic, trial in trials.items() for name, plan in trial.plans.items()}
        lost = jobs.run(plans, work, workers, keep)
        for topic in (name for name in trials if left[name]):
            tell(topic, [one.name for job in lost if job.topic == topic for one in job.submissions])
