"""Times a submission that trains: graded in the sandbox with all its checks, against its training loop run bare.

    python tests/benchmarks/training.py [--repeat 5] [--data embedded] [--budget quick]

Both run the reference solution with one thread, on the same images, in turn; medians. The target is 1.1 times the bare loop,
and, with the budget `quick`, 12 s a submission. Exit code 1 if it is missed.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from autograder import answer, budget, course, data, grade
from autograder.budget import Training
from autograder.results import Report
from autograder.submission import Submission

MOST, MOST_SECONDS = 1.1, 12.0


def bare(topic: course.Topic, training: Training, seed: int) -> float:
    """Seconds of the solution's `train` on its own network in this process."""
    module = answer.load(topic.solution).module
    chosen, images = training.budget, TensorDataset(*data.resident(training.resident))
    torch.manual_seed(seed)
    net = module.Net()
    loader = DataLoader(images, chosen.batch, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), chosen.lr, chosen.momentum)
    started = time.perf_counter()
    module.train(net, loader, nn.CrossEntropyLoss(), optimizer, chosen.epochs, chosen.images // chosen.batch // 15)
    return time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--data", default="embedded")
    parser.add_argument("--budget", default="quick")
    options = parser.parse_args()
    torch.set_num_threads(1)
    topic = course.load(Path(__file__).parents[2]).topic("04_cifar10")
    training = budget.choose(topic.settings, source=options.data, budget=options.budget)
    content = {topic.module: topic.solution.read_bytes()}
    alone, graded, of_training = [], [], []

    def keep(report: Report) -> None:
        assert report.score == report.max_score, report
        graded.append(report.seconds)
        of_training.append(next(task.seconds for task in report.tasks if task.id == "trained_accuracy"))

    bare(topic, training, 0)  # what is imported and allocated once
    plan = grade.Plan(topic, 0, grade.isolation_here("full"), training)
    with grade.Keeper(plan) as keeper:
        for seed in range(options.repeat):
            alone.append(bare(topic, training, seed))
            grade.grade_here(plan, [Submission(f"s{seed}", content)], keep, keeper)
    loop, whole, trained = map(statistics.median, (alone, graded, of_training))
    met = whole / loop <= MOST and (options.budget != "quick" or whole <= MOST_SECONDS)
    print(f"{training.source.name}, budget {options.budget}, medians of {options.repeat}")
    print(f"  the loop, bare:                  {loop:6.2f} s")
    print(f"  the check trained_accuracy:      {trained:6.2f} s, {trained / loop:.2f} times the bare loop")
    print(f"  the submission, all its checks:  {whole:6.2f} s, {whole / loop:.2f} times the bare loop, "
          f"at most {MOST}: {'met' if met else 'missed'}")  # fmt: skip
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
