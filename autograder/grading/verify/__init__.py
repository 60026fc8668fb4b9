"""Proves a topic's set sound: the solution passes under several seeds, the stub earns 0, every mutant loses its own task."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import chain

from autograder import secret
from autograder.course import Topic, mutants
from autograder.errors import KitError
from autograder.grading.grade import Plan
from autograder.grading.verify import findings, jobs
from autograder.grading.verify.findings import HINTS_A_TASK, title
from autograder.grading.verify.jobs import Job
from autograder.results import Report
from autograder.submission.handed_in import Submission

__all__ = ["HINTS_A_TASK", "Verdict", "verify"]


@dataclass(frozen=True)
class Verdict:
    """What verifying one topic found: each problem is a sentence that names its place; a remark makes nothing unsound."""

    topic: str
    tasks: int
    mutants: int
    undiagnosed: tuple[str, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def verify(
    topic: Topic, plan: Plan, seeds: int, workers: int, progress: Callable[[Report], None], *, thorough: bool = False
) -> Verdict:
    """Grade the solution under `seeds` seeds, the stub and every mutant, in the sandbox, as submissions are graded.

    With `thorough`, every mutant is asked for every task, not for its own and those that can come to what it changes.
    """
    reference = topic.solution.read_text(encoding="utf-8") if topic.solution.is_file() else ""
    if not reference:
        raise KitError(f"{topic.solution}: there is no reference solution")
    wrong = mutants.load(topic)
    problems = list(findings.of_set(topic, wrong))
    own = {title(mutant): mutant for mutant in wrong if mutant.task in {task.id for task in topic.tasks}}
    mutant_jobs, unfit = _mutant_jobs(topic, reference, own.values(), thorough=thorough)
    right = [_submission(topic, f"the solution, seed {seed}", reference) for seed in range(seeds)]
    stub = _submission(topic, "the stub", topic.stub.read_text(encoding="utf-8"))
    plans = {"full": plan, "light": _light(plan)}
    plans |= {one.name: replace(plan, key=secret.of_seed(seed)) for seed, one in enumerate(right)}
    reports: dict[str, Report] = {}

    def keep(found: list[Report]) -> None:
        for report in found:
            reports[report.submission] = report
            progress(report)

    lost = jobs.run(plans, [*(Job(one.name, [one]) for one in right), *mutant_jobs, Job("light", [stub])], workers, keep)
    stopped = [f"{one.name}: the process that graded it stopped twice" for job in lost for one in job.submissions]
    graded = [(own[name], report) for name, report in sorted(reports.items()) if name in own]
    problems += [
        *chain.from_iterable(findings.of_right(reports[one.name]) for one in right if one.name in reports),
        *unfit,
        *(findings.of_stub(reports[stub.name]) if stub.name in reports else ()),
        *chain.from_iterable(findings.of_mutant(topic, mutant, report) for mutant, report in graded),
        *stopped,
    ]
    unnamed = chain.from_iterable(findings.undiagnosed(mutant, report) for mutant, report in graded)
    return Verdict(topic.name, len(topic.tasks), len(wrong), tuple(unnamed), tuple(problems), tuple(findings.remarks(topic)))


def _submission(topic: Topic, name: str, text: str) -> Submission:
    return Submission(name, {topic.module: text.encode()})


def _light(plan: Plan) -> Plan:
    """The plan with a moment of training and no minimum: all that a mutant of a task without training has to get through."""
    if plan.training is None:
        return plan
    budget = replace(plan.training.budget, images=10 * plan.training.budget.batch, epochs=1, minimum=0.0)
    return replace(plan, training=replace(plan.training, budget=budget))


def _mutant_jobs(topic: Topic, reference: str, wrong: Iterable[mutants.Mutant], *, thorough: bool) -> tuple[list[Job], list[str]]:
    """The jobs of the mutants, and what is wrong with those that do not fit the reference.

    The mutants of a definition go together, for they share what is learned of their task; one that has to train goes alone.
    """
    groups: dict[tuple[str, ...], list[Submission]] = {}
    unfit = []
    for mutant in wrong:
        try:
            module = _submission(topic, title(mutant), mutants.source(mutant, reference))
        except KitError as error:
            unfit.append(str(error))
            continue
        plan = "full" if topic.task(mutant.task).trains else "light"
        alone = [title(mutant)] if thorough or plan == "full" else []
        groups.setdefault((plan, mutant.task, jobs.definition(mutant, reference), *alone), []).append(module)
    work = []
    for (plan, task, changed, *_), modules in groups.items():
        if thorough:
            work.append(Job(plan, modules))
            continue
        without = _submission(topic, f"the solution without {changed}", jobs.without(reference, changed))
        resting = frozenset(other.id for other in topic.tasks if task in other.needs)
        work.append(Job(plan, [replace(module, tasks=frozenset({task})) for module in modules], without, resting))
    return sorted(work, key=lambda job: (job.plan, -len(job.submissions))), unfit
