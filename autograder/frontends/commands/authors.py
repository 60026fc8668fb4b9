"""The authors' commands: new, verify."""

from __future__ import annotations

import argparse
import functools
from dataclasses import replace
from typing import TYPE_CHECKING

from autograder import secret
from autograder.errors import KitError
from autograder.frontends.commands import common

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from autograder.course import Topic
    from autograder.results import Report
    from autograder.submission.handed_in import Submission


def new(options: argparse.Namespace) -> int:
    """Make a topic's files, or add tasks to them."""
    from autograder.frontends import new  # noqa: PLC0415  only this command needs it

    for line in new.new(common.here_with_solutions(), options.topic, *options.tasks):
        print(line)  # noqa: T201  the command's own output
    return 0


def verify(options: argparse.Namespace) -> int:
    """Prove each topic's parts sound; 1 if one is not."""
    found = common.here_with_solutions()
    from rich.console import Console  # noqa: PLC0415  only commands that print tables need it
    from rich.progress import Progress  # noqa: PLC0415

    from autograder.frontends import verdicts  # noqa: PLC0415  imports torch
    from autograder.grading.verify import to_json, verify  # noqa: PLC0415  the same

    topics = [found.topic(options.topic)] if options.topic else list(found.topics)
    console, sound = Console(), True
    for topic in topics:
        plan = common.plan(topic, options, secret.of_seed(0))
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task(f"verifying {topic.name}", total=None)
            advance = functools.partial(_advance, progress, bar)
            notebook, unfit = _notebook(topic)
            verdict = verify(topic, plan, options.seeds, options.workers, advance, right=notebook, thorough=options.thorough)
            verdict = replace(verdict, problems=(*verdict.problems, *unfit))
        if options.json:
            print(to_json(verdict))  # noqa: T201  the command's own output
        else:
            verdicts.show(console, verdict, undiagnosed=options.undiagnosed)
        sound = sound and not verdict.problems
    return 0 if sound else 1


def _notebook(topic: Topic) -> tuple[list[Submission], list[str]]:
    """The topic's notebook with its solutions, as one that is handed in, and why it or the students' one cannot be made."""
    from autograder.frontends.nbgrader import source  # noqa: PLC0415  only this command needs them
    from autograder.submission.handed_in import Submission  # noqa: PLC0415
    from autograder.submission.opening import Form  # noqa: PLC0415

    try:
        source.notebook(topic, for_students=True)
        content = source.text(source.notebook(topic)).encode()
    except KitError as error:
        return [], [f"the notebook: {error}"]
    return [Submission("the notebook", {f"{topic.name}.ipynb": content}, form=Form.FILES)], []


def _advance(progress: Progress, bar: TaskID, _: Report) -> None:
    progress.advance(bar)
