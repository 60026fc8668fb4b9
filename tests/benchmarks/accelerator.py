"""Times a training step of LeNet on a simulated device against the plain step on the CPU, in one run.

    python tests/benchmarks/accelerator.py [--batch 64] [--rounds 40]

One thread does all the work, and its processor time is taken, so that other processes on the machine count little. The
two take turns; the figure is the ratio of their medians. Exits with 1 if the simulated step takes more than 1.5 times the
plain one.

Another version of torch, in an environment that has it and nothing else of the kit:

    python -m venv /tmp/torch211 && /tmp/torch211/bin/pip install "torch==2.11.*" numpy pytest
    export PYTHONPATH=.
    /tmp/torch211/bin/python tests/benchmarks/accelerator.py
    /tmp/torch211/bin/python tests/benchmarks/opinfo_sweep.py
    /tmp/torch211/bin/python -m pytest -c /dev/null --rootdir . -W error tests/autograder/simulated_gpus
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from autograder.simulated_gpus import simulated

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 1.5
STEPS = 4  # a turn


class LeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.pool = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(F.relu(self.conv2(self.pool(F.relu(self.conv1(x))))))
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x.flatten(1))))))


def make_step(device: str, batch: int) -> Callable[[], float]:
    torch.manual_seed(0)
    net = LeNet().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    images, labels = torch.randn(batch, 3, 32, 32), torch.randint(0, 10, (batch,))

    def step() -> float:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(images.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def milliseconds(step: Callable[[], float]) -> list[float]:
    step()
    times = []
    for _ in range(STEPS):
        start = time.thread_time()
        step()
        times.append((time.thread_time() - start) * 1e3)
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64, help="images a step (default: 64)")
    parser.add_argument("--rounds", type=int, default=40, help=f"turns of {STEPS} steps for each (default: 40)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    plain_step = make_step("cpu", arguments.batch)
    with simulated(1):
        simulated_step = make_step("cuda", arguments.batch)
    plain, on_device = [], []
    for _ in range(arguments.rounds):
        plain += milliseconds(plain_step)
        with simulated(1):
            on_device += milliseconds(simulated_step)
    ratio = statistics.median(on_device) / statistics.median(plain)
    print(
        f"torch {torch.__version__}, LeNet, batch {arguments.batch}: plain {statistics.median(plain):.2f} ms, "
        f"simulated {statistics.median(on_device):.2f} ms, ratio {ratio:.2f}"
    )
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
