"""Asks the hidden checks of ddp_train about the same three modules again and again, on a machine that is kept busy.

    python tests/benchmarks/ranks.py [--repeat 50] [--busy 2] [--checks trains_as_one …]

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
from autograder.results import StudentFault
from autograder.sandbox.child_spec import ChildSpec
from autograder.sandbox.server import Server
from autograder.sandbox.session import Session

ROOT = Path(__file__).parents[2]
SECONDS = 120.0  # a process that waits for ever is looked for, not one that is slow because the machine is busy
BEFORE, DESTROY = "        del parallel", "dist.destroy_process_group()"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=50)
    parser.add_argument("--busy", type=int, default=2, help="processes that do nothing but count (default 2)")
    parser.add_argument("--checks", nargs="*", default=[""], help="parts of the names of the checks to ask (default all)")
    options = parser.parse_args()
    topic = course.load(ROOT).topic("05_gpu")
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(options.busy)]
    try:
        same = [verdicts(topic, name, source, options.repeat, options.checks) for name, source in styles(topic).items()]
    finally:
        for process in busy:
            process.kill()
    return 0 if all(same) else 1


def styles(topic: course.Topic) -> dict[str, str]:
    right = topic.solution.read_text(encoding="utf-8")
    assert right.count(BEFORE) == right.count(DESTROY) == 1
    kept = "".join(line for line in right.splitlines(keepends=True) if not line.startswith(BEFORE))
    return {"under its wrapper": kept, "after its wrapper": right, "never": kept.replace(DESTROY, "pass")}


def verdicts(topic: course.Topic, name: str, source: str, repeat: int, wanted: list[str]) -> bool:
    """Whether all runs of the checks of ddp_train say the same of one module, as expected."""
    found, seconds = dict[str, Counter[str]](), list[float]()
    spec = ChildSpec({topic.module: source.encode()}, topic.module, (), topic.limits, network=True)
    suite = [check for check in checks(topic) if any(part in check.__name__ for part in wanted)]
    with Server(topic.warm) as server:
        server.wait_until_ready()
        for number in range(repeat):
            session = Session(server, spec)
            for check in suite:
                session.begin(SECONDS)
                started = time.monotonic()
                student = Student(session, str(number).encode())
                try:
                    check(student, torch.Generator().manual_seed(0))
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
    expected = set(found) if name != "never" else set(found) - {"test_ddp_train__leaves_nothing_behind"}
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
