"""Times `nbgrader autograde` for a class: with the kit's preprocessors, and as nbgrader comes, in one run.

    python tests/benchmarks/nbgrader_class.py [--students 20]

Both grade the same code with the same number of checks; one notebook in five is wrong. Stock nbgrader runs them as
assertions in the student's kernel, the kit as its hidden suite in the sandbox, with diagnoses. Each is timed for one
student and for the whole class. Exits with 1 if a further notebook is not 20 times faster by the clock, or the whole
command not 8 times.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MINI_COURSE = Path(__file__).parents[1] / "autograder/mini_course"
TOPIC = "01_mini"
FURTHER, WHOLE = 20.0, 8.0
ASSERTIONS = {
    "test_row_means": """import torch
t = torch.randn(4, 3)
result = row_means(t)
assert result.dtype == torch.float32 and torch.allclose(result, t.mean(1))
t = torch.randn(1, 5)
assert torch.allclose(row_means(t), t.mean(1))
before = t.clone()
row_means(t)
assert torch.equal(t, before)
""",
    "test_slope": """x = torch.randn(6)
assert torch.allclose(slope(x), 2 * x)
assert torch.allclose(slope(x), 2 * x)
""",
    "test_Scale": """x = torch.randn(2, 3)
assert torch.allclose(Scale(2.5)(x), 2.5 * x)
""",
}


def run(folder: Path, *command: str) -> tuple[float, float]:
    """Seconds by the clock and of processor time, those of the command's own processes included."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", *command],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def prepare(root: Path, students: int) -> tuple[Path, Path]:
    """The kit's nbgrader course and a stock one of the same notebook, with everybody's submissions."""
    course = Path(shutil.copytree(MINI_COURSE, root / "course"))
    kit, stock = root / "kit", root / "stock"
    run(course, "autograder.cli", "nbgrader", "init", str(kit))
    notebook = json.loads((kit / f"source/{TOPIC}/{TOPIC}.ipynb").read_text())
    (stock / "source" / TOPIC).mkdir(parents=True)
    (stock / "nbgrader_config.py").write_text("c = get_config()\n")
    asserting = json.loads(json.dumps(notebook))
    for cell in asserting["cells"]:
        cell["source"] = ASSERTIONS.get(cell["id"], cell["source"])
    (stock / f"source/{TOPIC}/{TOPIC}.ipynb").write_text(json.dumps(asserting))
    for folder, source in ((kit, notebook), (stock, asserting)):
        run(folder, "nbgrader", "generate_assignment", TOPIC)
        for number in range(students):
            text = json.dumps(source)
            path = folder / f"submitted/student{number:02}/{TOPIC}/{TOPIC}.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(text.replace("return 2 * x", "return x") if number % 5 == 4 else text)
    return kit, stock


def main() -> int:
    """Print both times and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=20)
    students = parser.parse_args().students
    with tempfile.TemporaryDirectory(prefix="autograder-benchmark-") as folder:
        courses = dict(zip(("kit", "stock"), prepare(Path(folder), students), strict=True))
        seen = {}
        for scope, pattern in (("one", "student00"), ("all", "*")):
            for name, course in courses.items():
                seen[name, scope] = run(course, "nbgrader", "autograde", TOPIC, "--force", f"--student={pattern}")
                clock, processor = seen[name, scope]
                print(f"{name:>5}, {scope}: {clock:7.2f} s by the clock, {processor:7.2f} s of processor time", flush=True)
    enough = True
    for kind, which in (("by the clock", 0), ("processor time", 1)):
        per = {name: (seen[name, "all"][which] - seen[name, "one"][which]) / (students - 1) for name in courses}
        further, whole = per["stock"] / per["kit"], seen["stock", "all"][which] / seen["kit", "all"][which]
        print(f"{kind}: a further notebook {per['stock']:.3f} s / {per['kit']:.3f} s = {further:.1f} times faster; "
              f"the whole command for {students} students {whole:.1f} times")  # fmt: skip
        if not which:
            enough = further >= FURTHER and whole >= WHOLE
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
