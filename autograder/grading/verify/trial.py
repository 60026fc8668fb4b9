"""What is tried of one topic: its modules, as jobs with their plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from autograder import secret
from autograder.course import Topic, mutants
from autograder.course.mutants import Mutant
from autograder.grading.grade import Plan
from autograder.grading.verify import cheats, modules, public_answers
from autograder.grading.verify.cheats import Cheats
from autograder.grading.verify.jobs import Job
from autograder.submission.handed_in import Submission

SEEDS, TRAINED = 5, 2  # unless it is said under how many


@dataclass(frozen=True)
class Trial:
    """What is tried of one topic.

    Attributes:
        plans: by name.
        jobs: all that is graded.
        solution: the solution, a submission for each seed.
        others: what must have full marks beside it.
        stub: what must earn nothing.
        wrong: the mutants, also those that are of no task, or do not fit.
        cheats: what must not pay.
        problems: what was found before anything is graded.
    """

    topic: Topic
    plans: Mapping[str, Plan]
    jobs: Sequence[Job]
    solution: Sequence[Submission]
    others: Sequence[Submission]
    stub: Submission
    wrong: tuple[Mutant, ...]
    cheats: Cheats
    problems: tuple[str, ...]


def prepare(
    topic: Topic, plan: Plan, seeds: int | None = None, *, right: Sequence[Submission] = (), thorough: bool = False
) -> Trial:
    """Make all the modules that a topic is tried with.

    Args:
        topic: what is proved.
        plan: of the grading.
        seeds: how many the solution must pass. None is five, and a task that trains does so under two of them: the others
            train for a moment, as the modules do whose training is not in question.
        right: what must have full marks beside the solution and the alternatives.
        thorough: every mutant is asked for every task, not for its own and those that can come to what it changes; and the
            alternatives train as long as a submission does.

    Raises:
        KitError: something cannot be read, or made.
    """
    reference = modules.reference(topic)
    modules.require_checks(topic)
    wrong = mutants.load(topic)
    of_tasks = [mutant for mutant in wrong if mutant.task in {task.id for task in topic.tasks}]
    mutant_jobs, unfit = modules.mutant_jobs(topic, reference, of_tasks, thorough=thorough)
    answers = public_answers.find(topic)
    tried = cheats.make(topic, reference, answers)
    solution = [modules.submission(topic, f"the solution, seed {seed}", reference) for seed in range(seeds or SEEDS)]
    others = [*modules.alternatives(topic), *right]
    stub = modules.submission(topic, "the stub", topic.stub.read_text(encoding="utf-8"))
    names = frozenset(cheat.submission.name for cheat in tried.made)
    full = replace(plan, named_is_settled=True)
    plans = {"full": full, "light": modules.light(full), "cheats": replace(plan, diagnosing=False, cleared=names)}
    for seed, one in enumerate(solution):
        trains = plan if seed < (seeds or TRAINED) else modules.light(plan)
        plans[one.name] = replace(trains, key=secret.of_seed(seed))
    work = [
        *(Job(topic.name, one.name, [one]) for one in solution),
        *mutant_jobs,
        *(Job(topic.name, "full" if thorough else "light", [one]) for one in others),
        Job(topic.name, "light", [stub]),
        *(Job(topic.name, "cheats", [cheat.submission for cheat in group]) for group in tried.by_task()),
    ]
    return Trial(topic, plans, work, solution, others, stub, wrong, tried, (*answers.lost, *unfit))
