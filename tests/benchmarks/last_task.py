"""What a topic's last task measures of right and wrong programs, over many seeds, as a table: is its minimum in the right place?

    python tests/benchmarks/last_task.py 09_dcgan [--seeds 20] [--alternatives] [--phrases WORDS …]

Each program is graded for the last task alone, in the sandbox, by the hidden check itself, with the course's budget. Wrong ones
are the task's own mutants, and those whose sentence has one of the phrases (by default the misconceptions that should show).
A margin is the distance between the limit and the mean, in standard deviations of that program; "-" is a run that came to no
number. Exit code 1 if a right program fails or a wrong one passes.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from autograder import course, secret
from autograder.course import Topic, mutants
from autograder.grading import grade, isolation
from autograder.grading.verify import modules
from autograder.grading.verify.findings import title
from autograder.images.training import choose
from autograder.results import Report, Status
from autograder.sandbox.server import Server
from autograder.submission.handed_in import Submission

ROOT = Path(__file__).parents[2]
SHOWING = {
    "07_finetune": ("never takes a step", "between backward and the step"),
    "09_dcgan": (
        "takes the label 0 for the images", "never calls the optimizer's step",
        "of generator_step, 'goes up", "leaves g's optimizer without",
        "stops after the first batch", "scales the images to 0",
    ),
    "10_word_lm": (
        "a softmax after the decoder", "a softmax before the cross entropy", "one step an epoch", "the window itself as its",
        "goes up the gradient", "the words that it reads", "ties by copying values",
    ),
}  # fmt: skip


def measured(attached: Mapping[str, Any]) -> float | None:
    """The number that the last check compares with its limit, from what it left for the page; None if it came to none."""
    if "drawn" in attached:
        return float(min(attached["drawn"]["nearer"], attached["drawn"]["varied"]))
    if "balance" in attached:
        return statistics.fmean(attached["balance"]["lengths"])
    if "written" in attached:
        return float(attached["written"]["reached"] / attached["written"]["own"])
    return float(attached["accuracy"]["reached"]) if "accuracy" in attached else None


def wrong(topic: Topic, reference: str, phrases: Iterable[str]) -> Iterator[Submission]:
    """The mutants of the last task, and those of the tasks that it rests on which one of the phrases names."""
    last = topic.tasks[-1]
    for mutant in mutants.load(topic):
        name = title(mutant)
        if mutant.task == last.id or (mutant.task in last.needs and any(words in name for words in phrases)):
            yield modules.submission(topic, name, mutants.source(mutant, reference))


def row(name: str, reports: list[Report], limit: float) -> str:
    """One program: what it reached, its distance from the limit, how often it passed."""
    found = [value for report in reports if (value := measured(report.attachments)) is not None and math.isfinite(value)]
    passed = sum(report.tasks[0].status is Status.PASSED for report in reports)
    if len(found) < 2:
        return f"{name[:70]:70} {'-':>7} {'':7} {'':>13} {'':>6} {passed:>3} of {len(reports)}"
    mean, spread = statistics.fmean(found), statistics.stdev(found)
    margin = abs(mean - limit) / spread if spread else math.inf
    extent = f"{min(found):.3g}-{max(found):.3g}"
    return f"{name[:70]:70} {mean:7.3g} {spread:7.2g} {extent:>13} {margin:6.1f} {passed:>3} of {len(reports)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("topic")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--alternatives", action="store_true", help="the other right solutions too")
    parser.add_argument("--phrases", nargs="*")
    parser.add_argument("--data", default="auto")
    options = parser.parse_args()
    topic = course.load(ROOT).topic(options.topic)
    if topic.training is None and options.topic != "10_word_lm":
        parser.error("this topic trains nothing")
    training = choose(*topic.training.chosen(options.data, None)) if topic.training else None
    reference = topic.solution.read_text(encoding="utf-8")
    right = [modules.submission(topic, "the reference", reference), *(modules.alternatives(topic) * options.alternatives)]
    phrases = SHOWING.get(topic.name, ()) if options.phrases is None else options.phrases
    programs = [*right, *wrong(topic, reference, phrases)]
    last = replace(topic.tasks[-1], needs=())  # a wrong step shows in the last task too
    topic = replace(topic, tasks=(*topic.tasks[:-1], last))
    limit = training.budget.minimum if training else 1.4  # of the grammar's own perplexity; see the suite of 10
    print(f"{topic.name}, {last.id}: {options.seeds} seeds, the limit is {limit:g}")
    print(f"{'program':70} {'mean':>7} {'sd':>7} {'from-to':>13} {'margin':>6} passed")
    misplaced, names = 0, {each.name for each in right}
    tier = isolation.here("full")
    with Server(topic.warm) as server:
        for program in programs:
            reports: list[Report] = []
            for seed in range(options.seeds):
                plan = grade.Plan(topic, secret.of_seed(seed), tier, training, diagnosing=False)
                grade.grade_here(plan, [replace(program, tasks=frozenset({last.id}))], reports.append, server)
            print(row(program.name, reports, limit), flush=True)
            passed = [report.tasks[0].status is Status.PASSED for report in reports]
            misplaced += not all(passed) if program.name in names else any(passed)
    return 1 if misplaced else 0


if __name__ == "__main__":
    sys.exit(main())
