"""Proves topics' sets sound: what is right has full marks, the stub earns 0, every mutant loses its own task, no cheat pays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autograder.course import Topic
from autograder.errors import KitError
from autograder.grading.verify import jobs, shown
from autograder.grading.verify.findings import HINTS_A_TASK
from autograder.grading.verify.jobs import Item, Job
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
        prepared: makes a topic's trial; a picklable function.
        workers: how many processes grade; one that is done with its topic helps with another.
        progress: gets how many submissions are graded, and of how many, as far as they are known.
        emit: gets each topic's verdict as soon as it is there.

    Raises:
        KitError: a topic cannot be prepared.
    """
    with shown.running(topics) as shown_wrong:
        state = _State(shown_wrong, progress, emit)
        state.give_up(jobs.run(prepared, topics, workers, state.keep))


class _State:
    """What is known of the topics while they are tried."""

    def __init__(
        self,
        shown_wrong: Callable[[str], list[str]],
        progress: Callable[[int, int], None],
        emit: Callable[[Verdict], None],
    ) -> None:
        self._shown_wrong, self._progress, self._emit = shown_wrong, progress, emit
        self._trials: dict[str, Trial] = {}
        self._reports: dict[str, dict[str, Report]] = {}
        self._left: dict[str, int] = {}  # jobs, by topic

    def keep(self, answer: Trial | list[Report]) -> Sequence[Job]:
        """Keep a topic's trial, or what was found of a job; gives the jobs that follow."""
        if isinstance(answer, Trial):
            name = answer.topic.name
            self._trials[name], self._reports[name], self._left[name] = answer, {}, len(answer.jobs)
            return answer.jobs
        name = answer[0].topic
        self._reports[name] |= {report.submission: report for report in answer}
        of_all = [len(job.submissions) for trial in self._trials.values() for job in trial.jobs]
        self._progress(sum(map(len, self._reports.values())), sum(of_all))
        self._left[name] -= 1
        if not self._left[name]:
            self._tell(name, [])
        return ()

    def give_up(self, lost: Sequence[Item]) -> None:
        """Tell of the topics of which some jobs are lost; KitError if one was not even prepared."""
        of_jobs: dict[str, list[str]] = {name: [] for name, left in self._left.items() if left}
        for item in lost:
            if not isinstance(item, Job):
                raise KitError(f"{item.name}: the process that makes what it is tried with stopped twice")
            of_jobs[item.plan.topic.name] += [one.name for one in item.submissions]
        for name, submissions in of_jobs.items():
            self._tell(name, submissions)

    def _tell(self, name: str, lost: Sequence[str]) -> None:
        self._emit(reached(self._trials[name], self._reports[name], self._shown_wrong(name), lost))
