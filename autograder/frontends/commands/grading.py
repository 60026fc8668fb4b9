"""The commands that grade, and write down what was found: grade, report, gradebook, demo."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from autograder import course
from autograder.errors import KitError
from autograder.frontends.commands import common, exporting
from autograder.results import SubmissionStatus
from autograder.text import listed

if TYPE_CHECKING:
    from rich.console import Console

    from autograder.frontends.commands.running import Done
    from autograder.results import Report
    from autograder.submission.handed_in import Submission

# What only some commands need is imported where it is used: `autograder hint` need not wait for it.


def grade(options: argparse.Namespace) -> int:
    """Grade a class into OUT, topic by topic, and into a gradebook if asked."""
    from autograder.feedback import out_folder  # noqa: PLC0415
    from autograder.grading import guard  # noqa: PLC0415

    found = common.here_with_solutions()
    if options.submissions.resolve() in (options.out.resolve(), *options.out.resolve().parents):
        raise KitError(f"{options.out} lies in {options.submissions}, whose folders are submissions: give an OUT beside it")
    people = common.roster_of(options.out, options.roster)
    classes = common.handed_in(found, options.topic, options.submissions, people)
    codes = []
    with guard.claimed(options.out):
        if people:
            out_folder.keep_roster(options.out, people.people, people.source)
        for topic, submissions in classes:
            codes.append(_grade_topic(found, topic, submissions, options))
    return max(codes)


def _grade_topic(found: course.Course, topic: course.Topic, submissions: list[Submission], options: argparse.Namespace) -> int:
    """Grade a topic's submissions into its place of OUT; the exit code."""
    from autograder.feedback import out_folder  # noqa: PLC0415
    from autograder.frontends.commands import running  # noqa: PLC0415

    place = out_folder.place(options.out, topic)
    if options.gradebook:
        from autograder.frontends.nbgrader import gradebook  # noqa: PLC0415

        try:
            gradebook.prepare(options.gradebook, topic, wait=False)  # before the grading, which may take long
        except gradebook.LockedError:
            common.tell("another program holds the gradebook: it is written after the grading")
    done = running.run(running.Class(found, topic, submissions, options.submissions, place), options)
    _show(topic, done, place, options)
    for name in options.export:
        exporting.write(place, topic, done.everybody, name, tell=common.tell if options.quiet or options.json else print)
    if options.gradebook:
        try:
            _record(options.gradebook, topic, done.of_class, zero_unreadable=done.record.zero_unreadable)
        except KitError as error:
            raise KitError(f"{error}; the scores are in {place}: `autograder gradebook {options.out} URL` writes them") from None
    return _code(done.of_class, place)


def report(options: argparse.Namespace) -> int:
    """Make the tables and pages of OUT again."""
    from rich.console import Console  # noqa: PLC0415

    from autograder.feedback import out_folder, tables  # noqa: PLC0415

    found, console = common.here(), Console()
    for place in out_folder.places(options.out):
        topic, reports = out_folder.read(place, found)
        state, zero = _known(place, options, reports)
        out_folder.finish(place, topic, reports, state, zero_unreadable=zero)
        console.print(tables.class_table(topic, reports, zero_unreadable=zero))
        _print_state(console, state)
        console.print(f"Report: {place / 'index.html'}", soft_wrap=True)
    return 0


def gradebook(options: argparse.Namespace) -> int:
    """Write the scores in OUT into nbgrader's gradebook."""
    from autograder.feedback import out_folder  # noqa: PLC0415

    for place in out_folder.places(options.out):
        topic, reports = out_folder.read(place, common.here())
        state, zero = _known(place, options, reports)
        if state:
            common.tell(f"{place}: {state}")
        _record(options.url, topic, reports, zero_unreadable=zero)
    return 0


def demo(options: argparse.Namespace) -> int:
    """Grade the bundled samples, and show the half-done one."""
    from rich.console import Console  # noqa: PLC0415

    from autograder.feedback import out_folder, tables  # noqa: PLC0415
    from autograder.frontends.commands import running  # noqa: PLC0415
    from autograder.grading import guard  # noqa: PLC0415
    from autograder.submission import handed_in  # noqa: PLC0415

    found = common.here_with_solutions()
    topic, folder = found.topic("03_nn"), Path(__file__).parents[2] / "samples/03_nn"
    with guard.claimed(options.out):
        place = out_folder.place(options.out, topic)
        done = running.run(running.Class(found, topic, handed_in.find(folder, topic), folder, place), options)
    _show(topic, done, place, options)
    if code := _code(done.of_class, place):
        return code
    half_done = next(item for item in done.of_class if 0 < item.score < item.max_score)
    Console().print(tables.submission_table(half_done))
    return 0


def _show(topic: course.Topic, done: Done, place: Path, options: argparse.Namespace) -> None:
    """Print the class, for people."""
    if options.quiet or options.json:
        return
    from rich.console import Console  # noqa: PLC0415

    from autograder.feedback import tables  # noqa: PLC0415

    console = Console()
    console.print(tables.class_table(topic, done.everybody, zero_unreadable=done.record.zero_unreadable))
    _print_state(console, done.record.state(done.everybody))
    places = f"Results: {place / 'results'}, scores: {place / 'scores.csv'}, report: {place / 'index.html'}"
    console.print(places, soft_wrap=True)


def _print_state(console: Console, state: str) -> None:
    if state:
        console.print(state[0].upper() + state[1:] + ".", soft_wrap=True)


def _known(place: Path, options: argparse.Namespace, reports: list[Report]) -> tuple[str, bool]:
    """What of the class is there, in a few words, and whether what cannot be read counts as zero: from now on, if asked."""
    from autograder.feedback import record  # noqa: PLC0415

    known = record.read(place)
    if known is None:
        return "", bool(options.zero_unreadable)
    if options.zero_unreadable not in (None, known.zero_unreadable):
        known = replace(known, zero_unreadable=options.zero_unreadable)
        record.write(place, known)
    return known.state(reports), known.zero_unreadable


def _record(url: str, topic: course.Topic, reports: list[Report], *, zero_unreadable: bool) -> None:
    from autograder.frontends.nbgrader import gradebook  # noqa: PLC0415

    gradebook.prepare(url, topic)
    written = gradebook.record(url, topic, reports, zero_unreadable=zero_unreadable)
    print(f"Gradebook: {written} submission{'s' * (written != 1)}")  # noqa: T201  its own output
    unread = [report for report in reports if report.status is SubmissionStatus.UNREADABLE]
    left = [report.submission for report in unread if not report.counts(zero_unreadable=zero_unreadable)]
    if left:
        common.tell(f"without a score, marked for grading by hand: {listed(left, 10)}; `nbgrader export` writes 0 for them")


def _code(reports: list[Report], out: Path) -> int:
    """The exit code of a grading: 1, with a line that says why, if faults of the kit left it without any grade."""
    if not all(report.status is SubmissionStatus.BROKEN for report in reports):
        return 0
    text = f"no submission was graded: all {len(reports)} are broken, by a fault of the kit or of the hidden suite"
    common.tell(f"{text}; see the messages in {out / 'results'}")
    return 1
