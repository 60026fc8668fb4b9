"""The learners' commands: check, watch, hint."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys

from autograder import course
from autograder.frontends import hints
from autograder.frontends.commands import common


def check(options: argparse.Namespace) -> int:
    """Run the public checks; 1 if something is not done yet."""
    found = common.here()
    if not options.topic:
        return _glance(found)
    topic = found.topic(options.topic)
    selected = ["-k", topic.task(options.task).id] if options.task else []
    # Below the root, for pytest takes a `[` in a path for the start of a check's parameters.
    folder = str(topic.exercise.relative_to(found.root))
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--import-mode=importlib", *selected, folder]
    return min(subprocess.run(command, check=False, cwd=found.root).returncode, 1)  # noqa: S603  our own command


def _glance(found: course.Course) -> int:
    from rich.console import Console  # noqa: PLC0415  only commands that print tables need it

    from autograder.feedback import summary  # noqa: PLC0415  other commands need not wait for it
    from autograder.frontends import glance  # noqa: PLC0415  imports torch

    topics, console = glance.look(found), Console(highlight=False)
    for line in summary.glance(topics, console.width):
        console.print(line.text, style=glance.STYLES[line.tone], markup=False, soft_wrap=True)
    return 0 if all(topic.next is None and not topic.fault for topic in topics) else 1


def watch(options: argparse.Namespace) -> int:
    """Check at every save."""
    from autograder.frontends import watch  # noqa: PLC0415  other commands need not wait for it

    watch.watch(common.here(), options.topic)
    return 0


def hint(options: argparse.Namespace) -> int:
    """Show a task's next hint."""
    found = common.here()
    topic, task = hints.find(found, options.topic, options.task)
    print(hints.ask(found, topic, task, hints.Which(options.which), shutil.get_terminal_size().columns))  # noqa: T201  its output
    return 0
