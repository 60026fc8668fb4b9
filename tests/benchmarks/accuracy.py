"""Which training loops reach the minimum accuracy: correct and broken ones, over many seeds, as a table.

    python tests/benchmarks/accuracy.py --seeds 20 --source embedded
    python tests/benchmarks/accuracy.py --seeds 20 --source folder PATH

A margin is the distance between the minimum and the mean, in standard deviations of that loop. `eval mode` is a special case:
this topic's network has no layer for which the mode matters, so its accuracy is that of a correct loop, and the hidden check
refuses it by looking at the mode at each step.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, TensorDataset

from autograder import course
from autograder.images import store
from autograder.images.training import Budget, choose

Loop = Callable[[nn.Module, Any, nn.Module, Optimizer, int], object]


class Net(nn.Module):
    """The tutorial's network."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Scores (N, 10)."""
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x))).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


# --- correct loops ----------------------------------------------------------------------------------------------------


def reference(net, loader, criterion, optimizer, epochs):
    net.train()
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()


def cleared_at_the_end(net, loader, criterion, optimizer, epochs):
    for _ in range(epochs):
        for i, batch in enumerate(loader, 0):
            inputs, labels = batch
            loss = criterion(net(inputs), labels)
            loss.backward()
            optimizer.step()
            net.zero_grad(set_to_none=False)
            if i % 100 == 99:
                loss.item()


def cleared_between_loss_and_backward(net, loader, criterion, optimizer, epochs):
    for _ in range(epochs):
        net.train(True)
        for x, y in loader:
            loss = criterion(net.forward(x), y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()


def cleared_by_hand(net, loader, criterion, optimizer, epochs):
    epoch = 0
    while epoch < epochs:
        batches = iter(loader)
        while (batch := next(batches, None)) is not None:
            for p in net.parameters():
                p.grad = None
            criterion(net(batch[0]), batch[1]).backward()
            optimizer.step()
        epoch += 1


def with_closure(net, loader, criterion, optimizer, epochs):
    for _ in range(epochs):
        for x, y in loader:

            def closure(x=x, y=y):
                optimizer.zero_grad()
                loss = criterion(net(x), y)
                loss.backward()
                return loss

            optimizer.step(closure)


def gradients_assigned(net, loader, criterion, optimizer, epochs):
    for _ in range(epochs):
        for x, y in loader:
            parameters = list(net.parameters())
            for p, grad in zip(parameters, torch.autograd.grad(criterion(net(x), y), parameters), strict=True):
                p.grad = grad
            optimizer.step()


# --- broken loops -----------------------------------------------------------------------------------------------------


def no_step(net, loader, criterion, optimizer, epochs):
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            criterion(net(x), y).backward()


def learning_rate_zero(net, loader, criterion, optimizer, epochs):
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    reference(net, loader, criterion, optimizer, epochs)


def never_cleared(net, loader, criterion, optimizer, epochs):
    for _ in range(epochs):
        for x, y in loader:
            criterion(net(x), y).backward()
            optimizer.step()


def cleared_once_an_epoch(net, loader, criterion, optimizer, epochs):
    for _ in range(epochs):
        optimizer.zero_grad()
        for x, y in loader:
            criterion(net(x), y).backward()
            optimizer.step()


def copy_trained(net, loader, criterion, optimizer, epochs):
    other = copy.deepcopy(net)
    reference(other, loader, criterion, type(optimizer)(other.parameters(), **optimizer.defaults), epochs)


def labels_shuffled(net, loader, criterion, optimizer, epochs):
    batches = ((x, y[torch.randperm(len(y))]) for _ in range(epochs) for x, y in loader)
    reference(net, batches, criterion, optimizer, 1)


def first_batch_of_an_epoch(net, loader, criterion, optimizer, epochs):
    for _ in range(epochs):
        reference(net, [next(iter(loader))], criterion, optimizer, 1)


def same_batch_always(net, loader, criterion, optimizer, epochs):
    batch = next(iter(loader))
    reference(net, [batch] * len(loader), criterion, optimizer, epochs)


def step_before_backward(net, loader, criterion, optimizer, epochs):
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            optimizer.step()
            loss.backward()


def cleared_before_step(net, loader, criterion, optimizer, epochs):
    for _ in range(epochs):
        for x, y in loader:
            criterion(net(x), y).backward()
            optimizer.zero_grad()
            optimizer.step()


def without_grad(net, loader, criterion, optimizer, epochs):
    with torch.no_grad():
        reference(net, loader, criterion, optimizer, epochs)


def softmax_before_the_loss(net, loader, criterion, optimizer, epochs):
    reference(nn.Sequential(net, nn.Softmax(1)), loader, criterion, optimizer, epochs)


def one_epoch_only(net, loader, criterion, optimizer, epochs):
    reference(net, loader, criterion, optimizer, 1)


def eval_mode(net, loader, criterion, optimizer, epochs):
    net.eval()
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            criterion(net(x), y).backward()
            optimizer.step()


CORRECT: tuple[Loop, ...] = (
    reference, cleared_at_the_end, cleared_between_loss_and_backward, cleared_by_hand, with_closure, gradients_assigned,
)  # fmt: skip
BROKEN: tuple[Loop, ...] = (
    no_step, learning_rate_zero, never_cleared, cleared_once_an_epoch, copy_trained, labels_shuffled,
    first_batch_of_an_epoch, same_batch_always, step_before_backward, cleared_before_step, without_grad,
    softmax_before_the_loss, one_epoch_only,
)  # fmt: skip


def run(loop: Loop, train: Any, test: Any, chosen: Budget, seed: int) -> tuple[float, float]:
    """Accuracy on the test images, and the seconds of training."""
    torch.manual_seed(seed)
    net = Net()
    order = torch.Generator().manual_seed(seed)
    loader = DataLoader(TensorDataset(*train), chosen.batch, shuffle=True, generator=order)
    optimizer = torch.optim.SGD(net.parameters(), chosen.lr, chosen.momentum)
    started = time.process_time()
    try:
        loop(net, loader, nn.CrossEntropyLoss(), optimizer, chosen.epochs)
    except RuntimeError as error:
        if "does not require grad" not in str(error):
            raise
        return 0.0, 0.0  # no network to measure: the check fails with this error
    seconds = time.process_time() - started
    with torch.no_grad():
        right = torch.cat([net(images).argmax(1) for images in test[0].split(500)]) == test[1]
    return right.double().mean().item(), seconds


def show(kind: str, loop: Loop, results: list[tuple[float, float]], minimum: float) -> bool:
    """Print one line of the table; whether every run ended on the right side of the minimum."""
    found = [accuracy for accuracy, _ in results]
    mean, sd = statistics.mean(found), statistics.stdev(found) if len(found) > 1 else 0.0
    margin = abs(mean - minimum) / sd if sd > 1e-9 else float("inf")
    sound = all((accuracy >= minimum) == (kind == "correct") for accuracy in found)
    seconds = statistics.mean(seconds for _, seconds in results)
    verdict = "" if kind == "special" else "yes" if sound else "NO"
    print(f"{kind:8} {loop.__name__:34} {mean:6.3f} {sd:6.3f} {min(found):6.3f} {max(found):6.3f} "
          f"{margin:7.1f} {seconds:6.1f}  {verdict}", flush=True)  # fmt: skip
    return sound or kind == "special"


def main() -> int:
    """Print the table; 0 if every correct run reached the minimum and no broken one did, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--source", nargs="+", default=["embedded"], metavar=("KIND", "PATH"))
    parser.add_argument("--budget", default="quick")
    parser.add_argument("--only", default="", help="run only the loops whose names contain this text")
    options = parser.parse_args()
    torch.set_num_threads(1)
    settings = course.load(course.find_root(Path(__file__))).topic("04_cifar10").training
    training = choose(*settings.chosen(options.source[-1], options.budget))
    chosen = training.budget
    print(f"{training.source.name}; {options.budget}: {chosen}")
    print(f"{'kind':8} {'loop':34} {'mean':>6} {'sd':>6} {'min':>6} {'max':>6} {'margin':>7} {'cpu s':>6}  right side")
    train, sound = store.resident(training.resident), True
    kinds = {**dict.fromkeys(CORRECT, "correct"), **dict.fromkeys(BROKEN, "broken"), eval_mode: "special"}
    for loop, kind in kinds.items():
        if options.only in loop.__name__:
            results = []
            for seed in range(options.seeds):
                name = store.resident_name(training.source, "test", chosen.test_images, seed + 1)
                results.append(run(loop, train, store.resident(name), chosen, seed))
            sound = show(kind, loop, results, chosen.minimum) and sound
    return 0 if sound else 1


if __name__ == "__main__":
    raise SystemExit(main())
