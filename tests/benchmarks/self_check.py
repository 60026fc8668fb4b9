"""Times a self-check from a cold start against a bare pytest file that imports torch, in one run.

    python tests/benchmarks/self_check.py [--topic 03_nn] [--rounds 5] [--target 1.25]

The topic is checked as a student receives it (the stub), and as the reference solves it. Each round runs each of the three
in its turn; medians of seconds and of processor seconds, which other work on the machine disturbs less. Exit code 1 if
the ratio of processor time of one of the two is above the target.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
BARE = "import torch\n\n\ndef test_sum():\n    assert torch.ones(2).sum() == 2\n"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topic", default="03_nn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--target", type=float, default=1.25)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return _compare(_targets(Path(folder), options.topic), options.rounds, options.target)


def _targets(folder: Path, topic: str) -> dict[str, Path]:
    bare = folder / "bare/test_bare.py"
    bare.parent.mkdir()
    bare.write_text(BARE)
    found = {"bare": bare}
    for name in ("stub", "solution"):
        course = folder / name
        course.mkdir()
        shutil.copy(ROOT / "course.yaml", course)
        shutil.copytree(ROOT / "exercises", course / "exercises", ignore=shutil.ignore_patterns("__pycache__"))
        found[name] = course / "exercises" / topic
    for module in (ROOT / "solutions" / topic).glob("*.py"):
        if module.name != "mutants.py":
            shutil.copy(module, found["solution"])
    return found


def _compare(targets: Mapping[str, Path], rounds: int, target: float) -> int:
    walls, processors = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for number in range(rounds + 1):
        for name, path in targets.items():
            before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            options = ["-q", "-p", "no:cacheprovider", *["-p", "no:autograder"] * (name == "bare")]
            subprocess.run([sys.executable, "-m", "pytest", *options, path], check=False, capture_output=True,
                           cwd=path if path.is_dir() else path.parent, env=environment)  # fmt: skip
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if number:  # the first round writes the bytecode
                walls[name].append(time.perf_counter() - started)
                processors[name].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    wall = {name: statistics.median(values) for name, values in walls.items()}
    processor = {name: statistics.median(values) for name, values in processors.items()}
    for name in targets:
        print(f"{name:<9} {wall[name]:6.2f} s ({wall[name] / wall['bare']:.2f})   "
              f"processor {processor[name]:6.2f} s ({processor[name] / processor['bare']:.2f})")  # fmt: skip
    return int(max(processor["stub"], processor["solution"]) / processor["bare"] > target)


if __name__ == "__main__":
    raise SystemExit(main())
