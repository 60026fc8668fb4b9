"""Proves a topic's set sound: the solution passes under several seeds, the stub earns 0, every mutant loses its own task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from autograder import secret
from autograder.course import Topic, mutants
from autograder.errors import KitError
from autograder.grading.grade import Plan, grade, grade_here
from autograder.results import Report, Status
from autograder.sandbox.server import Server
from autograder.submission.handed_in import Submission

MUTANTS_A_TASK = 3
HINTS_A_TASK = 3


@dataclass(frozen=True)
class Verdict:
    """What verifying one topic found: each problem is a sentence that names its place; a remark makes nothing unsound."""

    topic: str
    tasks: int
    mutants: int
    undiagnosed: tuple[str, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def verify(topic: Topic, plan: Plan, seeds: int, workers: int, progress: Callable[[Report], None]) -> Verdict:
    """Grade the solution under `seeds` seeds, the stub and every mutant, in the sandbox, as submissions are graded."""
    reference = topic.solution.read_text(encoding="utf-8") if topic.solution.is_file() else ""
    if not reference:
        raise KitError(f"{topic.solution}: there is no reference solution")
    wrong = mutants.load(topic)
    problems = list(_too_few(topic, wrong))
    with Server(topic.warm) as server:
        for seed in range(seeds):
            found: list[Report] = []
            right = Submission("the solution", {topic.module: reference.encode()})
            grade_here(replace(plan, key=secret.of_seed(seed)), [right], found.append, server)
            progress(found[0])
            if found[0].score != found[0].max_score:
                problems.append(f"the solution, seed {seed}: {_first_loss(found[0])}")
    sources, unfit = _wrong_sources(topic, reference, wrong)
    problems += unfit
    reports: dict[str, Report] = {}

    def keep(report: Report) -> None:
        reports[report.submission] = report
        progress(report)

    long_tasks = {task.id for task in topic.tasks if task.trains}
    training = {_title(mutant) for mutant in wrong if mutant.task in long_tasks}
    for chosen, names in ((plan, sources.keys() & training), (_light(plan), sources.keys() - training)):
        if names:
            modules = [Submission(name, {topic.module: sources[name].encode()}) for name in sorted(names)]
            grade(chosen, modules, keep, workers)
    stub = reports.pop("the stub")
    problems += [f"the stub earns {task.score:g} points for {task.id}" for task in stub.tasks if task.score]
    problems += [f"the stub is {task.status}, not missing, for {task.id}" for task in stub.tasks
                 if task.status is not Status.MISSING and not task.score]  # fmt: skip
    own = {_title(mutant): mutant for mutant in wrong}
    for name, report in reports.items():
        problems += [f"{name}: {text}" for text in _misplaced(topic, report, own[name])]
    unnamed = tuple(f"{name}: {_own_task(report, own[name])}" for name, report in reports.items()
                    if not _names_it(report, own[name]))  # fmt: skip
    return Verdict(topic.name, len(topic.tasks), len(wrong), unnamed, tuple(problems), tuple(_remarks(topic)))


def _light(plan: Plan) -> Plan:
    """The plan with a moment of training and no minimum: all that a mutant of a task without training has to get through."""
    if plan.training is None:
        return plan
    budget = replace(plan.training.budget, images=10 * plan.training.budget.batch, epochs=1, minimum=0.0)
    return replace(plan, training=replace(plan.training, budget=budget))


def _title(mutant: mutants.Mutant) -> str:
    return f"mutant of {mutant.task}, {mutant.phrase!r}"


def _wrong_sources(topic: Topic, reference: str, wrong: tuple[mutants.Mutant, ...]) -> tuple[dict[str, str], list[str]]:
    """The modules that must lose points, by title, and what is wrong with the mutants that do not fit the reference."""
    sources, unfit = {"the stub": topic.stub.read_text(encoding="utf-8")}, []
    for mutant in wrong:
        try:
            sources[_title(mutant)] = mutants.source(mutant, reference)
        except KitError as error:
            unfit.append(str(error))
    return sources, unfit


def _too_few(topic: Topic, wrong: tuple[mutants.Mutant, ...]) -> Iterator[str]:
    for task in topic.tasks:
        count = sum(mutant.task == task.id for mutant in wrong)
        if count < MUTANTS_A_TASK:
            yield f"{task.id} has {count} mutants; it needs {MUTANTS_A_TASK}"
    for mutant in wrong:
        if sum(_title(other) == _title(mutant) for other in wrong) > 1:
            yield f"mutant {mutant.phrase!r} of {mutant.task} is there more than once"
        if mutant.task not in {task.id for task in topic.tasks}:
            yield f"mutant {mutant.phrase!r} is about {mutant.task}, which is no task of this topic"


def _remarks(topic: Topic) -> Iterator[str]:
    short = [f"{task.id} ({len(task.hints)})" for task in topic.tasks if len(task.hints) < HINTS_A_TASK]
    if short:
        yield (f"tasks with fewer than {HINTS_A_TASK} hints in course.yaml (a question, the idea, the API with an example): "
               + ", ".join(short))  # fmt: skip


def _first_loss(report: Report) -> str:
    lost = next((t for t in report.tasks if t.status is not Status.PASSED), None)
    return f"{lost.id} is {lost.status}: {lost.message}" if lost else report.message


def _misplaced(topic: Topic, report: Report, mutant: mutants.Mutant) -> Iterator[str]:
    if report.status != "graded":
        yield f"it is {report.status}: {report.message}"
    for task in report.tasks:
        if task.id == mutant.task and task.score >= task.max_score:
            yield "it loses nothing: the hidden suite does not notice it"
        rests_on_it = mutant.task in topic.task(task.id).needs
        if task.id != mutant.task and task.status is not Status.PASSED and not rests_on_it:
            yield f"it also loses {task.id}: {task.message}"


def _own_task(report: Report, mutant: mutants.Mutant) -> str:
    own = next(task for task in report.tasks if task.id == mutant.task)
    return f"{own.status}: {own.message} {own.diagnosis}".strip()


def _names_it(report: Report, mutant: mutants.Mutant) -> bool:
    return any(task.id == mutant.task and mutant.phrase in task.diagnosis for task in report.tasks)
