"""One run of a grading into its place of OUT: what is there already stays, what is missing or changed is graded."""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.course import Course, Topic
from autograder.errors import KitError
from autograder.feedback import out_folder, record
from autograder.feedback.record import Record, Settings
from autograder.frontends import grading_progress
from autograder.frontends.commands import common
from autograder.grading import cluster, digest, guard, lateness, run_log
from autograder.sandbox import scratch
from autograder.sandbox.server import Server, import_quickly
from autograder.submission.handed_in import Submission

if TYPE_CHECKING:
    from autograder.grading.grade import Plan
    from autograder.results import Report

SUBMISSIONS_A_WORKER = 8  # fewer are graded before a further process has come to work


@dataclass(frozen=True)
class Class:
    """Submissions of one folder, to be graded for one topic into one place of OUT."""

    course: Course
    topic: Topic
    submissions: Sequence[Submission]
    folder: Path
    place: Path


@dataclass(frozen=True)
class Done:
    """What a place holds after a run: the results of this class, those of everybody there, and the record."""

    of_class: list[Report]
    everybody: list[Report]
    record: Record


def run(work: Class, options: argparse.Namespace) -> Done:
    """Grade what has no result yet, and make the tables of all that the place then holds.

    Raises:
        KitError: the place holds results of another course, or of other settings, and `options.force` is not set; or somebody is
            cleared who is not there.
        KeyboardInterrupt: it was interrupted; what had been graded is kept, and that is said.
    """
    place, before, settings = work.place, record.read(work.place), settings_of(options)
    unlike = record.difference(before, work.course.title, settings) if before else ""
    if unlike and not options.force:
        raise KitError(f"{place} was graded otherwise ({unlike}): give another OUT, or --force to grade all of it again")
    if absent := sorted({*options.cleared} - {each.name for each in work.submissions}):
        raise KitError(f"--cleared {', '.join(absent)}: there is no submission of that name")
    key = out_folder.secret_of(place, options.seed)
    cleared = cleared_of(work.submissions, options.cleared, before.cleared if before else {})
    options = argparse.Namespace(**{**vars(options), "cleared": sorted(cleared)})
    plan = planned(work.topic, options, key)
    digests = digests_of(work, settings, key, cleared, plan)
    guard.require_room(place, len(digests))
    now = _renewed(None if unlike else before, work, settings, options, cleared).with_submissions(work.folder, digests)
    out_folder.keep_secret(place, key)
    record.write(place, now)
    held = _held(work, now, before, digests, others_stay=not unlike)
    missing = [each for each in work.submissions if options.force or not is_done(held, each.name, digests)]
    kept = sorted(digests.keys() - {each.name for each in missing})
    held |= _renewed_results(work, held, kept)
    if kept and not options.quiet:
        common.tell(f"{len(kept)} kept, {len(missing)} to grade")
    for name in kept if options.json else ():
        grading_progress.print_json(held[name])
    found: dict[str, Report] = {}
    try:
        if missing:
            grade_into(place, work.topic, missing, digests, plan, options, found)
        else:  # no grading begins, which would do so
            scratch.remove_left()
    except KeyboardInterrupt:
        if found:
            _tables(work, now, {**held, **found})
        again = "the same command without --force" if options.force else "the same command"
        common.tell(f"interrupted: {len(kept) + len(found)} of {len(digests)} are graded, and kept in {place}: {again} goes on")
        raise
    held |= found
    everybody = _tables(work, now, held)
    return Done([held[name] for name in sorted(digests)], everybody, now)


def settings_of(options: argparse.Namespace) -> Settings:
    """What the options of a command ask of a grading; KitError if this machine has not got it."""
    return Settings(options.data, options.budget, common.isolation_of(options), options.device, options.seed)


def planned(topic: Topic, options: argparse.Namespace, key: bytes) -> Callable[[], Plan]:
    """What gives the plan, made once it is needed: it imports torch."""
    return functools.cache(functools.partial(common.plan, topic, options, key))


def cleared_of(submissions: Iterable[Submission], named: Collection[str], known: Mapping[str, str]) -> dict[str, str]:
    """Whom a person has looked at, each with the digest of what that person saw.

    Args:
        submissions: those that are there now.
        named: who was looked at just now.
        known: who was before, as the record has it: it holds as long as the files are the same.
    """
    looked_at = [each for each in submissions if each.name in named or each.name in known]
    seen = {each.name: digest.of_submission(b"", each, cleared=True) for each in looked_at}
    return {name: found for name, found in seen.items() if name in named or known.get(name) == found}


def digests_of(work: Class, settings: Settings, key: bytes, cleared: Collection[str], plan: Callable[[], Plan]) -> dict[str, str]:
    """The digest of each submission of the class, by its name."""
    data = ""
    if work.topic.training or settings.device == "cuda":  # which images there are, and which GPUs
        found = plan()
        data = repr((found.training.source if found.training else None, found.gpus))
    shared = digest.of_grading(work.topic, settings, key, data)
    return {each.name: digest.of_submission(shared, each, cleared=each.name in cleared) for each in work.submissions}


def is_done(held: Mapping[str, Report], name: str, digests: Mapping[str, str]) -> bool:
    """Whether that submission has a result that is up to date."""
    return name in held and record.is_current(held[name], digests[name])


def grade_into(
    place: Path, topic: Topic, missing: Sequence[Submission], digests: Mapping[str, str], plan: Callable[[], Plan],
    options: argparse.Namespace, found: dict[str, Report],
) -> None:  # fmt: skip
    """Grade these submissions; each result is written there as soon as it is known, and put into `found` by its name."""
    workers = min(len(missing), options.workers or _processors(len(missing)))
    with Server(topic.warm) if workers == 1 and not options.cluster else contextlib.nullcontext() as server:
        import_quickly("autograder.grading.grade")  # it imports torch, as the server does meanwhile
        from autograder.grading import grade  # noqa: PLC0415  the same

        by = f"cluster {options.cluster}" if options.cluster else f"{workers} workers"
        run_log.add(place, "begin", topic.name, f"{len(missing)} to grade", by, digest.versions())
        title = f"grading {topic.name}"
        with grading_progress.shown(title, len(missing), quiet=options.quiet, as_json=options.json) as advance:

            def keep(report: Report) -> None:
                report = out_folder.keep(place, replace(report, digest=digests[report.submission]))
                found[report.submission] = report
                score = f"{report.score:g}/{report.max_score:g}" if report.has_score else "no score"
                run_log.add(place, "graded", report.submission, report.status, score, f"{report.seconds:.2f} s")
                advance(report)

            if options.cluster:
                cluster.grade(plan(), missing, keep, options.cluster)
            else:
                grade.grade(plan(), list(missing), keep, workers, server)
        run_log.add(place, "end", topic.name)


def _processors(count: int) -> int:
    """A process for each processor, if there is enough for each to do."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
               -(-count // SUBMISSIONS_A_WORKER))  # fmt: skip


def _renewed(
    before: Record | None, work: Class, settings: Settings, options: argparse.Namespace, cleared: Mapping[str, str]
) -> Record:
    known = before or Record(work.topic.name)
    if settings.seed is None and known.settings:
        settings = replace(settings, seed=known.settings.seed)
    zero = known.zero_unreadable if options.zero_unreadable is None else options.zero_unreadable
    here = {each.name for each in work.submissions}
    elsewhere = {name: seen for name, seen in known.cleared.items() if name not in here}
    return replace(known, course=work.course.title, settings=settings, versions=digest.versions(), zero_unreadable=zero,
                   cleared={**elsewhere, **cleared})  # fmt: skip


def _held(work: Class, now: Record, before: Record | None, digests: Mapping[str, str], *, others_stay: bool) -> dict[str, Report]:
    """The results that the place holds, without those of submissions that have left the folder: they are set aside."""
    out_folder.bring_back(work.place, digests)
    held = {report.submission: report for report in out_folder.held(work.place)}
    listed = before.submissions.get(str(work.folder.resolve()), {}) if before else {}
    gone = [name for name in held if name not in digests and (not others_stay or (name in listed and name not in now.digests))]
    out_folder.set_aside(work.place, gone)
    if gone:
        common.tell(f"{len(gone)} no longer handed in: their results are kept in {work.place / 'left'}")
    return {name: report for name, report in held.items() if name not in gone}


def _renewed_results(work: Class, held: Mapping[str, Report], kept: Sequence[str]) -> dict[str, Report]:
    """The results that stay, with person, time and lateness as they are now: none of these needs another grading."""
    found = {each.name: lateness.renewed(held[each.name], work.topic, each) for each in work.submissions if each.name in kept}
    return {name: out_folder.keep(work.place, report) for name, report in found.items() if report != held[name]}


def _tables(work: Class, now: Record, held: Mapping[str, Report]) -> list[Report]:
    everybody = [report for _, report in sorted(held.items())]
    out_folder.finish(work.place, work.topic, everybody, now.state(everybody), zero_unreadable=now.zero_unreadable)
    return everybody
