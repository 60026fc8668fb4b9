"""Times `nbgrader autograde` for a class: with the kit's preprocessors, and as nbgrader comes, in one run.

    python tests/benchmarks/nbgrader_class.py [--students 20]

Both grade the same notebooks of topic 03_nn, those of a mixed class in which no two hand in the same (see `mixed_class`), each
with its module in one cell. Stock nbgrader runs a few assertions a task in the student's kernel, the kit its hidden suite in
the sandbox, with diagnoses. Each is timed for one student and for the whole class. Exits with 1 if a further notebook is not
20 times faster by the clock, or the whole command not 8 times.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mixed_class import mixed_class

from autograder import course

REPOSITORY = Path(__file__).parents[2]
TOPIC = "03_nn"
FURTHER, WHOLE = 20.0, 8.0
ASSERTIONS = {
    "test_Net": """x, net = torch.randn(3, 1, 32, 32), Net()
p = dict(net.named_parameters())
y = F.max_pool2d(F.relu(F.conv2d(x, p["conv1.weight"], p["conv1.bias"])), 2)
y = torch.flatten(F.max_pool2d(F.relu(F.conv2d(y, p["conv2.weight"], p["conv2.bias"])), 2), 1)
y = F.relu(F.linear(F.relu(F.linear(y, p["fc1.weight"], p["fc1.bias"])), p["fc2.weight"], p["fc2.bias"]))
assert torch.allclose(net(x), F.linear(y, p["fc3.weight"], p["fc3.bias"]), atol=1e-5)
""",
    "test_num_flat_features": "assert Net().num_flat_features(torch.zeros(2, 3, 4, 5)) == 60",
    "test_feature_sizes": "assert feature_sizes(32, [3, 3], 2) == [30, 15, 13, 6]",
    "test_parameter_table": """net = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1, bias=False))
assert parameter_table(net) == [("0.weight", (2, 3), 6), ("0.bias", (2,), 2), ("2.weight", (1, 2), 2)]
""",
    "test_random_backward": """net, x, g = nn.Linear(3, 2), torch.randn(4, 3), torch.randn(4, 2)
grads = random_backward(net, x, g)
assert torch.allclose(grads["weight"], g.T @ x, atol=1e-5) and torch.allclose(grads["bias"], g.sum(0), atol=1e-5)
""",
    "test_mse_loss": """net, x, y = nn.Linear(3, 2), torch.randn(4, 3), torch.randn(4, 2)
assert torch.allclose(mse_loss(net, x, y), ((net(x) - y) ** 2).mean())
""",
    "test_graph_walk": """w = torch.ones(2, requires_grad=True)
assert graph_walk((w * 2).exp().sum(), 3) == ["SumBackward0", "ExpBackward0", "MulBackward0"]
""",
    "test_sgd_update": """net = nn.Linear(3, 2)
net(torch.randn(4, 3)).sum().backward()
before = net.weight.detach().clone()
sgd_update(net, 0.1)
assert torch.allclose(net.weight, before - 0.1 * net.weight.grad)
""",
    "test_train_step": """net, x, y = nn.Linear(3, 2), torch.randn(4, 3), torch.randn(4, 2)
before = F.mse_loss(net(x), y).item()
assert abs(train_step(net, nn.MSELoss(), torch.optim.SGD(net.parameters(), 0.1), x, y) - before) < 1e-6
assert F.mse_loss(net(x), y).item() < before
""",
    "test_stale_grads": """net = nn.Linear(3, 2)
net(torch.randn(4, 3)).sum().backward()
assert stale_grads(net, torch.optim.SGD([net.weight], 0.1)) == ["bias"]
""",
    "test_exponential_lrs": """lrs = exponential_lrs(torch.optim.SGD(nn.Linear(3, 2).parameters(), 0.8), 0.5, 3)
assert torch.allclose(torch.tensor(lrs), torch.tensor([0.8, 0.4, 0.2]))
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
    kit, stock = root / "kit", root / "stock"
    run(REPOSITORY, "autograder", "nbgrader", "init", str(kit))
    notebook = json.loads((kit / f"source/{TOPIC}/{TOPIC}.ipynb").read_text())
    (stock / "source" / TOPIC).mkdir(parents=True)
    (stock / "nbgrader_config.py").write_text("c = get_config()\n")
    asserting = json.loads(json.dumps(notebook))
    for cell in asserting["cells"]:
        cell["source"] = ASSERTIONS.get(cell["id"], cell["source"])
    (stock / f"source/{TOPIC}/{TOPIC}.ipynb").write_text(json.dumps(asserting))
    for folder, source in ((kit, notebook), (stock, asserting)):
        run(folder, "nbgrader", "generate_assignment", TOPIC)
        for number, module in enumerate(modules(students)):
            path = folder / f"submitted/student{number:02}/{TOPIC}/{TOPIC}.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(handed_in(source, module)))
    return kit, stock


def modules(students: int) -> Iterator[str]:
    """The text of a module for each student of a mixed class, of those that hand in one file."""
    topic, found = course.load(REPOSITORY).topic(TOPIC), 0
    for handed in mixed_class(topic, 2 * students):
        files = list(handed.submission.files.values())
        if len(files) == 1 and found < students:
            found += 1
            yield files[0].decode("utf-8", "replace")


def handed_in(source: Any, module: str) -> Any:
    """The notebook with that module in the first cell for a solution, and nothing in the others."""
    notebook, texts = json.loads(json.dumps(source)), iter([module])
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = next(texts, "# see above\n")
    return notebook


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
