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
from operator import attrgetter

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
        topic: whose modules they are.
        plan: which of the topic's plans.
        submissions: each is asked for its `tasks`, and for those that miss what `without` is without.
        without: the solution without the definition that all of them change; without it they are asked for what they say.
        spared: tasks whose verdict says nothing of these submissions.
    """

    topic: str
    plan: str
    submissions: Sequence[Submission]
    without: Submission | None = None
    spared: frozenset[str] = frozenset()


_RAISE = "raise NotImplementedError"
Plans = Mapping[tuple[str, str], Plan]  # by the topic's name and the plan's


def run(plans: Plans, jobs: Sequence[Job], workers: int, emit: Callable[[list[Report]], None]) -> list[Job]:
    """Do the jobs, those of a topic in one process as far as the processes are busy; `emit` gets the reports of each.

    Returns:
        The jobs that two processes died of.
    """
    work = functools.partial(_work, plans)
    workers = min(workers, len(jobs))
    if workers > 1:
        return pool.spread(work, jobs, emit, workers, kind=attrgetter("topic"))
    work(jobs, emit)
    return []


def _work(plans: Plans, jobs: Iterable[Job], emit: Callable[[list[Report]], None]) -> None:
    """What one process does; jobs of one topic that follow each other share a server, those of one plan what is learned."""
    for topic, of_topic in itertools.groupby(jobs, key=attrgetter("topic")):
        with Server(plans[topic, "full"].topic.warm) as server:
            for name, group in itertools.groupby(of_topic, key=attrgetter("plan")):
                plan, found = plans[topic, name], list[Report]()
                grade_here(plan, _submissions(group, found, emit), found.append, server)


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
    return next(found.within for found in mutants.definitions(reference) if found.name == name)


def without(reference: str, name: str) -> str:
    """The module in which that function, or whatever makes one of that class, only raises NotImplementedError.

    The name itself stays, for annotations and the like: a module that cannot be imported says nothing of its tasks.
    """
    tree = ast.parse(reference)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            node.body = ast.parse(_RAISE).body
        elif isinstance(node, ast.ClassDef) and node.name == name:
            node.body = ast.parse(f"def __init__(self, *inputs, **named):\n    {_RAISE}").body
    return ast.unparse(tree)
