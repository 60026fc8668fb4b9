"""Times the grading of a mixed class (see `mixed_class`) by what became of each; keeps and compares all its results.

    python tests/benchmarks/grading_by_kind.py [--topic 03_nn] [--count 60] [--seed 0] [--workers 1 2] [--without pytest]
    python tests/benchmarks/grading_by_kind.py --topic 03_nn --save before.json      # all results, without seconds
    python tests/benchmarks/grading_by_kind.py --topic 03_nn --compare before.json   # exit code 1 if one differs

One worker's median seconds are told for each kind, against a right submission, against the time that the right ones' own code
takes in this process, and against a fresh pytest process that runs the same suite; then how much faster two workers are.
A topic that trains does so for a moment. Exit code 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import grading
import torch
from mixed_class import SHARES, Handed, mixed_class
from rich.console import Console
from rich.table import Table

from autograder import course, results
from autograder.grading import grade, isolation
from autograder.images.training import Training, choose
from autograder.results import Report

OWN, MISTAKE, STUB, FRESH, TWO_WORKERS = 1.3, 1.5, 0.5, 40.0, 1.6


def plan(topic: course.Topic) -> grade.Plan:
    """How the class is graded: always with the same inputs, and with a moment of training where a topic trains."""
    return grade.Plan(topic, b"", isolation.here("full"), _short_training(topic))


def _short_training(topic: course.Topic) -> Training | None:
    if topic.training is None:
        return None
    training = choose(*topic.training.chosen("embedded", "quick"))
    return replace(training, budget=replace(training.budget, images=10 * training.budget.batch, epochs=1, minimum=0.0))


def graded(topic: course.Topic, handed: Sequence[Handed], workers: int = 1) -> tuple[list[float], list[Report]]:
    """When each report came, in seconds, and the reports in the class's order."""
    ends: list[float] = []
    reports: list[Report] = []

    def keep(report: Report) -> None:
        ends.append(time.perf_counter())
        reports.append(report)

    grade.grade(plan(topic), [each.submission for each in handed], keep, workers)
    return ends, sorted(reports, key=lambda report: report.submission)


def without_seconds(reports: Sequence[Report]) -> dict[str, str]:
    """Each result as JSON text, whenever it was made."""
    timeless = [
        replace(report, seconds=0.0, tasks=tuple(replace(task, seconds=0.0) for task in report.tasks)) for report in reports
    ]
    return {report.submission: results.to_json(report) for report in timeless}


def main() -> int:
    """Time a class, or keep or compare its results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--course", type=Path, default=grading.ROOT)
    parser.add_argument("--topic", default="03_nn")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, nargs="*", default=(1, 2), choices=(1, 2))
    parser.add_argument("--without", nargs="*", default=(), choices=("pytest",), help="leave out a slow way")
    parser.add_argument("--save", type=Path, help="keep all results here, and time nothing")
    parser.add_argument("--compare", type=Path, help="compare all results with those kept there, and time nothing")
    options = parser.parse_args()
    os.environ |= grading.ONE_THREAD
    torch.set_num_threads(1)
    topic = course.load(options.course).topic(options.topic)
    handed = mixed_class(topic, options.count, options.seed)
    if options.save or options.compare:
        return _kept(without_seconds(graded(topic, handed)[1]), options.save, options.compare)
    return _timed(topic, handed, options.workers, pytest="pytest" not in options.without)


def _kept(found: dict[str, str], save: Path | None, compare: Path | None) -> int:
    if save:
        save.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    before = json.loads(compare.read_text(encoding="utf-8")) if compare else found
    different = sorted(name for name in found.keys() | before.keys() if found.get(name) != before.get(name))
    for name in different:
        pairs = zip(before.get(name, "").splitlines(), found.get(name, "").splitlines(), strict=False)
        print(name, *(f"  - {old}\n  + {new}" for old, new in pairs if old != new), sep="\n")
    print(f"{len(found)} results, {len(different)} of them different")
    return 1 if different else 0


def _timed(topic: course.Topic, handed: Sequence[Handed], workers: Sequence[int], *, pytest: bool) -> int:
    kinds = {each.submission.name: each.kind for each in handed}
    seconds, missed, spans = defaultdict[str, list[float]](list), False, dict[int, float]()
    for count in workers:
        ends, reports = graded(topic, handed, count)
        spans[count] = ends[-1] - ends[count - 1]  # from the first report of the last worker to start
        if count == 1:
            for (before, after), report in zip(pairwise(ends), reports[1:], strict=True):
                seconds[kinds[report.submission]].append(after - before)
    own = None if topic.training else statistics.median(grading.in_this_process(topic)[1])
    fresh = grading.fresh_pytest(topic) if pytest else None
    title = f"{topic.name}, {len(handed)} submissions: medians on {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
    table = Table(title=title, title_justify="left")
    for column in ("what", "how many", "seconds", "target"):
        table.add_column(column, justify="left" if column in ("what", "target") else "right")
    medians = {kind: statistics.median(seconds[kind]) for kind in SHARES if seconds[kind]}
    right = medians.get("right", 0.0)
    most = {"mistake": MISTAKE, "stub": STUB}
    for kind, median in medians.items():
        verdict = grading.limit(median / right, most[kind], "of a right one") if kind in most else ""
        if kind == "right" and own:
            verdict = grading.limit(right / own, OWN, "times its own computing")
        table.add_row(kind, str(len(seconds[kind])), f"{median:.3f}", verdict)
        missed |= "missed" in verdict
    if own:
        table.add_row("the right ones' own computing", "", f"{own:.3f}", "")
    if fresh:
        verdict = grading.reach(fresh / right, FRESH)
        table.add_row("a fresh pytest, for the reference", "", f"{fresh:.3f}", verdict)
        missed |= "missed" in verdict
    for count, span in spans.items():
        rate = (len(handed) - count) / span
        ratio = rate / ((len(handed) - 1) / spans[1]) if 1 in spans and count > 1 else None
        verdict = f"{rate:.2f} a second" + (f", {grading.reach(ratio, TWO_WORKERS, 'of one worker', 1)}" if ratio else "")
        table.add_row(f"the class with {count} worker{'s' * (count > 1)}", str(len(handed) - count), f"{span:.1f}", verdict)
        missed |= "missed" in verdict
    Console(soft_wrap=True).print(table)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
