"""What a process of `autograder watch` does: reads the public checks, waits for its order, and checks the learner's module.

The order is a line with the tasks' ids. The answer is one JSON object a line: {"begin": task, "seconds": limit} for the import
(the task "") and for each check, {"task": …} for each task with the results of its checks, {"end": true}, or {"fault": text}.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import time
from dataclasses import asdict, replace
from typing import Any, NoReturn

from autograder import secret
from autograder.checks import reading, suspects
from autograder.checks.check import Check, prepare, run
from autograder.checks.judge import judge, overdue, with_no_solution
from autograder.course import Task, Topic
from autograder.images.training import Training, choose
from autograder.learner.explain import learner_line
from autograder.learner.in_process import InProcess, simulated
from autograder.learner.loading import LoadedModule, load
from autograder.learner.stopping import OutOfTimeError, stopped_after
from autograder.results import CheckResult, Status
from autograder.text import clean, one_line

MOST_PRINTED = 4000  # characters


def serve(topic: Topic, orders: int, said: int) -> NoReturn:
    """Serve one order and end; `orders` and `said` are descriptors."""
    code = 1
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who watches, and ends this process then
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.chdir(topic.root)
        printed = sys.stdout = sys.stderr = _Printed()
        sys.dont_write_bytecode = True  # a helper saved twice within a second would be found in its first form
        with os.fdopen(orders) as heard, os.fdopen(said, "w", buffering=1) as stream:

            def tell(**event: Any) -> None:
                stream.write(json.dumps(event) + "\n")

            try:
                suite, fault = reading.read(topic.public_checks), ""
            except Exception as error:  # noqa: BLE001  whatever the file of checks raises
                suite, fault = None, f"{topic.public_checks.name} cannot be read: {type(error).__name__}: {one_line(error)}."
            order = heard.readline()
            if order and suite is None:
                tell(fault=clean(fault))
            elif order and suite is not None:
                _check(topic, [topic.task(name) for name in json.loads(order)], suite, printed, tell)
        code = 0
    finally:
        os._exit(code)


class _Printed(io.TextIOBase):
    """What the learner's code prints, as far as it is shown: the end."""

    def __init__(self) -> None:
        self._text = ""

    def write(self, text: str) -> int:
        self._text = (self._text + text)[-MOST_PRINTED:]
        return len(text)

    def take(self) -> str:
        """What was printed since the last call."""
        text, self._text = self._text, ""
        return clean(text, MOST_PRINTED)


def _check(topic: Topic, tasks: list[Task], suite: Any, printed: _Printed, tell: Any) -> None:
    """Import the module and check one task after the other."""
    tell(begin="", seconds=topic.limits.import_seconds)
    try:
        with stopped_after(topic.limits.import_seconds, topic.exercise):
            loaded = load(topic.stub, (OutOfTimeError,))
    except OutOfTimeError as error:
        late = overdue("", topic.limits.import_seconds, learner_line(error, topic.exercise))
        tell(fault=f"{topic.module} cannot be imported: {late.message}")
        return
    if loaded.fault:
        tell(fault=loaded.fault.message)
        return
    training = choose(*topic.training.chosen()) if topic.training else None
    printed.take()
    for task in tasks:
        seconds = training.budget.seconds if task.trains and training else task.limits.check_seconds
        results: list[CheckResult] = []
        for check in reading.checks(suite, topic.name, task.id, task.forbid):
            if not results or results[-1].status not in (Status.MISSING, Status.TIMEOUT):
                tell(begin=task.id, seconds=seconds)
                results.append(_run(check, topic, task, loaded, training, seconds))
        tell(task=task.id, checks=[{**asdict(result), "claims": ()} for result in _explained(results)], printed=printed.take())
    tell(end=True)


def _run(check: Check, topic: Topic, task: Task, loaded: LoadedModule, training: Training | None, seconds: float) -> CheckResult:
    student, started = None, time.monotonic()
    try:
        with stopped_after(seconds, topic.exercise), simulated(check.devices):
            if check.devices is not None:  # a module looks for devices when it is imported
                loaded = load(topic.stub, (OutOfTimeError,))
            respondent = InProcess(loaded, task.limits.reply_mb << 20, seconds, (OutOfTimeError,))
            fixtures = prepare(check, respondent, secret.of_seed(0), training)
            student = fixtures.student
            result = run(check, fixtures)
    except OutOfTimeError as error:
        return overdue(check.title, seconds, learner_line(error, topic.exercise))
    except Exception as error:  # noqa: BLE001  the simulation's
        result = judge(error, check.title, student, time.monotonic() - started)
    return with_no_solution(result, student)


def _explained(results: list[CheckResult]) -> list[CheckResult]:
    """The results, the first wrong one with what explains all wrong values of the task."""
    wrong = [result.claims for result in results if result.status is Status.FAILED]
    first = next((number for number, result in enumerate(results) if result.status is Status.FAILED), None)
    if first is not None and not results[first].diagnosis:
        results[first] = replace(results[first], diagnosis=suspects.sentence(wrong))
    return results
