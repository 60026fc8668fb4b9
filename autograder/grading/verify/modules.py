"""The modules that a topic is tried with, as submissions: its solution, stub and mutants, and other people's right solutions."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from autograder.course import Topic, mutants
from autograder.errors import KitError
from autograder.grading.grade import Plan
from autograder.grading.verify.findings import title
from autograder.grading.verify.jobs import Job
from autograder.submission import handed_in
from autograder.submission.handed_in import Submission


def reference(topic: Topic) -> str:
    """The text of the solution; KitError if there is none, or it is no Python."""
    text = _text(topic.solution, "reference solution")
    try:
        ast.parse(text)
    except SyntaxError as error:
        raise KitError(f"{topic.solution}:{error.lineno}: does not parse: {error.msg}") from None
    return text


def stub(topic: Topic) -> Submission:
    """The stub as it is, handed in; KitError if there is none."""
    return submission(topic, "the stub", _text(topic.stub, "stub"))


def _text(path: Path, what: str) -> str:
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if not text:
        raise KitError(f"{path}: there is no {what}")
    return text


def submission(topic: Topic, name: str, text: str) -> Submission:
    """A submission of one module."""
    return Submission(name, {topic.module: text.encode()})


def alternatives(topic: Topic) -> list[Submission]:
    """Other right solutions, a folder each; none if the topic has none. KitError if they cannot be read.

    None is asked for a function that its files do not name, and so for a task that came later.
    """
    folder = topic.solution.parent / "alternatives"
    found = handed_in.find(folder, topic) if folder.is_dir() else []
    functions = {each.name for each in mutants.definitions(reference(topic))} if found else set()
    return [replace(each, name=f"alternative {each.name}", tasks=_named(topic, functions, each)) for each in found]


def _named(topic: Topic, functions: set[str], module: Submission) -> frozenset[str]:
    """The tasks that the module is asked for: without those whose function none of its files names; none stands for all."""
    words = {word.decode() for text in module.files.values() for word in re.findall(rb"\w+", text)}
    later = {task.id for task in topic.tasks if task.id in functions - words}
    return frozenset(task.id for task in topic.tasks if task.id not in later) if later else frozenset()


def light(plan: Plan) -> Plan:
    """The plan with a moment of training and no minimum: enough for a module whose training is not in question."""
    if plan.training is None:
        return plan
    full = plan.training.budget
    budget = replace(full, images=10 * full.batch, epochs=1, episodes=min(10, full.episodes), minimum=0.0)
    return replace(plan, training=replace(plan.training, budget=budget))


def mutant_jobs(
    full: Plan,
    light: Plan,
    text: str,
    wrong: Iterable[mutants.Mutant],
    entered: Mapping[str, frozenset[str]],
    *,
    thorough: bool,
) -> tuple[list[Job], list[str]]:
    """The jobs of the mutants, and what is wrong with those that do not fit the reference, whose `text` this is.

    A mutant is asked for its own task and for those that have `entered` the definition that it changes, but for those that
    rest on its own; `thorough` asks it for all. The mutants of a definition go together, for they share what is learned of
    their task; one that has to train goes alone, and by the `full` plan.
    """
    topic = full.topic
    groups: dict[tuple[str, ...], list[Submission]] = {}
    training: list[Job] = []
    unfit = []
    for mutant in wrong:
        try:
            edited = mutants.source(mutant, text)
        except KitError as error:
            unfit.append(f"{topic.mutants}: {error}")
            continue
        if edited == text:
            unfit.append(f"{topic.mutants}: mutant {mutant.phrase!r}: what it puts in the place of {mutant.old!r} is the same")
            continue
        if unknown := undefined(edited):
            unfit.append(f"{topic.mutants}: mutant {mutant.phrase!r}: it uses {', '.join(unknown)}, which nothing defines")
            continue
        module = submission(topic, title(mutant), edited)
        changed = outermost(mutant, text)
        coming = {task.id for task in topic.tasks if changed in entered[task.id] and mutant.task not in task.needs}
        module = replace(module, tasks=frozenset() if thorough else frozenset({mutant.task, *coming}))
        if topic.task(mutant.task).trains:
            training.append(Job(full, [module]))
        else:
            alone = [module.name] if thorough else []
            groups.setdefault((mutant.task, changed, *alone), []).append(module)
    return [*training, *(Job(light, group) for group in sorted(groups.values(), key=len, reverse=True))], unfit


def undefined(text: str) -> list[str]:
    """The names that a module uses and nothing in it, nor Python itself, defines; none if it does not parse."""
    try:
        module = symtable.symtable(text, "module", "exec")
    except SyntaxError:
        return []
    scopes = [module]
    for scope in scopes:
        scopes += scope.get_children()
    of_module = [name for scope in scopes for name in scope.get_symbols() if name.is_global() or scope is module]
    defined = {name.get_name() for name in of_module if name.is_assigned() or name.is_imported() or name.is_namespace()}
    used = {name.get_name() for name in of_module if name.is_referenced()}
    return [] if "import *" in text else sorted(used - defined - {*dir(builtins), "__file__"})


def outermost(mutant: mutants.Mutant, reference: str) -> str:
    """The name of the function or class of the module in which the mutant's edit lies."""
    name = mutant.within or mutant.task
    return next(found.within for found in mutants.definitions(reference) if found.name == name)
