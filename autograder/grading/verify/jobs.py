"""Grades the modules of a course's author, as submissions are graded: several to a process, which keeps what it has learned."""

from __future__ import annotations

import functools
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.checks.check import Check
from autograder.course import Topic
from autograder.grading import pool, suite
from autograder.grading.grade import Plan, grade_each
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
    """What one process does; jobs of one topic that follow each other share a server and the suite's checks."""
    for topic, of_topic in itertools.groupby(items, key=topic_of):
        with Server(topic.warm, rehearsing=False) as server:  # it warms up while its topic is prepared
            for kind, group in itertools.groupby(of_topic, key=type):
                if kind is Job:
                    jobs = (item for item in group if isinstance(item, Job))  # which a type checker cannot know
                    suite.with_checks(topic, functools.partial(_grade, server, jobs, emit))
                else:
                    for _ in group:
                        emit(prepared(topic))


def _grade(server: Server, jobs: Iterable[Job], emit: Callable[[list[Report]], None], checks: Sequence[Check]) -> None:
    """Jobs by one plan that follow each other share what is learned."""
    for plan, group in itertools.groupby(jobs, key=lambda job: job.plan):
        found: list[Report] = []
        grade_each(plan, server, _submissions(group, found, emit), found.append, checks)


def _submissions(jobs: Iterable[Job], found: list[Report], emit: Callable[[list[Report]], None]) -> Iterator[Submission]:
    """The submissions of jobs; the report of each is `found` before the next one is asked for."""
    for job in jobs:
        yield from job.submissions
        emit(found.copy())
        found.clear()
