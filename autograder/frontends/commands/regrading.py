"""The command regrade: after a suite was mended, whose score changes, by how much and in which task, before it counts."""

from __future__ import annotations

import argparse
import itertools
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.course import Course
from autograder.errors import KitError
from autograder.feedback import out_folder, record
from autograder.feedback.record import Record
from autograder.frontends.commands import common, running
from autograder.grading import guard, run_log
from autograder.results import Report, Status, TaskResult
from autograder.submission.handed_in import Submission

SIDE = "regraded"  # in a place of OUT: what was found anew, until it counts


@dataclass(frozen=True)
class _Anew:
    """What grading a place again has found: the results that it holds, those that are new, and the record with them."""

    before: dict[str, Report]
    found: dict[str, Report]
    record: Record


def regrade(options: argparse.Namespace) -> int:
    """Grade again what its suite, its files or the kit decide otherwise than before, beside OUT's results."""
    found, console = common.here_with_solutions(), Console()
    with guard.claimed(options.out):
        for place in out_folder.places(options.out):
            anew = _graded_anew(found, place, options)
            console.print(_table(anew, place))
            if options.write:
                _take_over(found, place, anew)
                console.print(f"Results: {place / 'results'}, scores: {place / 'scores.csv'}", soft_wrap=True)
        if not options.write:
            common.tell(
                f"nothing is changed in {options.out}: `autograder regrade {options.out} --write` takes these results over"
            )
    return 0


def _graded_anew(found: Course, place: Path, options: argparse.Namespace) -> _Anew:
    known = record.read(place)
    if known is None or known.settings is None or not known.submissions:
        raise KitError(f"{place}: it is not written there how and of what it was graded: use `autograder grade` again")
    topic, side = found.topic(known.topic), place / SIDE
    before, beside = ({report.submission: report for report in out_folder.held(each)} for each in (place, side))
    key = out_folder.secret_of(place, None)
    how, people = known.settings, common.roster_of(options.out)
    there = {
        folder: [each for _, of_topic in common.handed_in(found, topic.name, Path(folder), people)
                 for each in of_topic if each.name in listed]
        for folder, listed in known.submissions.items()
    }  # fmt: skip
    known = replace(known, cleared=running.cleared_of(itertools.chain(*there.values()), (), known.cleared))
    asked = argparse.Namespace(**{**vars(options), **asdict(how), "cleared": sorted(known.cleared), "download": False,
                                  "json": False})  # fmt: skip
    plan, settings, results = running.planned(topic, asked, key), running.settings_of(asked), dict[str, Report]()
    missing, digests = list[Submission](), dict[str, str]()
    for folder, submissions in there.items():
        work = running.Class(found, topic, submissions, Path(folder), place)
        of_folder = running.digests_of(work, settings, key, known.cleared, plan)
        known, digests = known.with_submissions(Path(folder), of_folder), digests | of_folder
        for each in submissions:
            if running.is_done(beside, each.name, digests):
                results[each.name] = beside[each.name]
            elif not running.is_done(before, each.name, digests):
                missing.append(each)
    common.tell(f"{place}: {len(digests) - len(missing)} kept, {len(missing)} to grade")
    if missing:
        guard.require_room(side, len(missing))
        running.grade_into(side, topic, missing, digests, plan, asked, results)
    return _Anew(before, results, known)


def _take_over(found: Course, place: Path, anew: _Anew) -> None:
    for report in anew.found.values():
        out_folder.keep(place, report)
        run_log.add(place, "taken over", report.submission, report.status, f"{report.score:g}/{report.max_score:g}")
    record.write(place, anew.record)
    topic, everybody = out_folder.read(place, found)
    out_folder.finish(place, topic, everybody, anew.record.state(everybody), zero_unreadable=anew.record.zero_unreadable)
    shutil.rmtree(place / SIDE, ignore_errors=True)


def _table(anew: _Anew, place: Path) -> Table:
    """A row for each submission whose score or status changes."""
    changed = [report for _, report in sorted(anew.found.items()) if _differs(anew.before.get(report.submission), report)]
    means = [_mean(each) for each in (anew.before, {**anew.before, **anew.found})]
    title = f"{place}: {len(changed)} of {len(anew.record.digests)} change, mean {means[0]} → {means[1]}"
    table = Table(title=escape(title), title_justify="left")
    for name, how in (("submission", "left"), ("before", "right"), ("now", "right"), ("change", "right"), ("why", "left")):
        table.add_column(name, justify=how, overflow="fold")  # type: ignore[arg-type]
    for report in changed:
        before = anew.before.get(report.submission)
        change = f"{report.score - before.score:+g}" if before and before.has_score and report.has_score else ""
        why = report.message if report.message != (before.message if before else "") else ""
        tasks = [_why(task, then) for then, task in _pairs(before, report) if then is None or then.score != task.score]
        table.add_row(
            escape(report.submission), _score(before), _score(report), change, escape("\n".join(filter(None, [why, *tasks])))
        )
    return table


def _differs(before: Report | None, now: Report) -> bool:
    return before is None or (before.score, before.status) != (now.score, now.status) or any(
        then is None or then.score != task.score for then, task in _pairs(before, now)
    )  # fmt: skip


def _pairs(before: Report | None, now: Report) -> list[tuple[TaskResult | None, TaskResult]]:
    known = {task.id: task for task in before.tasks} if before else {}
    return [(known.get(task.id), task) for task in now.tasks]


def _why(now: TaskResult, before: TaskResult | None) -> str:
    """The task, its points, and the check that decides: the one that fails now, or that failed before."""
    decides = now if now.status is not Status.PASSED else before
    points = f"{now.id} {f'{before.score:g}' if before else '–'} → {now.score:g}"  # noqa: RUF001  no score
    return f"{points}: {decides.message}" if decides and decides.message else points


def _score(report: Report | None) -> str:
    return "–" if report is None else f"{report.score:g}" if report.has_score else str(report.status)  # noqa: RUF001  no score


def _mean(reports: Mapping[str, Report]) -> str:
    scores = [report.score for report in reports.values() if report.has_score]
    return f"{sum(scores) / len(scores):.2f}" if scores else "–"  # noqa: RUF001  no score
