"""Grades a class of any size with the command, and says what a course of 100,000 submissions would take, from what it measured.

    python tests/benchmarks/large_class.py [--topic 03_nn] [--count 1000] [--workers 2] [--seed 0] [--copies 20]

The class is a mixed one (see `mixed_class`) whose last tenth is its first tenth once more, as other texts. Told are: the rate,
against that at which the submissions' own computing alone could be done on as many processors; time and memory of the last
tenth against the first; what each submission adds to the grader's memory, to OUT and to the time after the last one; and, with
copies of the results in place of more submissions, what `autograder report` takes. Exit code 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grading
import psutil
import torch
from mixed_class import Handed, mixed_class
from rich.console import Console
from rich.table import Table

from autograder import course
from autograder.checks.check import Check
from autograder.grading import policy, suite
from autograder.grading.check_run import CheckRunner
from autograder.grading.mutant_diagnosis import CourseModules

OF_OWN, LAST_TENTH = 0.6, 1.1
SAMPLE = 8  # submissions of each kind whose own computing is measured
MANY = 100_000
PRICE = 0.05  # dollars for a processor and an hour, about what clouds ask


@dataclass(frozen=True)
class Sample:
    """A moment: memory in MB of the grader itself and of all its processes, of shared pages once; their processor seconds."""

    at: float
    grader: float
    all: float
    used: float


@dataclass(frozen=True)
class Run:
    """What a grading was seen to do; `ends` are the times of its results, `after` the seconds from the last one to its end."""

    ends: list[float]
    samples: list[Sample]
    after: float

    def each_used(self, first: int) -> float:
        """Processor seconds for each result after the `first` ones: without what it takes to begin."""
        between = [sample for sample in self.samples if self.ends[first] <= sample.at <= self.ends[-1]]
        results = sum(between[0].at < end <= between[-1].at for end in self.ends)
        return (between[-1].used - between[0].used) / results


def class_of(topic: course.Topic, count: int, seed: int) -> tuple[list[Handed], int]:
    """The class, in the order of its names, and the size of a tenth of it."""
    tenth = max(count // 10, 1)
    handed = mixed_class(topic, count - tenth, seed)
    for number, each in enumerate(handed[:tenth]):
        files = {**each.submission.files, topic.module: each.submission.files[topic.module] + b"# once more\n"}
        handed.append(Handed(each.kind, replace(each.submission, name=f"student{count - tenth + number:04}", files=files)))
    return handed, tenth


def hand_in(handed: Sequence[Handed], folder: Path) -> None:
    """Write the class as a folder of submissions, in which no name is shorter than another."""
    for number, each in enumerate(handed):
        for name, content in each.submission.files.items():
            path = folder / f"student{number:06}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def own_seconds(topic: course.Topic, handed: Sequence[Handed]) -> float:
    """What the class's own code computes, checked in this process: for each kind the mean of a sample."""
    of_kind = defaultdict[str, list[Handed]](list)
    for each in handed:
        of_kind[each.kind].append(each)
    means: dict[str, float] = {}

    def work(checks: Sequence[Check]) -> None:
        runner, modules = CheckRunner(topic, checks, b"", None, 0), CourseModules(topic, b"", None, None)
        for kind, all_of_it in of_kind.items():
            means[kind] = statistics.mean(own(runner, modules, each) for each in all_of_it[:SAMPLE]) if kind != "garbage" else 0.0

    def own(runner: CheckRunner, modules: CourseModules, each: Handed) -> float:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in each.submission.files.items():
                Path(folder, name).write_bytes(content)
            session: Any = grading.Unconfined(topic, Path(folder, topic.module))
            runner.next_submission()
            for task in topic.tasks:
                policy.grade_task(task, session, runner, modules)
            return float(session.seconds)

    with Path(os.devnull).open("w") as null, contextlib.redirect_stdout(null), contextlib.redirect_stderr(null):
        suite.with_checks(topic, work)
    return sum(means[kind] * len(all_of_it) for kind, all_of_it in of_kind.items())


def graded(topic: course.Topic, folder: Path, out: Path, workers: int) -> Run:
    """Grade the folder with the command, and look at its processes meanwhile."""
    command = [sys.executable, "-m", "autograder", "grade", str(folder), "--topic", topic.name, "--out", str(out), "--quiet",
               "--seed", "0", "--workers", str(workers)]  # fmt: skip
    samples: list[Sample] = []
    with subprocess.Popen(command, cwd=topic.root) as process:
        while process.poll() is None:
            samples.append(memory(process.pid))
            time.sleep(1)
    assert process.returncode == 0
    ended = time.time()
    lines = [line.split("\t") for line in (out / "log.txt").read_text(encoding="utf-8").splitlines()]
    ends = [dt.datetime.fromisoformat(line[0]).timestamp() for line in lines if line[1] == "graded"]
    return Run(ends, samples, ended - ends[-1])


def memory(pid: int) -> Sample:
    """What the process and those below it hold and have used now."""
    grader = psutil.Process(pid)
    used, sizes = 0.0, dict[int, float]()
    for process in (grader, *grader.children(recursive=True)):
        with contextlib.suppress(psutil.Error):  # it has just ended, and its time is its parent's
            times = process.cpu_times()
            used += times.user + times.system + times.children_user + times.children_system
            sizes[process.pid] = shared_out(process.pid)
    return Sample(time.time(), sizes.get(pid, 0.0), sum(sizes.values()), used)


def shared_out(pid: int) -> float:
    """A process's memory in MB, of each page that it shares its share; 0 if it has ended."""
    try:
        return psutil.Process(pid).memory_full_info().pss / 2**20
    except psutil.Error:
        return 0.0


def reported(topic: course.Topic, out: Path, copies: int) -> tuple[float, ...]:
    """Have so many copies of each result, and tables and pages made: how many, seconds, MB at most, MB of the class's page."""
    place = out / "results"
    for path in list(place.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        for number in range(1, copies):
            name = f"{path.stem}-{number}"
            (place / f"{name}.json").write_text(json.dumps({**result, "submission": name}), encoding="utf-8")
    most, started = 0.0, time.perf_counter()
    command = [sys.executable, "-m", "autograder", "report", str(out)]
    with subprocess.Popen(command, cwd=topic.root, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, shared_out(process.pid))
            time.sleep(0.2)
    assert process.returncode == 0
    seconds, page = time.perf_counter() - started, (out / "index.html").stat().st_size / 2**20
    return len(list(place.glob("*.json"))), seconds, most, page


def size(folder: Path) -> float:
    """What the files below take, in MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def main() -> int:
    """Grade the class, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topic", default="03_nn")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--copies", type=int, default=20)
    options = parser.parse_args()
    os.environ |= grading.ONE_THREAD
    torch.set_num_threads(1)
    topic = course.load(grading.ROOT).topic(options.topic)
    handed, tenth = class_of(topic, options.count, options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name, "handed-in"), Path(name, "out")
        hand_in(handed, folder)
        own = own_seconds(topic, handed) if topic.training is None else None
        run = graded(topic, folder, out, options.workers)
        megabytes = size(out)
        few, many = (reported(topic, out, copies) for copies in (1, options.copies))
    table = Table(title=f"{topic.name}, {len(handed)} submissions, {options.workers} workers, load {os.getloadavg()[0]:.1f}")
    for column in ("what", "measured", "target"):
        table.add_column(column, justify="right" if column == "measured" else "left")
    missed = _tell(table, run, own, options.workers, tenth)
    each = 1 / len(handed)
    table.add_row("OUT", f"{megabytes * each * 1024:.0f} KB each", "")
    table.add_row("from the last result to the end", f"{run.after:.1f} s", "")
    for count, seconds, most, page in (few, many):
        table.add_row(f"`report` of {count:.0f} results", f"{seconds:.1f} s, {most:.0f} MB, index.html {page:.2f} MB", "")
    hours = run.each_used(options.workers) * MANY / 3600
    table.add_row(f"{MANY:,} of them", f"{hours:.0f} processor hours, {hours * PRICE:.2f} dollars at {PRICE} an hour", "")
    seconds, most, page = ((b - a) / (many[0] - few[0]) * MANY for a, b in zip(few[1:], many[1:], strict=True))
    table.add_row("", f"OUT {megabytes * each * MANY / 1024:.1f} GB; `report` {seconds / 60:.0f} min, {most / 1024:.1f} GB, "
                      f"index.html {page:.0f} MB", "")  # fmt: skip
    Console(soft_wrap=True, width=150).print(table)
    return int(missed)


def _tell(table: Table, run: Run, own: float | None, workers: int, tenth: int) -> bool:
    """Add rate, first and last tenth; whether a target was missed."""
    ends, count = run.ends, len(run.ends)
    rate = (count - workers) / (ends[-1] - ends[workers - 1])  # from the first result of the last worker to start
    verdicts = [f"{rate * own / count / workers:.2f} of its own computing's, at least {OF_OWN}"] if own else [""]
    missed = bool(own) and rate * (own or 0) / count / workers < OF_OWN
    table.add_row("rate", f"{rate:.2f} a second", verdicts[0])
    if own:
        table.add_row("own computing", f"{own / count:.3f} s each", "")
    table.add_row("processor time, with everything", f"{run.each_used(workers):.3f} s each", "")
    first, last = ends[tenth] - ends[0], ends[-1] - ends[-1 - tenth]
    table.add_row(f"first and last {tenth}", f"{first:.1f} s, {last:.1f} s", f"at most {LAST_TENTH} times")
    then = [sample for sample in run.samples if ends[0] <= sample.at <= ends[tenth]]
    now = [sample for sample in run.samples if ends[-1 - tenth] <= sample.at <= ends[-1]]
    missed |= last > LAST_TENTH * first
    if then and now:
        before, after = (statistics.mean(sample.all for sample in part) for part in (then, now))
        table.add_row("memory of all processes then", f"{before:.0f} MB, {after:.0f} MB", f"at most {LAST_TENTH} times")
        missed |= after > LAST_TENTH * before
        grown = (now[-1].grader - then[0].grader) / max(count - tenth, 1)
        table.add_row("the grader's own memory grows by", f"{grown * 1024:.0f} KB each", "")
    return missed


if __name__ == "__main__":
    sys.exit(main())
