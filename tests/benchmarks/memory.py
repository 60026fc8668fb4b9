"""Measures whether the memory of a grader and of its server stays as it is over a large mixed class (see `mixed_class`).

    python tests/benchmarks/memory.py [--topic 01_tensors] [--count 1000] [--seed 0]

After each tenth of the class: what the grader's process holds of its own, and the server's, in MB (memory that is no file's).
The first fifth is the warm-up, in which what is learned of the suite is kept. Exit code 1 if either has grown by more than 5 %
after it.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter
from pathlib import Path

import grading
import torch
from grading_by_kind import plan
from kill_nine import below
from mixed_class import mixed_class

from autograder import course
from autograder.grading import grade
from autograder.results import Report
from autograder.sandbox.server import Server

MOST = 1.05


def megabytes(pid: int) -> float:
    """What a process holds that is no file's."""
    found = re.search(r"^Anonymous:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found, "Linux tells it"
    return int(found[1]) / 1024


def main() -> int:
    """Grade the class, and tell the memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topic", default="01_tensors")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.environ |= grading.ONE_THREAD
    torch.set_num_threads(1)
    topic = course.load(grading.ROOT).topic(options.topic)
    handed = [each.submission for each in mixed_class(topic, options.count, options.seed)]
    tenth, told, done = max(len(handed) // 10, 1), list[tuple[float, float]](), Counter[str]()
    print(f"{topic.name}, {len(handed)} submissions, no two the same, torch {torch.__version__}")
    print(f"{'graded':>7} {'grader':>7} {'server':>7}")

    def keep(report: Report) -> None:
        done[report.status] += 1  # and not kept: that would be this command's own memory
        if done.total() % tenth == 0:
            *_, forking = (process.pid for kind, process in below(os.getpid(), "grader") if kind == "server")
            told.append((megabytes(os.getpid()), megabytes(forking)))
            print(f"{done.total():7} {told[-1][0]:7.1f} {told[-1][1]:7.1f}", flush=True)

    with Server(topic.warm) as server:
        grade.grade(plan(topic), handed, keep, 1, server)
    warm, last = told[max(len(told) // 5 - 1, 0)], told[-1]
    grown = [after / before for before, after in zip(warm, last, strict=True)]
    print(f"from the first fifth to the end: grader {100 * (grown[0] - 1):+.1f} %, server {100 * (grown[1] - 1):+.1f} %")
    return 1 if max(grown) > MOST else 0


if __name__ == "__main__":
    sys.exit(main())
