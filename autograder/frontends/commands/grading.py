"""The commands that grade, and write down what was found: grade, report, gradebook, demo."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from autograder import course, secret
from autograder.errors import KitError
from autograder.frontends.commands import common
from autograder.results import SubmissionStatus
from autograder.sandbox.server import Server, import_quickly

if TYPE_CHECKING:
    from autograder.grading.grade import Plan
    from autograder.results import Report
    from autograder.submission.handed_in import Submission


def grade(options: argparse.Namespace) -> int:
    """Grade a folder of submissions into OUT, and into a gradebook if asked."""
    found = common.here_with_solutions()
    topic = found.topic(options.topic)
    with Server(topic.warm) if options.workers == 1 else contextlib.nullcontext() as server:
        import_quickly("autograder.grading.grade")  # it imports torch, as the server does meanwhile
        from autograder.feedback import out_folder  # noqa: PLC0415  other commands need not wait for it
        from autograder.submission import handed_in  # noqa: PLC0415  imports torch

        submissions = handed_in.find(options.submissions, topic, [other.name for other in found.topics], common.tell)
        out = out_folder.place(options.out, topic)
        if options.gradebook:
            from autograder.frontends.nbgrader import gradebook  # noqa: PLC0415  only this option needs nbgrader

            try:
                gradebook.prepare(options.gradebook, topic, tries=1)  # before the grading, which may take long
            except gradebook.LockedError:
                common.tell("another program holds the gradebook: it is written after the grading")
        plan = common.plan(topic, options, out_folder.secret_of(out, options.seed))
        reports = _grade_to(plan, submissions, options, server, out)
    if options.gradebook:
        try:
            _record(options.gradebook, topic, reports)
        except KitError as error:
            raise KitError(f"{error}; the scores are in {out}: `autograder gradebook {options.out} URL` writes them") from None
    return _code(reports, out)


def report(options: argparse.Namespace) -> int:
    """Make the tables and pages of OUT again."""
    from rich.console import Console  # noqa: PLC0415  only commands that print tables need it

    from autograder.feedback import out_folder, tables  # noqa: PLC0415  imports torch

    found, console = common.here(), Console()
    for place in out_folder.places(options.out):
        topic, reports = out_folder.read(place, found)
        out_folder.finish(place, topic, reports)
        console.print(tables.class_table(topic, reports))
        console.print(f"Report: {place / 'index.html'}", soft_wrap=True)
    return 0


def gradebook(options: argparse.Namespace) -> int:
    """Write the scores in OUT into nbgrader's gradebook."""
    from autograder.feedback import out_folder  # noqa: PLC0415  other commands need not wait for it

    for place in out_folder.places(options.out):
        topic, reports = out_folder.read(place, common.here())
        _record(options.url, topic, reports)
    return 0


def demo(options: argparse.Namespace) -> int:
    """Grade the bundled samples, and show the half-done one."""
    from rich.console import Console  # noqa: PLC0415  only commands that print tables need it

    topic = common.here_with_solutions().topic("03_nn")
    with Server(topic.warm) as server:
        import_quickly("autograder.grading.grade")  # it imports torch, as the server does meanwhile
        from autograder.feedback import out_folder, tables  # noqa: PLC0415  imports torch
        from autograder.submission import handed_in  # noqa: PLC0415  imports torch

        out = out_folder.place(options.out, topic)
        samples = handed_in.find(Path(__file__).parents[2] / "samples" / topic.name, topic)
        reports = _grade_to(common.plan(topic, options, secret.of_seed(0)), samples, options, server, out)
    if code := _code(reports, out):
        return code
    half_done = next(item for item in reports if 0 < item.score < item.max_score)
    Console().print(tables.submission_table(half_done))
    return 0


def _grade_to(
    plan: Plan, submissions: list[Submission], options: argparse.Namespace, server: Server | None, out: Path
) -> list[Report]:
    """Grade into that place of OUT, whose tables then show all that it holds; the reports on these submissions."""
    from rich.console import Console  # noqa: PLC0415  only commands that print tables need it
    from rich.progress import Progress  # noqa: PLC0415

    from autograder.feedback import out_folder, tables  # noqa: PLC0415  imports torch
    from autograder.grading import grade  # noqa: PLC0415  imports torch

    held = {item.submission: item for item in out_folder.held(out)}
    found: dict[str, Report] = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(f"grading {plan.topic.name}", total=len(submissions))

        def keep(item: Report) -> None:
            if not found:
                out_folder.keep_secret(out, plan.key)
                out_folder.begin(out, plan.topic)
            found[item.submission] = out_folder.keep(out, item)
            progress.advance(bar)

        grade.grade(plan, submissions, keep, options.workers, server)
    everyone = [report for _, report in sorted({**held, **found}.items())]
    out_folder.finish(out, plan.topic, everyone)
    console = Console()
    console.print(tables.class_table(plan.topic, everyone))
    places = f"Results: {out / 'results'}, scores: {out / 'scores.csv'}, report: {out / 'index.html'}"
    console.print(places, soft_wrap=True)
    return [found[name] for name in sorted(found)]


def _record(url: str, topic: course.Topic, reports: list[Report]) -> None:
    from autograder.frontends.nbgrader import gradebook  # noqa: PLC0415  only this needs nbgrader

    gradebook.prepare(url, topic)
    written = gradebook.record(url, topic, reports)
    print(f"Gradebook: {written} submission{'s' * (written != 1)}")  # noqa: T201  its own output


def _code(reports: list[Report], out: Path) -> int:
    """The exit code of a grading: 1, with a line that says why, if faults of the kit left it without any grade."""
    if not all(report.status is SubmissionStatus.BROKEN for report in reports):
        return 0
    text = f"no submission was graded: all {len(reports)} are broken, by a fault of the kit or of the hidden suite"
    common.tell(f"{text}; see the messages in {out / 'results'}")
    return 1
