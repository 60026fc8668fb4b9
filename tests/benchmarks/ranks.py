"""Asks the hidden checks of ddp_train about the same three modules again and again, on a machine that is kept busy.

    python tests/benchmarks/ranks.py [--repeat 50] [--busy 2]

The modules differ in how `ddp_train` leaves its process group: destroyed under a wrapper that is still alive, as PyTorch's
own tutorial does; destroyed after the wrapper; never destroyed, which is wrong. Exit code 1 unless each module has the
same verdicts and messages every time, the first two pass every check, and the last fails the one about the group alone.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch

from autograder import Mismatch, Student, course
from autograder.grading import grade
from autograder.results import StudentFault
from autograder.submission.handed_in import Submission

ROOT = Path(__file__).parents[2]
BEFORE, DESTROY = "        del parallel", "dist.destroy_process_group()"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=50)
    parser.add_argument("--busy", type=int, default=2, help="processes that do nothing but count (default 2)")
    options = parser.parse_args()
    topic = course.load(ROOT).topic("05_gpu")
    plan = grade.Plan(topic, 0, grade.isolation_here("full"))
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(options.busy)]
    try:
        same = [verdicts(plan, name, source, options.repeat) for name, source in styles(topic).items()]
    finally:
        for process in busy:
            process.kill()
    return 0 if all(same) else 1


def styles(topic: course.Topic) -> dict[str, str]:
    right = topic.solution.read_text(encoding="utf-8")
    assert right.count(BEFORE) == right.count(DESTROY) == 1
    kept = "".join(line for line in right.splitlines(keepends=True) if not line.startswith(BEFORE))
    return {"under its wrapper": kept, "after its wrapper": right, "never": kept.replace(DESTROY, "pass")}


def verdicts(plan: grade.Plan, name: str, source: str, repeat: int) -> bool:
    """Whether all runs of the checks of ddp_train say the same of one module, as expected."""
    found, seconds = dict[str, Counter[str]](), list[float]()
    submission = Submission(name, {plan.topic.module: source.encode()})
    with grade.Keeper(plan) as keeper:
        keeper.ready()
        suite = checks(plan.topic)
        for _ in range(repeat):
            session = keeper.session(submission)
            for check in suite:
                session.begin(plan.topic.limits.check_seconds)
                started = time.monotonic()
                student = Student(lambda _: b"", plan.seed, ask_ranks=session.ask_ranks)
                try:
                    check(student, torch.Generator().manual_seed(plan.seed))
                    message = ""
                except (Mismatch, StudentFault) as error:
                    message = str(error)
                found.setdefault(check.__name__, Counter())[message] += 1
                seconds.append(time.monotonic() - started)
            session.close()
    print(f"destroyed {name}: {statistics.median(seconds):.2f} s a check, at most {max(seconds):.1f} s")
    for title, messages in found.items():
        for message, count in messages.items():
            print(f"  {title}: {count} of {repeat}: {message or 'passed'}", flush=True)
    passed = {title for title, messages in found.items() if list(messages) == [""]}
    expected = set(found) if name != "never" else set(found) - {"test_ddp_train__destroys_the_group"}
    return passed == expected and all(len(messages) == 1 for messages in found.values())


def checks(topic: course.Topic) -> list[Callable[..., None]]:
    """The hidden checks of ddp_train."""
    spec = importlib.util.spec_from_file_location("hidden_suite", topic.hidden_suite)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["hidden_suite"] = importlib.util.module_from_spec(spec)  # where `inspect` looks for its source
    spec.loader.exec_module(module)
    return [value for name, value in vars(module).items() if name.startswith("test_ddp_train__")]


if __name__ == "__main__":
    sys.exit(main())
