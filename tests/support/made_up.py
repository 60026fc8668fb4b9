"""A class that nobody taught: Reports on a topic, of every kind, the same for the same seed."""

import random
from dataclasses import replace

from autograder.results import Person, Report, Status, SubmissionStatus, TaskResult

LONG = "Wolfeschlegelsteinhausenbergerdorff" * 5
ODD = ["王小明", "Zoë Ångström", "a b", "-rf", "<b>bold</b>", "=1+1", "🎓 emoji", LONG]
MESSAGES = [
    "Expected: it gives scores of shape (N, 10). The scores should have shape (4, 10), but they have shape (10, 4).",
    "Expected: it is in place. The weight is as it was.",
    "Expected: it clears the old gradients first. The gradient is the sum of two.",
    "It is not defined.",
]
DIAGNOSES = ["", "Exactly the batch size too large: is the mean missing?", "The update has the wrong sign.",
             "The gradients are those of the step before."]  # fmt: skip
SOURCE = """import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)

    def forward(self, x):
        return "</script><script>alert(1)</script>"  # a line that is long enough to need a scroll bar on a narrow screen


@torch.no_grad()
def sgd_update(net, lr):
    for p in net.parameters():
        p += lr * p.grad


def train_step(net, criterion, optimizer, x, target):
    loss = criterion(net(x), target)
    loss.backward()
    optimizer.step()
    return loss.item()
"""


def report(topic, name, skill, rng=None, **more):
    """One submission's Report; `skill` from 0 to 1 is the share of tasks with full marks."""
    rng = rng or random.Random(name)
    tasks, checks = [], {}
    for task in topic.tasks:
        if rng.random() < skill:
            tasks.append(TaskResult(task.id, Status.PASSED, task.points, task.points, seconds=0.1))
            continue
        status = rng.choice([Status.FAILED, Status.PARTIAL, Status.MISSING, Status.ERROR])
        score = round(task.points / 2, 2) if status is Status.PARTIAL else 0.0
        which = rng.randrange(len(MESSAGES))
        tasks.append(TaskResult(task.id, status, score, task.points, MESSAGES[which], rng.choice(DIAGNOSES), task.hint, 0.1))
        checks[task.id] = [{"title": "is in place", "passed": 1, "of": 2, "points": score, "most": task.points}]
    number = rng.randrange(10**6)
    person = Person(f"{number:06}", name.title(), f"s{number}@example.edu", rng.choice("AB"))
    score = round(sum(task.score for task in tasks), 2)
    made = Report(
        topic.name, name, SubmissionStatus.GRADED, score, topic.max_score, "", "full", rng.uniform(0.3, 9), tuple(tasks),
        person=person, handed_in="2026-11-28T23:59:00+00:00", attachments={"source": SOURCE, "checks": checks},
    )  # fmt: skip
    return replace(made, **more)


def reports(topic, count, seed=0):
    """A class of that size, by name: most are graded, some unreadable, broken, suspicious, forbidden or late."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        name = ODD[number] if number < len(ODD) else f"student{number:04}"
        one = report(topic, name, min(1.0, rng.betavariate(4, 2)), rng)
        match rng.randrange(25):
            case 0:
                one = replace(one, status=SubmissionStatus.UNREADABLE, score=0.0, message="There is no net.py in the submission.",
                              tasks=tuple(replace(task, status=Status.ERROR, score=0.0) for task in one.tasks))  # fmt: skip
            case 1:
                one = replace(one, status=SubmissionStatus.BROKEN, score=0.0, message="Fault of the kit: OSError: no space.")
            case 2:
                one = replace(one, status=SubmissionStatus.SUSPICIOUS, message="This rests on what your process tells of itself.")
            case 3:
                first = replace(one.tasks[0], status=Status.FORBIDDEN, score=0.0, message="The task rules out autograd.")
                one = replace(one, tasks=(first, *one.tasks[1:]))
            case 4:
                one = replace(one, late_days=2, penalty=1.0, notes=("Taken: a/net.py. Left aside: b/net.py.",))
        found.append(one)
    return sorted(found, key=lambda each: each.submission)
