"""The sandbox from outside: limits, misfortune, interruption, and what is left when it is over."""

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import patient
import pytest
import torch

from autograder.course import Limits
from autograder.results import StudentFault
from autograder.sandbox.child_spec import ChildSpec
from autograder.sandbox.server import Server
from autograder.wire import values

HERE = Path(__file__).parents[1]
LIMITS = "import_seconds: 3, check_seconds: 1.5, total_seconds: 12, memory_mb: 256, reply_mb: 4, scratch_mb: 4"


def in_row_means(kit, *lines):
    """The solution with some lines before the result of row_means."""
    return kit.solution.replace("    return t.mean(1)", "\n".join(f"    {line}" for line in (*lines, "return t.mean(1)")))


WORKING = {
    "loader": ["from torch.utils.data import DataLoader, TensorDataset",
               "loader = DataLoader(TensorDataset(t), batch_size=2, num_workers=2, persistent_workers=True, prefetch_factor=4)",
               "t = torch.cat([rows for rows, in loader])"],
    "threads": ["from concurrent.futures import ThreadPoolExecutor",
                "with ThreadPoolExecutor(4) as pool:",
                "    list(pool.map(lambda row: (row.clone().requires_grad_() ** 2).sum().backward(), t))"],
    "files": ["import tempfile, pathlib",
              "with tempfile.NamedTemporaryFile() as file:",
              "    torch.save(t, file)",
              "pathlib.Path('kept.txt').write_text('x')"],
    "prints": ["import sys",
               "for stream in (sys.stdout, sys.stderr):",
               "    stream.write('x' * (20 << 20))"],
    "crash_elsewhere": ["import os, threading",
                        "threading.Timer(0.03, os._exit, [1]).start()"],
    "leftover": ["global t_seen",
                 "t_seen = globals().get('t_seen', 0) + 1",
                 "assert t_seen < 2"],
}  # fmt: skip
FAILING = {
    "waits": (["import time; time.sleep(60)"], "timeout", "longer than 1.5 s"),
    "processor": (["import os, signal; os.kill(os.getpid(), signal.SIGXCPU)"], "timeout", "processor time"),
    "killed": (["import os, signal; os.kill(os.getpid(), signal.SIGKILL)"], "crashed", "memory"),
    "segfault": (["import ctypes; ctypes.string_at(0)"], "crashed", "segmentation fault"),
    "abort": (["import os; os.abort()"], "crashed", "abort"),
    "other_signal": (["import os; os.kill(os.getpid(), 40)"], "crashed", "signal 40"),
    "exits": (["import os; os._exit(7)"], "crashed", "exit code 7"),
    "memory": (["return torch.ones(1 << 30)"], "error", "more memory than it may use"),
    "python_memory": (["return [bytes(1 << 20) for _ in range(1000)]"], "error", "more memory than it may use"),
    "disk": (["open('x', 'wb').write(bytes(6 << 20))"], "error", "OSError"),
    "long_reply": (["return torch.ones(2 << 20)"], "error", "larger than the limit"),
    "deep_reply": (["for _ in range(99): t = [t]", "return t"], "error", "nested too deeply"),
    "hang_up": (["import os, time; os.close(3); time.sleep(60)"], "error", "closed the connection"),
    "no_thread": (["import threading, time",
                   "while True: threading.Thread(target=time.sleep, args=(60,)).start()"], "error", "thread"),
    "network": (["import socket; socket.create_connection(('127.0.0.1', 80))"], "error", "PermissionError"),
    "process": (["import subprocess; subprocess.run(['ls'])"], "error", "PermissionError"),
}  # fmt: skip


@pytest.fixture(scope="module")
def graded(kit, tmp_path_factory):
    """One grading of submissions that reach a limit in one task and are right in the others."""
    course = kit.course(tmp_path_factory.mktemp("limits") / "course")
    settings = (course / "course.yaml").read_text().splitlines()
    settings[1] = f"limits: {{{LIMITS}}}"
    (course / "course.yaml").write_text("\n".join(settings))
    texts = {name: in_row_means(kit, *lines) for name, lines in WORKING.items()}
    texts |= {name: in_row_means(kit, *lines) for name, (lines, _, _) in FAILING.items()}
    return kit.grade(course, texts, "--workers", "2")


@pytest.mark.parametrize("name", WORKING)
def test_what_the_tutorial_uses_works_and_leftovers_cost_nothing(graded, name):
    assert (graded[name]["score"], graded[name]["message"]) == (6.0, ""), graded[name]


@pytest.mark.parametrize("name", FAILING)
def test_a_limit_costs_its_task_alone_and_is_explained(graded, name):
    _, status, words = FAILING[name]
    task, *others = graded[name]["tasks"]
    assert (task["status"], task["score"]) == (status, 0.0), task
    assert words in task["message"], task
    assert [other["status"] for other in others] == ["passed", "passed"]


def test_what_a_check_cannot_work_with_is_the_submissions_fault_and_never_breaks_the_grading(course, kit):
    suite = course / "tests/hidden/01_mini/test_mini.py"
    careless = '    first, *_ = student.call("row_means", t).tolist()\n    assert 1 / (1 + abs(first)) > 0\n'
    head, tail = suite.read_text().split('    expect_close(student.call("row_means", t)', 1)
    suite.write_text(f'{head}{careless}    expect_close(student.call("row_means", t){tail}')
    results = kit.grade(course, {
        "good": kit.solution,
        "none": in_row_means(kit, "return None"),
        "dict": in_row_means(kit, "return {}"),
        "number": in_row_means(kit, "return 1.5"),
        "complex": in_row_means(kit, "return torch.zeros(3, 3, dtype=torch.complex64)"),
        "no_rows": in_row_means(kit, "return torch.zeros(0, 1 << 40)"),
    })  # fmt: skip
    assert results.pop("good")["score"] == 6.0
    for result in results.values():
        assert (result["status"], result["tasks"][0]["status"], result["score"]) == ("graded", "failed", 3.0), result


def command(*options):
    return [
        sys.executable,
        "-m",
        "autograder",
        "grade",
        "handed-in",
        "--topic",
        "01_mini",
        "--out",
        "out",
        *options,
    ]


def results_of(course):
    return {path.stem: json.loads(path.read_text()) for path in (course / "out/results").glob("*.json")}


def test_without_landlock_grade_refuses_unless_that_is_accepted_and_results_say_so(course, kit):
    kit.write(course / "handed-in", {"good": kit.solution, "bad": in_row_means(kit, "return t")})
    wrapped = [sys.executable, HERE / "without_landlock.py", *command()]
    refused = patient.run(wrapped, cwd=course)
    assert refused.returncode == 2
    assert "landlock" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert not results_of(course)
    accepted = patient.run([*wrapped, "--isolation", "reduced"], cwd=course)
    assert accepted.returncode == 0, accepted.stderr
    results = results_of(course)
    assert {result["isolation"] for result in results.values()} == {"reduced"}
    assert (results["good"]["score"], results["bad"]["score"]) == (6.0, 3.0)


SLOW = ["import time", "time.sleep(1)"]


def grading(course, kit, *options):
    """`autograder grade` at work on slow submissions, under supervision."""
    kit.write(course / "handed-in", {f"s{number}": in_row_means(kit, *SLOW) for number in range(3)})
    return kit.supervised(course, *command(*options))


SERVERS = 2  # the process that the grader started, and the first one in the PID namespace that it made
CHILDREN = SERVERS + 2  # one at work, and one that waits for the next submission


def test_a_server_that_dies_is_replaced_and_nobody_loses_points(course, kit):
    with grading(course, kit) as process:
        servers = kit.wait_for(process.pid, "autograder.sandbox.server_main", CHILDREN)
        os.kill(servers[0], signal.SIGKILL)
        _, errors = patient.communicate(process)
    assert process.returncode == 0, errors
    assert {name: result["score"] for name, result in results_of(course).items()} == {"s0": 6.0, "s1": 6.0, "s2": 6.0}


ONCE_MORE = """
import sys
from pathlib import Path
from autograder.course import load
from autograder.errors import SandboxError
from autograder.grading import grade
from autograder.sandbox.server import Server
from autograder.sandbox.session import Session
from autograder.submission.handed_in import Submission
fresh, opened, left = Session.fresh, Server.open, []
def confirms(self):
    fresh(self)
    left.extend([] if left else range(2))  # the last one stays, as a sign that it has been here
def fails_once(self, spec):
    if left[1:]:
        left.pop()
        raise SandboxError("the server is gone")
    return opened(self, spec)
Session.fresh, Server.open = confirms, fails_once
plan, wrong = grade.Plan(load(Path(".")).topic("01_mini"), b"", "full"), sys.argv[1].encode()
grade.grade_here(plan, [Submission("wrong", {"mini.py": wrong})], lambda report: print(report.status, report.score))
"""


def test_a_submission_for_which_the_sandbox_did_not_hold_is_graded_once_more(course, kit):
    wrong = kit.solution.replace("return 2 * x", "return 3 * x")
    done = patient.run([sys.executable, "-c", ONCE_MORE, wrong], cwd=course)  # a process that has read no other course's suite
    assert done.stdout.split() == ["graded", "4.0"], done.stderr


def test_a_worker_that_dies_is_replaced_and_nobody_loses_points(course, kit):
    with grading(course, kit, "--workers", "2") as process:
        workers = kit.wait_for(process.pid, "grading.pool", 2)
        kit.wait_for(workers[0], "autograder.sandbox.server_main", CHILDREN)
        os.kill(workers[0], signal.SIGKILL)
        _, errors = patient.communicate(process)
    assert process.returncode == 0, errors
    assert {name: result["score"] for name, result in results_of(course).items()} == {"s0": 6.0, "s1": 6.0, "s2": 6.0}
    assert json.loads((course.parent / "left.json").read_text()) == []
    assert list((course.parent / "tmp").glob("autograder-scratch-*")) == []


@pytest.mark.parametrize(
    ("number", "workers"), [(signal.SIGINT, 1), (signal.SIGINT, 2), (signal.SIGTERM, 1), (signal.SIGKILL, 2)]
)
def test_an_interrupted_grading_leaves_no_process_and_no_file(course, kit, number, workers):
    with grading(course, kit, "--workers", str(workers)) as process:
        kit.wait_for(process.pid, "autograder.sandbox.server_main", CHILDREN * workers)
        (grader,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as the terminal does
        else:
            os.kill(int(grader), number)
        _, errors = patient.communicate(process)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 130, signal.SIGKILL: 137}[number]
    assert "Traceback" not in errors
    assert json.loads((course.parent / "left.json").read_text()) == []
    left = list((course.parent / "tmp").iterdir())
    if number == signal.SIGKILL:  # then nobody is left to tidy up, but the next grading does
        for folder in left:
            os.utime(folder, (0, 0))
        left = remaining_after_another_grading(course.parent / "tmp")
    assert left == []


def test_workers_that_are_interrupted_again_while_they_tidy_up_leave_no_file(course, kit):
    with grading(course, kit, "--workers", "2") as process:
        workers = kit.wait_for(process.pid, "grading.pool", 2)
        kit.wait_for(process.pid, "autograder.sandbox.server_main", CHILDREN * 2)
        os.killpg(process.pid, signal.SIGINT)  # and the grader ends its workers
        while process.poll() is None:
            for worker in workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGTERM)
            time.sleep(0.001)
        _, errors = patient.communicate(process)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert list((course.parent / "tmp").iterdir()) == []


def test_a_grading_that_cannot_begin_leaves_no_process(course):
    report, command = course.parent / "left.json", ["grade", "nowhere", "--topic", "01_mini", "--out", "out"]
    done = patient.run([sys.executable, HERE / "supervise.py", report, sys.executable, "-m", "autograder", *command], cwd=course)
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert json.loads(report.read_text()) == []


def remaining_after_another_grading(scratch):
    start = "from autograder.sandbox.server import Server\nwith Server(): pass\n"
    patient.run([sys.executable, "-c", start], env={**os.environ, "TMPDIR": str(scratch)}, check=True)
    return list(scratch.iterdir())


MODULE = b"import os\nstate = []\ndef add(x):\n    state.append(1)\n    return x + len(state)\n\ndef leave():\n    os._exit(3)\n"


def request(name, *arguments):
    return values.encode({"name": name, "probe": b"", "args": list(arguments), "kwargs": {}, "observe": False, "seed": 0,
                        "forbid": ""}, layout=True)  # fmt: skip


def ask(child, name, *arguments):
    return values.decode(child.ask(request(name, *arguments), 20.0))["value"]


def spec(source=MODULE):
    return ChildSpec({"module.py": source}, "module.py", (), Limits(import_seconds=20))


@pytest.mark.parametrize("fork", [True, False])
def test_children_are_separate_whether_forked_or_started(kit, fork):
    with Server(fork=fork) as server:
        with contextlib.closing(server.open(spec())) as first, contextlib.closing(server.open(spec())) as second:
            assert ask(first, "add", torch.zeros(2)).tolist() == [1.0, 1.0]
            assert ask(first, "add", 0) == 2
            assert ask(second, "add", 0) == 1
            with pytest.raises(StudentFault, match="exit code 3"):
                ask(first, "leave")
            assert ask(second, "add", 0) == 2
        unreadable = server.open(spec(b"1 +"))
        assert "does not parse" in unreadable.ended.message
    assert "autograder.sandbox.server_main" not in "".join(kit.descendants(os.getpid()).values())


def leave(server):
    """A child that ends itself. The server says how it ended once it has done all that it was told before."""
    with pytest.raises(StudentFault, match="exit code 3"):
        ask(server.open(spec()), "leave")


def test_many_children_leave_no_descriptor_no_folder_and_no_process(kit, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Server() as server:
        leave(server)  # from now on one more child waits for the next submission
        before = len([*Path("/proc/self/fd").iterdir()])
        processes = len(kit.descendants(os.getpid()))
        for _ in range(20):
            child = server.open(spec())
            ask(child, "add", 1)
            child.close()
        leave(server)
        assert len([*Path("/proc/self/fd").iterdir()]) == before
        assert len(kit.descendants(os.getpid())) == processes
        (folder,) = tmp_path.iterdir()
        assert len(list(folder.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_server_shares_no_memory_that_a_child_could_write(kit):
    with Server() as server:
        server.wait_until_ready()
        pids = kit.wait_for(os.getpid(), "autograder.sandbox.server_main", SERVERS)
        maps = [line for pid in pids for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    assert maps
    assert [line for line in maps if line.split()[1] == "rw-s"] == []
