"""Times the grading of one submission with its full hidden suite, three ways, in one run.

    python tests/benchmarks/grading.py [--course .] [--topic 03_nn] [--repeat 3] [--without nbgrader …]

- this kit: one warm server, a confined child for the submission;
- pytest: a fresh process that runs the same suite on the same module;
- nbgrader: `nbgrader autograde`, as installed, on a notebook with the same checks as cells, several students a run.

The kit grades a class in which nobody hands in what another did: right ones in all styles, see `mixed_class` (what others
get is timed by `grading_by_kind`). Beside them: the same checks answered in this process, which shows what the sandbox costs;
the start of the server against `python -c "import torch, torchvision"`; and the memory that a child has for itself. All are
medians over rounds in which each way has its turn. Exit code 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, redirect_stderr, redirect_stdout
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import torch
from mixed_class import different_modules, right_class
from rich.console import Console
from rich.table import Table

from autograder import course
from autograder.checks.check import Check
from autograder.grading import grade, isolation, policy, suite
from autograder.grading.check_run import CheckRunner
from autograder.grading.mutant_diagnosis import CourseModules
from autograder.learner.in_process import InProcess
from autograder.learner.loading import load
from autograder.results import Report
from autograder.sandbox.child_spec import ChildSpec, Looked
from autograder.sandbox.server import Server

ROOT = Path(__file__).parents[2]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
STUDENTS = 3  # a run of nbgrader
IMPORTS = "from autograder.images.torchvision_shim import import_torchvision; import torch; import_torchvision()"
# A notebook's cells reach the learner's functions directly, on copies of the arguments.
STUDENT = """
import copy, sys
class Direct:
    module = sys.modules["__main__"]
    def call(self, name, *args, **kwargs): return getattr(self.module, name)(*copy.deepcopy(args), **copy.deepcopy(kwargs))
    def observe(self, name, *args):
        args = copy.deepcopy(args)
        return getattr(self.module, name)(*args), args
    def run(self, probe, *args): return probe(self.module, *copy.deepcopy(args))
student, rng = Direct(), lambda: __import__("torch").Generator().manual_seed(0)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--course", type=Path, default=ROOT)
    parser.add_argument("--topic", default="03_nn")
    parser.add_argument("--repeat", type=int, default=3, help="rounds (default 3)")
    parser.add_argument("--without", nargs="*", default=(), choices=("pytest", "nbgrader"), help="leave out a slow way")
    options = parser.parse_args()
    os.environ |= ONE_THREAD
    torch.set_num_threads(1)
    topic = course.load(options.course).topic(options.topic)
    ways = {"pytest": (fresh_pytest, 30.0), "nbgrader": (stock_nbgrader, 40.0)}
    ways = {name: way for name, way in ways.items() if name not in options.without}
    kits, heres, owns, others = list[float](), list[float](), list[float](), {name: list[float]() for name in ways}
    for _ in range(options.repeat):  # in turn, because a machine is faster now and then
        kits += the_kit(topic)
        times, own_times = in_this_process(topic)
        heres, owns = heres + times, owns + own_times
        for name, (way, _) in ways.items():
            others[name].append(way(topic))
    start, imports = starts(topic, options.repeat)
    kit, here, own = (statistics.median(times) for times in (kits, heres, owns))
    rows = [
        ("this kit, a submission", kit, ""),
        ("the same checks answered in this process", here, ""),
        ("of which the submission's own computing", own, ""),
        ("the sandbox's part of a submission", kit - here, limit(kit - here, 0.15, "s")),
        ("start of the server", start, limit(start / imports, 1.3, "times the imports")),
        ("python -c 'import torch, torchvision'", imports, ""),
    ]
    for name, (_, target) in ways.items():
        seconds = statistics.median(others[name])
        rows.append((f"{name}, a submission", seconds, reach(seconds / kit, target)))
    memory = private_megabytes(topic)
    table = Table(
        title=f"{topic.name}: medians on {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}", title_justify="left"
    )
    for column in ("what", "seconds", "target"):
        table.add_column(column, justify="right" if column == "seconds" else "left")
    for what, seconds, verdict in rows:
        table.add_row(what, f"{seconds:.3f}", verdict)
    table.add_row("memory of a child for itself", f"{memory:.0f} MB", limit(memory, 60, "MB"))
    Console(soft_wrap=True).print(table)
    return 1 if any("missed" in verdict for _, _, verdict in rows) or memory > 60 else 0


def limit(value: float, most: float, unit: str) -> str:
    return f"{value:.2f} {unit}, at most {most:g}: {'met' if value <= most else 'missed'}"


def reach(ratio: float, least: float, of: str = "the kit", digits: int = 0) -> str:
    return f"{ratio:.{digits}f} times {of}, at least {least:g}: {'met' if ratio >= least else 'missed'}"


def seconds_of(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def the_kit(topic: course.Topic) -> list[float]:
    """Seconds from one report to the next, in a class of correct submissions, no two of them alike."""
    plan = grade.Plan(topic, b"", isolation.here("full"))
    submissions = right_class(topic, len(different_modules(topic)))
    ends: list[float] = []

    def keep(report: Report) -> None:
        ends.append(time.perf_counter())
        assert report.score == report.max_score, report

    grade.grade_here(plan, submissions, keep)
    return [after - before for before, after in pairwise(ends)]


class Unconfined:
    """What a grading needs of a session, without a sandbox: `frames` were asked, `seconds` went by in the module itself."""

    intact, looked, said = True, Looked(), ()  # it has said nothing that could be shown

    def __init__(self, topic: course.Topic, path: Path) -> None:
        self._inner = InProcess(load(path), topic.limits.reply_mb << 20, topic.limits.check_seconds)
        self.frames: list[bytes] = []
        self.seconds = 0.0

    def begin(self, *_: object, **__: object) -> None: ...
    def fresh(self) -> None: ...
    def forbidden(self, _: str) -> None: ...

    def ask(self, request: bytes, ahead: Iterable[bytes] = ()) -> bytes:
        started = time.perf_counter()
        reply = self._inner.ask(request, ahead)
        self.seconds += time.perf_counter() - started
        self.frames.append(request)
        return reply

    def ask_ranks(self, make_requests: Callable[[str], list[bytes]]) -> list[bytes]:
        return self._inner.ask_ranks(make_requests)


def unconfined(topic: course.Topic, paths: Sequence[Path]) -> list[tuple[float, Unconfined]]:
    """Check each module in this process: seconds for all, and the session."""
    found: list[tuple[float, Unconfined]] = []

    def work(checks: Sequence[Check]) -> None:
        runner, modules = CheckRunner(topic, checks, b"", None, 0), CourseModules(topic, b"", None, None)
        for path in paths:
            started = time.perf_counter()
            session = Unconfined(topic, path)
            stand_in: Any = session
            runs = [run for task in topic.tasks for run in policy.grade_task(task, stand_in, runner, modules)]
            assert all(run.result.status == "passed" for run in runs), path
            found.append((time.perf_counter() - started, session))

    with Path(os.devnull).open("w") as null, redirect_stdout(null), redirect_stderr(null):
        suite.with_checks(topic, work)
    return found


def in_this_process(topic: course.Topic) -> tuple[list[float], list[float]]:
    """Seconds for the same checks without a sandbox, and those of them that the modules themselves take."""
    found = unconfined(topic, different_modules(topic))
    return [seconds for seconds, _ in found], [session.seconds for _, session in found]


def starts(topic: course.Topic, repeat: int) -> tuple[float, float]:
    """Seconds until a server is warm, and seconds of the bare imports, in turn."""
    warm: list[float] = []
    bare: list[float] = []
    for _ in range(repeat):
        warm.append(seconds_of(lambda: warm_server(topic).close()))
        bare.append(seconds_of(lambda: subprocess.run([sys.executable, "-c", IMPORTS], check=True)))
    return statistics.median(warm), statistics.median(bare)


def warm_server(topic: course.Topic) -> Server:
    server = Server(topic.warm)
    server.wait_until_ready()
    return server


def fresh_pytest(topic: course.Topic) -> float:
    """Seconds of a pytest process that checks the solution with the hidden suite."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        shutil.copy(topic.root / "course.yaml", copy)
        for folder in (topic.exercise, topic.solution.parent, topic.hidden_suite.parent):
            shutil.copytree(folder, copy / folder.relative_to(topic.root))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib",
                   str(copy / topic.hidden_suite.relative_to(topic.root))]  # fmt: skip
        return seconds_of(lambda: quietly(copy, *command))


def quietly(folder: Path, *command: str) -> None:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))  # nbgrader calls its helpers by name
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def stock_nbgrader(topic: course.Topic) -> float:
    """Seconds a student of `nbgrader autograde`, which starts a kernel for each."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "nbgrader_config.py").write_text("c = get_config()\nc.ExecutePreprocessor.timeout = 300\n")
        nbgrader = [sys.executable, "-m", "nbgrader"]
        source = home / "source/ps/net.ipynb"
        write_notebook(source, topic)
        quietly(home, *nbgrader, "generate_assignment", "ps", "--create")
        for number in range(STUDENTS):
            handed_in = home / f"submitted/s{number}/ps"
            handed_in.mkdir(parents=True)
            shutil.copy(source, handed_in)
        seconds = seconds_of(lambda: quietly(home, *nbgrader, "autograde", "ps", "--force")) / STUDENTS
        graded = nbformat.read(home / "autograded/s0/ps/net.ipynb", 4)
        failed = [cell.source for cell in graded.cells if any(o.output_type == "error" for o in cell.get("outputs", ()))]
        assert not failed, failed[0]
        return seconds


def write_notebook(path: Path, topic: course.Topic) -> None:
    checks = topic.hidden_suite.read_text()
    names = [(node.name, [a.arg for a in node.args.args]) for node in ast.parse(checks).body
             if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]  # fmt: skip
    cells = [cell("solution", topic.solution.read_text(), solution=True), cell("suite", checks), cell("student", STUDENT)]
    for name, arguments in names:
        given = ", ".join({"student": "student", "rng": "rng()"}[argument] for argument in arguments)
        cells.append(cell(name.replace("__", "-"), f"{name}({given})", points=1))
    path.parent.mkdir(parents=True)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


def cell(name: str, source: str, *, solution: bool = False, points: int | None = None) -> Any:
    made = nbformat.v4.new_code_cell(source)
    made.metadata["nbgrader"] = {"schema_version": 3, "grade_id": name, "solution": solution, "task": False,
                                 "grade": points is not None, "locked": not solution}  # fmt: skip
    if points is not None:
        made.metadata["nbgrader"]["points"] = points
    return made


def private_megabytes(topic: course.Topic) -> float:
    """Memory that a child does not share with the server, after it has answered all checks."""
    spec = ChildSpec({topic.module: topic.solution.read_bytes()}, topic.module, (), topic.limits)
    ((_, session),) = unconfined(topic, [topic.solution])
    with warm_server(topic) as server:
        before = set(descendants(os.getpid()))
        with closing(server.open(spec)) as child:
            for frame in session.frames:
                child.ask(frame, 60.0)
            # Beside it only the next submission's child waits, which has done nothing yet.
            return max(private_kilobytes(pid) for pid in set(descendants(os.getpid())) - before) / 1024


def private_kilobytes(pid: int) -> int:
    fields = dict(line.split(":") for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty"))


def descendants(pid: int) -> Iterator[int]:
    for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        yield child
        yield from descendants(child)


if __name__ == "__main__":
    sys.exit(main())
