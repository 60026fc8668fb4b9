"""Grades the modules of a course's author, as submissions are graded: several to a process, which keeps what it has learned."""

from __future__ import annotations

import functools
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.course import Topic
from autograder.grading import pool
from autograder.grading.grade import Plan, grade_here
from autograder.results import Report
from autograder.sandbox.server import Server
from autograder.submission.handed_in import Submission


@dataclass(frozen=True)
class Job:
    """Submissions that one process grades by one plan, one after the other."""

    plan: Plan
    submissions: Sequence[Submission]


Item = Topic | Job  # a topic is to be prepared: its jobs are not known yet
Emit = Callable[[Any], Sequence[Job]]


def run(prepared: Callable[[Topic], Any], topics: Sequence[Topic], workers: int, emit: Emit) -> list[Item]:
    """Prepare the topics and do their jobs, each topic in one process as far as the processes are busy.

    Args:
        prepared: prepares a topic; a picklable function.
        topics: all of them.
        workers: how many processes there are; with one it is this process.
        emit: gets what `prepared` makes of a topic, and the reports of each job; gives the jobs that are to be done next.

    Returns:
        The topics and jobs that two processes died of.
    """
    work = functools.partial(_work, prepared)
    if workers > 1:
        return pool.spread(work, topics, emit, workers, kind=lambda item: topic_of(item).name)
    waiting: deque[Item] = deque(topics)
    work(_taken(waiting), lambda answer: waiting.extendleft(reversed(emit(answer))))
    return []


def topic_of(item: Item) -> Topic:
    """The topic that it is, or whose job it is."""
    return item.plan.topic if isinstance(item, Job) else item


def _taken(waiting: deque[Item]) -> Iterator[Item]:
    """The items, also those that come while others are done."""
    while waiting:
        yield waiting.popleft()


def _work(prepared: Callable[[Topic], Any], items: Iterable[Item], emit: Callable[[Any], None]) -> None:
    """What one process does; items of one topic that follow each other share a server, those of one plan what is learned."""
    for topic, of_topic in itertools.groupby(items, key=topic_of):
        with Server(topic.warm, rehearsing=False) as server:  # it warms up while its topic is prepared
            for plan, group in itertools.groupby(of_topic, key=_plan):
                found: list[Report] = []
                if plan is None:
                    for _ in group:
                        emit(prepared(topic))
                else:
                    grade_here(plan, _submissions(group, found, emit), found.append, server)


def _plan(item: Item) -> Plan | None:
    return item.plan if isinstance(item, Job) else None


def _submissions(items: Iterable[Item], found: list[Report], emit: Callable[[list[Report]], None]) -> Iterator[Submission]:
    """The submissions of jobs; the report of each is `found` before the next one is asked for."""
    for job in items:
        yield from job.submissions if isinstance(job, Job) else ()
        emit(found.copy())
        found.clear()
