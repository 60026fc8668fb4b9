"""The commands that get a course to its people: release, nbgrader init, doctor."""

from __future__ import annotations

import argparse

from autograder import language
from autograder.frontends.commands import common


def release(options: argparse.Namespace) -> int:
    """Make or renew a student kit."""
    from autograder.frontends import release  # noqa: PLC0415  only this command needs it

    if options.update:
        lines = release.update(common.here(), options.dest, options.topic)
    else:
        kit = release.of_course(common.here_with_solutions(), options.topic, language.known(options.language))
        lines = [release.as_zip(kit, options.dest) if options.zip else release.as_folder(kit, options.dest)]
    for line in lines:
        print(line)  # noqa: T201  the command's own output
    return 0


def nbgrader_init(options: argparse.Namespace) -> int:
    """Make an nbgrader course."""
    from autograder.frontends.nbgrader import init  # noqa: PLC0415  only this command needs it

    for line in init.create(common.here_with_solutions(), options.folder, force=options.force):
        print(line)  # noqa: T201  the command's own output
    return 0


def doctor(_: argparse.Namespace) -> int:
    """Say what this machine offers."""
    from rich.console import Console  # noqa: PLC0415  only commands that print tables need it

    from autograder.frontends import doctor  # noqa: PLC0415  imports torch

    Console().print(doctor.table())
    return 0
