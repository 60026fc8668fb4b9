"""Grading over a cluster: a real Dask scheduler with three workers, one of which is killed half-way."""

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import patient
import psutil
import pytest

from autograder import course
from autograder.errors import KitError
from autograder.grading import cluster, digest, pool
from autograder.grading.grade import Plan
from autograder.submission.handed_in import Submission

HERE = Path(__file__).parents[1]
DASK = (sys.executable, "-m", "dask")
GRADE = ("grade", "handed-in", "--topic", "01_mini", "--seed", "1", "--quiet", "--out")


@pytest.fixture(scope="module")
def school(kit, tmp_path_factory):
    """A course whose class was graded by this machine alone, into `alone`."""
    made = kit.course(tmp_path_factory.mktemp("cluster") / "course")
    slow = kit.solution.replace("return t.mean(1)", "import time; time.sleep(0.3); return t.mean(1)")
    wrong = kit.solution.replace("2 * x", "3 * x")
    kit.write(made / "handed-in", {**{f"s{n}": f"{slow}# {n}\n" for n in range(6)}, "wrong": wrong, "bad": "1 +"})
    done = kit.run(*GRADE, "alone", cwd=made)
    assert done.returncode == 0, done.stderr
    return made


def results(out):
    found = {path.stem: json.loads(path.read_text()) for path in (out / "results").glob("*.json")}
    for result in found.values():
        for part in (result, *result["tasks"]):
            del part["seconds"]
    return found


@contextlib.contextmanager
def local_cluster(folder):
    """The address of a cluster that a program makes, and how one of its workers may be found."""
    program = (
        "import sys\nfrom distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    with LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None) as cluster:\n"
        "        print(cluster.scheduler_address, flush=True)\n        sys.stdin.read()\n"
    )
    (folder / "program.py").write_text(program)
    with started(folder, sys.executable, "program.py", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip(), psutil.Process(process.pid)
        process.stdin.close()
        process.wait(patient.STILL)


@contextlib.contextmanager
def separate_processes(folder):
    """The same of a scheduler and workers that were started one by one, each in a folder that no other has."""
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(scheduler(folder))
        for number in range(3):
            place = folder / f"worker{number}"
            place.mkdir()
            worker = (*DASK, "worker", address, "--nthreads", "1", "--no-dashboard", "--local-directory", place)
            stack.enter_context(started(place, *worker, *(["--no-nanny"] if number else [])))
        yield address, psutil.Process()


@contextlib.contextmanager
def scheduler(folder):
    file = folder / "scheduler.json"
    command = (*DASK, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file)
    with started(folder, *command) as process:
        yield wait_for(lambda: file.exists() and file.read_text() and json.loads(file.read_text())["address"], process.pid)


@contextlib.contextmanager
def started(folder, *command, **options):
    (folder / "tmp").mkdir(exist_ok=True)
    here = {"cwd": folder, "env": {**os.environ, "TMPDIR": str(folder / "tmp")}, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([str(part) for part in command], **here, **options) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(patient.STILL)


def wait_for(found, pid):
    """What `found` gives as soon as it gives something, while the process is at work."""
    work = patient.Work(pid)
    while work.rested() < patient.STILL:
        if there := found():
            return there
        time.sleep(0.2)
    raise AssertionError("it does not come")


def graders(process):
    """The processes below that grade for a worker of Dask's, which is the parent of each."""
    found = []
    for each in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found += [each] if "autograder.grading.pool" in each.cmdline() else []
    return found


@pytest.mark.system
@pytest.mark.parametrize("kind", [local_cluster, separate_processes])
def test_the_results_are_the_same_though_a_worker_is_killed_half_way_and_nothing_is_left(kit, school, tmp_path, kind):
    out = school / kind.__name__
    with kind(tmp_path) as (address, around):
        command = [sys.executable, "-m", "autograder", *GRADE, out.name, "--cluster", address]
        with subprocess.Popen(command, cwd=school, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            wait_for(lambda: list((out / "results").glob("*.json")) or process.poll() is not None, around.pid)
            grading = graders(around)[0]
            victims = [*grading.children(recursive=True), grading]
            grading.parent().kill()
            said, _ = patient.communicate(process)
        assert (process.returncode, said) == (0, "")
        wait_for(lambda: not graders(around), around.pid)  # the workers are still there, and hold nothing of it
        wait_for(lambda: all(patient.has_ended(each.pid) for each in victims), around.pid)
    assert results(out) == results(school / "alone")
    lines = [line.split("\t") for line in (out / "log.txt").read_text().splitlines()]
    assert Counter(line[2] for line in lines if line[1] == "graded") == dict.fromkeys(results(out), 1)
    assert not list(tmp_path.rglob("autograder-scratch-*"))
    kit.run(*GRADE, out.name, cwd=school, check=True)
    assert len((out / "log.txt").read_text().splitlines()) == len(lines)  # this machine takes them for its own: nothing is to do


def refused(address):
    with pytest.raises(KitError) as error:
        cluster.grade(None, [Submission("a")], None, address)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def mini():
    root = HERE / "mini_course"
    return Plan(course.load(root).topic("01_mini"), b"key", "full")


@pytest.mark.parametrize("address", ["nowhere", "here://there", "tcp://127.0.0.1:1"])
def test_an_address_without_a_scheduler_is_one_line(address):
    import dask  # noqa: PLC0415

    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        assert refused(address).startswith(f"--cluster {address}: no Dask scheduler can be reached there: ")


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert refused("tcp://127.0.0.1:1") == (
        "--cluster needs Dask, which is not installed: pip install 'blitz-autograder[cluster]'"
    )


@pytest.mark.system
def test_no_worker_and_no_scheduler_any_more_are_one_line_each(monkeypatch, tmp_path, mini):
    monkeypatch.setattr(cluster, "_bundle", lambda _: cluster.Bundle({}, b""))
    monkeypatch.setattr(cluster, "WAIT_SECONDS", 0.1)
    monkeypatch.setattr(cluster, "POLL_SECONDS", 0.2)
    with scheduler(tmp_path) as address:
        assert refused(address) == (
            f"--cluster {address}: there has been no worker for 0 seconds: start some that have this package; "
            "what is graded is kept, and the same command goes on"
        )
        monkeypatch.setattr(cluster, "WAIT_SECONDS", patient.STILL)
        child = psutil.Process().children()[-1]
        sent = cluster._sent

        def last(*arguments, **options):
            future = sent(*arguments, **options)
            child.kill()
            return future

        monkeypatch.setattr(cluster, "_sent", last)
        assert "the scheduler is gone" in refused(address)


def test_a_worker_with_other_versions_refuses_and_names_them():
    here = digest.versions()
    found = cluster.Bundle({**here, "torch": "1.0", "kit": "another"}, b"not opened").grade(b"")
    assert isinstance(found, KitError)
    torch, kit = here["torch"], here["kit"]
    assert str(found) == (
        f"it has other versions than this machine: torch {torch} in the place of 1.0, kit {kit} in the place of another"
    )


def test_a_worker_that_cannot_confine_refuses_unless_that_is_accepted_and_its_results_say_so(monkeypatch, tmp_path, mini):
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} {HERE / "without_landlock.py"} {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr(pool.sys, "executable", str(wrapper))
    unreadable = pickle.dumps(Submission("a", problem="Nothing to read."))
    found = cluster._bundle(mini).grade(unreadable)
    assert "this machine cannot confine submissions fully (missing: landlock" in str(found)
    found = cluster._bundle(Plan(mini.topic, mini.key, "reduced")).grade(unreadable)
    assert (found.isolation, found.message) == ("reduced", "Nothing to read.")


def test_a_submission_that_ends_every_process_is_given_up_and_the_next_one_is_not(monkeypatch, mini):
    bundle = cluster.Bundle({"kit": "another"}, b"")
    monkeypatch.setattr(cluster, "_grade_unpacked", signal.raise_signal)  # which cannot be called like that
    assert bundle.grade(b"") is None
    monkeypatch.undo()
    assert "other versions" in str(bundle.grade(b""))
