"""The authors' commands: new, verify."""

from __future__ import annotations

import argparse
import functools
from typing import TYPE_CHECKING

from autograder import secret
from autograder.frontends.commands import common

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from autograder.results import Report


def new(options: argparse.Namespace) -> int:
    """Make a topic's files, or add a task to them."""
    from autograder.frontends import new  # noqa: PLC0415  only this command needs it

    for line in new.new(common.here_with_solutions(), options.topic, options.task):
        print(line)  # noqa: T201  the command's own output
    return 0


def verify(options: argparse.Namespace) -> int:
    """Prove each topic's parts sound; 1 if one is not."""
    found = common.here_with_solutions()
    from rich.console import Console  # noqa: PLC0415  only commands that print tables need it
    from rich.progress import Progress  # noqa: PLC0415

    from autograder.grading import verify  # noqa: PLC0415  imports torch

    topics = [found.topic(options.topic)] if options.topic else list(found.topics)
    console, sound = Console(), True
    for topic in topics:
        plan = common.plan(topic, options, secret.of_seed(0))
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task(f"verifying {topic.name}", total=None)
            advance = functools.partial(_advance, progress, bar)
            verdict = verify.verify(topic, plan, options.seeds, options.workers, advance, thorough=options.thorough)
        state = "sound" if not verdict.problems else f"{len(verdict.problems)} problems"
        console.print(f"{topic.name}: {verdict.tasks} tasks, {verdict.mutants} mutants, "
                      f"{verdict.mutants - len(verdict.undiagnosed)} diagnosed, "
                      f"{options.seeds} seeds: {state}", soft_wrap=True)  # fmt: skip
        for problem in verdict.problems:
            console.print(f"  {problem}", soft_wrap=True, markup=False)
        for remark in verdict.remarks:
            console.print(f"  remark: {remark}", soft_wrap=True, markup=False)
        for line in verdict.undiagnosed if options.undiagnosed else ():
            console.print(f"  not diagnosed: {line}", soft_wrap=True, markup=False)
        sound = sound and not verdict.problems
    return 0 if sound else 1


def _advance(progress: Progress, bar: TaskID, _: Report) -> None:
    progress.advance(bar)
