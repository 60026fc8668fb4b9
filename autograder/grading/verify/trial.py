"""What is tried of one topic: its modules, as jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autograder import secret
from autograder.course import Topic, mutants
from autograder.course.mutants import Mutant
from autograder.grading.grade import Plan
from autograder.grading.verify import cheats, entered, modules, public_answers
from autograder.grading.verify.cheats import Cheats
from autograder.grading.verify.jobs import Job
from autograder.submission.handed_in import Submission

SEEDS, TRAINED = 5, 2  # unless it is said under how many


@dataclass(frozen=True)
class Trial:
    """What is tried of one topic.

    Attributes:
        jobs: all that is graded.
        solution: the solution, a submission for each seed.
        others: what must have full marks beside it.
        stub: what must earn nothing.
        wrong: the mutants, also those that are of no task, or do not fit.
        cheats: what must not pay.
        problems: what was found before anything is graded.
    """

    topic: Topic
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
    reference, stub = modules.reference(topic), modules.stub(topic)
    full = replace(plan, named_is_settled=True)
    light = modules.light(full)
    wrong = mutants.load(topic)
    of_tasks = [mutant for mutant in wrong if mutant.task in {task.id for task in topic.tasks}]
    come_to = entered.by_task(light, reference)
    mutant_jobs, unfit = modules.mutant_jobs(full, light, reference, of_tasks, come_to, thorough=thorough)
    answers = public_answers.find(topic)
    tried = cheats.make(topic, reference, answers)
    solution = [modules.submission(topic, f"the solution, seed {seed}", reference) for seed in range(seeds or SEEDS)]
    others = [*modules.alternatives(topic), *right]
    of_cheats = replace(
        plan,
        diagnosing=False,
        cleared=frozenset(cheat.submission.name for cheat in tried.made),
        one_look=frozenset(cheat.submission.name for cheat in tried.made if not cheat.once_right),
    )
    work = [
        *(
            Job(replace(plan if seed < (seeds or TRAINED) else modules.light(plan), key=secret.of_seed(seed)), [one])
            for seed, one in enumerate(solution)
        ),
        *mutant_jobs,
        *(Job(full if thorough else light, [one]) for one in others),
        Job(light, [stub]),
        *(Job(of_cheats, [cheat.submission for cheat in group]) for group in tried.by_task()),
    ]
    return Trial(topic, work, solution, others, stub, wrong, tried, (*answers.lost, *unfit))
