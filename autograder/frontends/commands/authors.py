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
    from autograder.course import Topic
    from autograder.grading.verify import Trial
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
    from autograder.grading import verify  # noqa: PLC0415  the same

    topics = [found.topic(name) for name in dict.fromkeys(options.topics)] or list(found.topics)
    console, sound = Console(), list[bool]()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("verifying", total=None)

        def show(verdict: verify.Verdict) -> None:
            sound.append(not verdict.problems)
            progress.stop()  # or its line would stand in the table
            if options.json:
                print(verify.to_json(verdict), flush=True)  # noqa: T201  the command's own output
            else:
                verdicts.show(console, verdict, undiagnosed=options.undiagnosed)
            progress.start()

        def advance(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total)

        verify.verify(topics, functools.partial(_trial, options), options.workers, advance, show)
    return 0 if all(sound) else 1


def _trial(options: argparse.Namespace, topic: Topic) -> Trial:
    """What is tried of a topic; the notebook among what must have full marks."""
    from autograder.grading.verify import prepare  # noqa: PLC0415  imports torch

    plan = common.plan(topic, options, secret.of_seed(0))
    notebook, unfit = _notebook(topic)
    trial = prepare(topic, plan, options.seeds, right=notebook, thorough=options.thorough)
    return replace(trial, problems=(*trial.problems, *unfit))


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
