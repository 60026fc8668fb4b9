"""Grades the modules of a course's author, as submissions are graded: several to a process, which keeps what it has learned.

A mutant differs from the solution in one definition. A task that keeps full marks where the solution has lost that definition
does not come to it, so that each of its checks gets from the mutant, byte for byte, what it gets from the solution. So a
mutant is asked for its own task, and for those that miss the definition; and no table of analysed calls has to be believed,
for the suite itself has said which these are. (What one task leaves behind in the process can cost no other a point: see the
rule of confirmation in `grading.policy`.)
"""

from __future__ import annotations

import ast
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from autograder.course import mutants
from autograder.grading import pool
from autograder.grading.grade import Plan, grade_here
from autograder.results import Report, Status
from autograder.sandbox.server import Server
from autograder.submission.handed_in import Submission


@dataclass(frozen=True)
class Job:
    """Submissions that one process grades, one after the other.

    Attributes:
        plan: which of the plans.
        submissions: each is asked for its `tasks`, and for those that miss what `without` is without.
        without: the solution without the definition that all of them change; without it they are asked for what they say.
        spared: tasks whose verdict says nothing of these submissions.
    """

    plan: str
    submissions: Sequence[Submission]
    without: Submission | None = None
    spared: frozenset[str] = frozenset()


def run(plans: Mapping[str, Plan], jobs: Sequence[Job], workers: int, emit: Callable[[list[Report]], None]) -> list[Job]:
    """Do the jobs, the first ones first; `emit` gets the reports of each.

    Returns:
        The jobs that two processes died of.
    """
    work = functools.partial(_work, plans)
    workers = min(workers, len(jobs))
    if workers > 1:
        return pool.spread(work, jobs, emit, workers)
    work(jobs, emit)
    return []


def _work(plans: Mapping[str, Plan], jobs: Iterable[Job], emit: Callable[[list[Report]], None]) -> None:
    """What one process does; jobs of one plan that follow each other share what is learned."""
    with Server(next(iter(plans.values())).topic.warm) as server:
        for name, group in itertools.groupby(jobs, key=lambda job: job.plan):
            found: list[Report] = []
            grade_here(plans[name], _submissions(group, found, emit), found.append, server)


def _submissions(jobs: Iterable[Job], found: list[Report], emit: Callable[[list[Report]], None]) -> Iterator[Submission]:
    """The jobs' submissions; the report of each is `found` before the next one is asked for."""
    for job in jobs:
        missed: set[str] = set()
        if job.without is not None:
            yield job.without
            missed = {task.id for task in found.pop().tasks if task.status is not Status.PASSED} - job.spared
        for submission in job.submissions:
            yield replace(submission, tasks=submission.tasks | missed)
        emit(found.copy())
        found.clear()


def definition(mutant: mutants.Mutant, reference: str) -> str:
    """The name of the function or class of the module in which the mutant's edit lies."""
    name = mutant.within or mutant.task
    kinds = ast.FunctionDef | ast.ClassDef
    return next(node.name for node in ast.parse(reference).body if isinstance(node, kinds)
                and any(isinstance(inner, kinds) and inner.name == name for inner in ast.walk(node)))  # fmt: skip


def without(reference: str, name: str) -> str:
    """The module without that function or class."""
    tree = ast.parse(reference)
    tree.body = [node for node in tree.body if getattr(node, "name", "") != name]
    return ast.unparse(tree)
