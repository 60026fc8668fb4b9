"""How a task's points are decided: the rules, then the one function that follows them.

1. **Order.** Tasks come in the order of course.yaml, a task's checks in the order of the suite's file.
2. **Technique.** Where the look at the source found what the task rules out, the task is `forbidden` and no check is run.
3. **Confirmation.** A check that does not pass is run again in a fresh process, and the second run counts: neither another
   check's crash nor leftover state may cost a point. A task that is missing needs no second look.
4. **Whose fault.** Anything but a verdict on the learner's code is `broken`, which blocks the grade. But a check that breaks
   on what a submission returned, while the sandbox held and the solution passes it, has failed that submission: a fault of
   the kit must not be something that a submission can cause at will.
5. **Main check first.** A task's first check is its main one. Without it the task earns nothing, so the others are not run.
6. **Diagnosis.** A wrong answer gets the phrase of the mutant that answers just so, or else the suspects' sentence.
7. **Points**: see `results.summarise`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from autograder.checks.judge import UNUSABLE
from autograder.course import Task
from autograder.grading.check_run import CheckRun, CheckRunner
from autograder.grading.mutant_diagnosis import CourseModules
from autograder.results import CheckResult, Status
from autograder.sandbox.session import Session


def grade_task(task: Task, session: Session, runner: CheckRunner, modules: CourseModules) -> Iterator[CheckRun]:
    """Run one task's checks against a submission, as the rules above say."""
    forbidden = session.forbidden(task.id)
    if forbidden is not None:
        yield CheckRun(CheckResult(forbidden.status, "", forbidden.message))
        return
    for number, check in enumerate(runner.checks_of(task)):
        found = runner.run(check, session)
        if found.result.status not in (Status.PASSED, Status.MISSING):
            session.fresh()
            found = runner.run(check, session, confirming=True)
        result = found.result
        if result.status is Status.BROKEN and session.intact and modules.solution_passes(check):
            result = replace(result, status=Status.FAILED, message=UNUSABLE)
        else:
            result = replace(result, diagnosis=modules.diagnosis(check, found) or result.diagnosis)
        yield replace(found, result=result)
        if number == 0 and result.status is not Status.PASSED:
            return
