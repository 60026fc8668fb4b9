"""The modules that a topic is tried with, as submissions: its solution, stub and mutants, and other people's right solutions."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace

from autograder.course import Topic, mutants
from autograder.errors import KitError
from autograder.grading import suite
from autograder.grading.grade import Plan
from autograder.grading.verify import jobs
from autograder.grading.verify.findings import title
from autograder.grading.verify.jobs import Job
from autograder.submission import handed_in
from autograder.submission.handed_in import Submission


def reference(topic: Topic) -> str:
    """The text of the solution; KitError if there is none, or it is no Python."""
    text = topic.solution.read_text(encoding="utf-8") if topic.solution.is_file() else ""
    if not text:
        raise KitError(f"{topic.solution}: there is no reference solution")
    try:
        ast.parse(text)
    except SyntaxError as error:
        raise KitError(f"{topic.solution}:{error.lineno}: does not parse: {error.msg}") from None
    return text


def require_checks(topic: Topic) -> None:
    """KitError if the hidden suite cannot be collected, or has no check, and so no main one, of a task."""
    checked: set[str] = set()
    suite.with_checks(topic, lambda checks: checked.update(check.task for check in checks))
    if lacking := [task.id for task in topic.tasks if task.id not in checked]:
        names = ", ".join(f"test_{task}__…" for task in lacking)
        raise KitError(f"{topic.hidden_suite}: no check, and so no main one, of {', '.join(lacking)}: it needs {names}")


def submission(topic: Topic, name: str, text: str) -> Submission:
    """A submission of one module."""
    return Submission(name, {topic.module: text.encode()})


def alternatives(topic: Topic) -> list[Submission]:
    """Other right solutions, a folder each; none if the topic has none. KitError if they cannot be read."""
    folder = topic.solution.parent / "alternatives"
    found = handed_in.find(folder, topic) if folder.is_dir() else []
    return [replace(each, name=f"alternative {each.name}") for each in found]


def light(plan: Plan) -> Plan:
    """The plan with a moment of training and no minimum: enough for a module whose training is not in question."""
    if plan.training is None:
        return plan
    full = plan.training.budget
    budget = replace(full, images=10 * full.batch, epochs=1, episodes=min(10, full.episodes), minimum=0.0)
    return replace(plan, training=replace(plan.training, budget=budget))


def mutant_jobs(topic: Topic, text: str, wrong: Iterable[mutants.Mutant], *, thorough: bool) -> tuple[list[Job], list[str]]:
    """The jobs of the mutants, and what is wrong with those that do not fit the reference, whose `text` this is.

    The mutants of a definition go together, for they share what is learned of their task; one that has to train goes alone.
    """
    groups: dict[tuple[str, ...], list[Submission]] = {}
    unfit = []
    for mutant in wrong:
        try:
            module = submission(topic, title(mutant), mutants.source(mutant, text))
        except KitError as error:
            unfit.append(f"{topic.mutants}: {error}")
            continue
        plan = "full" if topic.task(mutant.task).trains else "light"
        alone = [title(mutant)] if thorough or plan == "full" else []
        groups.setdefault((plan, mutant.task, jobs.definition(mutant, text), *alone), []).append(module)
    work = []
    for (plan, task, changed, *_), modules in groups.items():
        if thorough:
            work.append(Job(topic.name, plan, modules))
            continue
        without = submission(topic, f"the solution without {changed}", jobs.without(text, changed))
        resting = frozenset(other.id for other in topic.tasks if task in other.needs)
        work.append(Job(topic.name, plan, [replace(module, tasks=frozenset({task})) for module in modules], without, resting))
    return sorted(work, key=lambda job: (job.plan, -len(job.submissions))), unfit
