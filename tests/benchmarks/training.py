"""Times submissions that train: graded in the sandbox with all their checks, against their own training loop run bare.

    python tests/benchmarks/training.py [--data embedded] [--budget quick]

A class of the reference and the other correct solutions; each is run bare and then graded, with one thread, on the same
images; medians. The target is 1.1 times the bare loop, and, with the budget `quick`, 12 s a submission. Exit code 1 if it
is missed.
"""

import argparse
import contextlib
import io
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from autograder import course
from autograder.grading import grade, isolation
from autograder.images import store
from autograder.images.training import Training, choose
from autograder.learner import loading
from autograder.results import Report
from autograder.submission.handed_in import Submission

ROOT = Path(__file__).parents[2]
MOST, MOST_SECONDS = 1.1, 12.0


def bare(module_file: Path, training: Training) -> float:
    """Seconds of a module's `train` on its own network in this process, whatever it prints."""
    module = loading.load(module_file).module
    chosen, images = training.budget, TensorDataset(*store.resident(training.resident))
    torch.manual_seed(0)
    net = module.Net()
    loader = DataLoader(images, chosen.batch, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), chosen.lr, chosen.momentum)
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        module.train(net, loader, nn.CrossEntropyLoss(), optimizer, chosen.epochs, chosen.images // chosen.batch // 15)
    return time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="embedded")
    parser.add_argument("--budget", default="quick")
    options = parser.parse_args()
    torch.set_num_threads(1)
    topic = course.load(ROOT).topic("04_cifar10")
    training = choose(*topic.training.chosen(options.data, options.budget))
    others = sorted((ROOT / "solutions" / topic.name / "alternatives").glob(f"*/{topic.module}"))
    alone: list[float] = []
    graded: list[Report] = []

    def submissions() -> Iterator[Submission]:
        for module in (topic.solution, *others):
            alone.append(bare(module, training))  # now, so that both meet the machine as it is
            yield Submission(module.parent.name, {path.name: path.read_bytes() for path in module.parent.glob("*.py")})

    bare(topic.solution, training)  # what is imported and allocated once
    plan = grade.Plan(topic, b"", isolation.here("full"), training)
    grade.grade_here(plan, submissions(), graded.append)
    assert all(report.score == report.max_score for report in graded), graded
    trained = [next(task.seconds for task in report.tasks if task.id == "trained_accuracy") for report in graded]
    whole = [report.seconds for report in graded]
    ratio, seconds = ratios(whole, alone), statistics.median(whole)
    met = ratio <= MOST and (options.budget != "quick" or seconds <= MOST_SECONDS)
    print(f"{training.source.name}, budget {options.budget}, medians of {len(graded)} submissions")
    print(f"  the loop, bare:                  {statistics.median(alone):6.2f} s")
    print(f"  the check trained_accuracy:      {statistics.median(trained):6.2f} s, {ratios(trained, alone):.2f} times")
    print(f"  the submission, all its checks:  {seconds:6.2f} s, {ratio:.2f} times, at most {MOST}: {'met' if met else 'missed'}")
    return 0 if met else 1


def ratios(times: list[float], alone: list[float]) -> float:
    return statistics.median(time / bare_time for time, bare_time in zip(times, alone, strict=True))


if __name__ == "__main__":
    sys.exit(main())
