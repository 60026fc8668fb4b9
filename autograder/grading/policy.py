"""How a task's points are decided: the rules, then the one function that follows them.

1. **Order.** Tasks come in the order of course.yaml, a task's checks in the order of the suite's file.
2. **Technique.** Where the look at the source found what the task rules out, the task is `forbidden` and no check is run.
3. **Confirmation.** A check that does not pass is run again in a fresh process, and the second run counts: neither another
   check's crash nor leftover state may cost a point. If that process ends before its verdict, and the first did not, somebody
   may have killed it: then a third one counts. A task that is missing needs no second look, and a run of training has had a
   process of its own from the start: what it reached is its verdict.
4. **Whose fault.** Anything but a verdict on the learner's code is `broken`, which blocks the grade. But a check that breaks
   on what a submission returned, while the sandbox held and the solution passes it, has failed that submission: a fault of
   the kit must not be something that a submission can cause at will.
5. **Needs.** A task that rests on others is not run, and earns nothing, while the main check of one of them fails.
6. **Main check first.** A task's first check is its main one. Without it the task earns nothing, so the others are not run.
7. **Diagnosis.** The first wrong answer, which is the one that is reported, gets the phrase of the mutant that answers just
   so. Where no mutant does, the suspects speak, if all the task's failed checks bear them out (see `checks.suspects`); after
   a failed main check the next one is run for this alone.
8. **Conduct.** Some checks rest on what only the submission's own process can tell. A submission that looks into that process
   (see `sandbox.witness`) gets no points for such checks until a person has looked, and cleared it.
9. **Points**: see `results.summarise`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from autograder.checks import suspects
from autograder.checks.check import Check
from autograder.checks.judge import UNUSABLE
from autograder.course import Task
from autograder.grading.check_run import TOO_LONG, CheckRun, CheckRunner
from autograder.grading.mutant_diagnosis import CourseModules
from autograder.learner.forbidden_scan import Found
from autograder.results import CheckResult, Status
from autograder.sandbox.session import Session
from autograder.text import clean


def grade_task(
    task: Task,
    session: Session,
    runner: CheckRunner,
    modules: CourseModules,
    *,
    named_is_settled: bool = False,
    one_look: bool = False,
) -> list[CheckRun]:
    """Run one task's checks against a submission, as the rules above say.

    Two exceptions are for the course's own modules, and spare the second look and the task's other checks: with
    `named_is_settled` one that answers a check as a mutant does is that mutant; with `one_look` wrong values in the main check
    are enough, for the module is to fail it.
    """
    forbidden = session.forbidden(task.id)
    if forbidden is not None:
        return [CheckRun(CheckResult(forbidden.status, "", forbidden.message))]
    runs: list[CheckRun] = []
    checks = runner.checks_of(task)
    for number, check in enumerate(checks):
        found = runner.run(check, session)
        named = modules.diagnosis(check, found) if named_is_settled else ""
        if named or (one_look and number == 0 and found.result.status is Status.FAILED):
            return [*runs, replace(found, result=replace(found.result, diagnosis=named))]
        settled = found.result.status in (Status.PASSED, Status.MISSING) or (task.trains and found.result.status is Status.FAILED)
        if not settled:
            found = _confirmed(check, found, session, runner)
        result = found.result
        if result.status is Status.BROKEN and session.intact and modules.solution_passes(check):
            result = replace(result, status=Status.FAILED, message=TOO_LONG if found.too_long else UNUSABLE)
        elif all(run.result.status is Status.PASSED for run in runs):
            result = replace(result, diagnosis=modules.diagnosis(check, found) or result.diagnosis)
        runs.append(replace(found, result=result))
        if number == 0 and result.status is not Status.PASSED:
            heard = [result]
            if result.claims and not result.diagnosis and len(checks) > 1:
                heard.append(_unless_killed(checks[1], runner.run(checks[1], session), session, runner).result)
            return _with_shared_claim(runs, heard)
    return _with_shared_claim(runs, [run.result for run in runs])


def _confirmed(check: Check, first: CheckRun, session: Session, runner: CheckRunner) -> CheckRun:
    session.fresh()
    second = runner.run(check, session, confirming=True)
    return second if first.result.status is Status.CRASHED else _unless_killed(check, second, session, runner)


def _unless_killed(check: Check, found: CheckRun, session: Session, runner: CheckRunner) -> CheckRun:
    """The run; or one in another process where that one ended before its verdict, for somebody may have killed it."""
    if found.result.status is not Status.CRASHED:
        return found
    session.fresh()
    return runner.run(check, session, confirming=True)


def unmet(task: Task, runs: Mapping[str, Sequence[CheckRun]]) -> list[CheckRun]:
    """What a task gets in the place of its checks' runs while a task that it needs is not there; else []."""
    for needed in task.needs:
        main = runs[needed][0].result.status
        if main is not Status.PASSED:
            status = Status.MISSING if main is Status.MISSING else Status.FAILED
            return [CheckRun(CheckResult(status, "", f"It rests on {needed}, which does not work yet: start there."))]
    return []


def withhold(runs: list[CheckRun], suspicion: Found) -> list[CheckRun]:
    """The runs with no word on the checks that rest on conduct."""
    where = f"line {suspicion.line} of {suspicion.file}: `{suspicion.text}`"
    message = clean(
        f"This rests on what your process tells of itself, and your code looks into that process ({suspicion.technique}, "
        f"{where}), which no task needs. The points wait until an instructor has looked at it."
    )
    withheld = CheckResult(Status.SUSPICIOUS, message=message)
    return [
        replace(run, result=replace(withheld, title=run.result.title, seconds=run.result.seconds))
        if run.conduct and run.result.status is Status.PASSED
        else run
        for run in runs
    ]


def _with_shared_claim(runs: list[CheckRun], heard: list[CheckResult]) -> list[CheckRun]:
    """The runs, with what all failed comparisons that were `heard` agree on for a diagnosis where there is none."""
    sentence = suspects.sentence([result.claims for result in heard if result.status is Status.FAILED])
    return [
        replace(run, result=replace(run.result, diagnosis=sentence)) if run.result.claims and not run.result.diagnosis else run
        for run in runs
    ]
