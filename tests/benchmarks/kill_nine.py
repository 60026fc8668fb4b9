"""kill -9 of the grader, a worker, a server or a child at random moments; then the same command again.

    python tests/benchmarks/kill_nine.py [--times 50] [--workers 2] [--seed 0]

Each time the results must be those of an undisturbed run, but for their seconds: none lost, none graded twice, and no
process, mount, shared memory or scratch folder left. Exit code 1 if one of that is not so.
"""

import argparse
import contextlib
import ctypes
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

TESTS = Path(__file__).parents[1]
KINDS = ("grader", "worker", "server", "child")
PR_SET_CHILD_SUBREAPER = 36
STILL = 300.0  # seconds without an end: then it hangs
PATIENCE = 10.0  # the kernel needs a moment to end a whole PID namespace
GRADE = ("-m", "autograder", "grade", "handed-in", "--topic", "01_mini", "--seed", "1", "--quiet", "--out")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kill-nine-") as folder:
        wrong = Trial(Path(folder), options.workers, random.Random(options.seed)).repeat(options.times)
    print(f"{options.times} moments, {wrong} with something wrong", flush=True)
    return 1 if wrong else 0


class Trial:
    """A class that is graded again and again in a folder of its own; `chance` says when and what is killed."""

    def __init__(self, folder, workers, chance):
        assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0  # orphans come to this process
        self._course = Path(shutil.copytree(TESTS / "autograder/mini_course", folder / "course"))
        self._temporary, self._workers, self._chance = folder / "tmp", str(workers), chance
        self._kinds = [kind for kind in KINDS if kind != "worker" or workers > 1]  # a single one is the grader itself
        self._temporary.mkdir()
        hand_in(self._course, workers)

    def repeat(self, times):
        """Kill that many times; returns how many were not as if nothing had been."""
        began = time.monotonic()
        self._finish(self._start("calm"))
        whole = time.monotonic() - began
        calm, before, wrong = results(self._course / "calm"), around(), 0
        print(f"undisturbed: {len(calm)} submissions in {whole:.1f} s", flush=True)
        for number in range(times):
            kind, first = self._kinds[number % len(self._kinds)], self._chance.randrange(len(calm))
            pause = self._chance.uniform(0.0, 0.3 if first else whole / 2)  # before the first result most of the time passes
            out = self._course / f"out{number}"
            killed, done = self._disturbed(out, kind, first, pause)
            found = self._faults(out, calm, before)
            wrong += bool(found)
            what = f"{'' if killed else 'no '}{kind}, with {done} results, {pause:.2f} s after the one before"
            print(f"{number + 1:3}: {what}: {'; '.join(found) or 'as undisturbed'}", flush=True)
            shutil.rmtree(out)
        return wrong

    def _disturbed(self, out, kind, first, pause):
        """A run in which a process is killed after so many results, and another if it is not done; whether there was one."""
        grader = self._start(out.name)
        while grader.poll() is None and len(list((out / "results").glob("*.json"))) < first:
            time.sleep(0.005)
        time.sleep(pause)
        victim = None
        while grader.poll() is None and not (victim := self._victim(grader, kind)):
            time.sleep(0.01)
        done = len(list((out / "results").glob("*.json")))
        if victim:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill()
        with contextlib.suppress(subprocess.CalledProcessError):
            self._finish(grader)
        if grader.returncode:
            for left in self._temporary.iterdir():  # as if a minute had passed: until then they might be a grading's
                os.utime(left, (0, 0))
            self._finish(self._start(out.name))
        return victim is not None, done

    def _start(self, out):
        command = [sys.executable, *GRADE, out, "--workers", self._workers]
        where = {**os.environ, "TMPDIR": str(self._temporary)}
        return subprocess.Popen(command, cwd=self._course, env=where, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def _finish(self, grader):
        said, _ = grader.communicate(timeout=STILL)
        if grader.returncode:
            raise subprocess.CalledProcessError(grader.returncode, grader.args, said)

    def _victim(self, grader, kind):
        if kind == "grader":
            return psutil.Process(grader.pid)
        found = [process for process in below(grader.pid, "grader") if process[0] == kind]
        return self._chance.choice(found)[1] if found else None

    def _faults(self, out, calm, before):
        now = results(out)
        found = [
            f"{name}: {now.get(name)}, not {calm.get(name)}" for name in now.keys() | calm if now.get(name) != calm.get(name)
        ]
        if (out / "scores.csv").read_text() != (self._course / "calm/scores.csv").read_text():
            found.append("the table differs")
        graded = Counter(line.split("\t")[2] for line in (out / "log.txt").read_text().splitlines() if "\tgraded\t" in line)
        found += [f"graded {count} times: {name}" for name, count in graded.items() if count > 1]
        if left := orphans():
            found.append(f"processes left: {left}")
        if scratch := [path.name for path in self._temporary.iterdir()]:
            found.append(f"scratch folders left: {scratch}")
        if after := around() - before:
            found.append(f"left: {sorted(after)}")
        return found


def hand_in(course, copies):
    """A class with as many copies of a submission of each kind."""
    solution = (course / "solutions/01_mini/mini.py").read_text()
    texts = {"good": solution, "wrong": solution.replace("2 * x", "3 * x"), "unreadable": "1 +",
             "slow": solution.replace("return t.mean(1)", "import time; time.sleep(0.2); return t.mean(1)"),
             "quits": solution.replace("return t.mean(1)", "import os; os._exit(0)"),
             "stub": (course / "exercises/01_mini/mini.py").read_text()}  # fmt: skip
    for name, text in texts.items():
        for number in range(copies):
            path = course / "handed-in" / f"{name}{number}" / "mini.py"
            path.parent.mkdir(parents=True)
            path.write_text(text)


def results(out):
    """What is in OUT/results, without seconds."""
    found = {path.stem: json.loads(path.read_text()) for path in (out / "results").glob("*.json")}
    for result in found.values():
        for part in (result, *result["tasks"]):
            del part["seconds"]
    return found


def below(pid, kind):
    """The processes below one of that kind, each with its own kind."""
    try:
        children = psutil.Process(pid).children()
    except psutil.Error:
        return
    for child in children:
        try:
            line = " ".join(child.cmdline())
        except psutil.Error:
            continue
        its = "worker" if "grading.pool" in line else "other"
        if "sandbox.server_main" in line:  # the server, the first process of its PID namespace, then its children
            its = {"grader": "server", "worker": "server", "server": "first", "first": "child"}.get(kind, "child")
        yield "server" if its == "first" else its, child
        yield from below(child.pid, its)


def around():
    """What a machine has of mounts, and of shared memory that no living process has mapped: others have theirs meanwhile."""
    mounts = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    there, mapped = {}, set()
    for path in Path("/dev/shm").glob("*"):
        with contextlib.suppress(OSError):  # it has just gone
            there[str(path)] = path.stat().st_ino
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with contextlib.suppress(OSError):  # it has just ended, or is not ours to read
            mapped |= {int(line.split()[4]) for line in maps.read_text().splitlines() if "/dev/shm/" in line}
    return mounts | {path for path, inode in there.items() if inode not in mapped}


def orphans():
    """The processes that a grading left to this one."""
    end = time.monotonic() + PATIENCE
    while (left := psutil.Process().children(recursive=True)) and time.monotonic() < end:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        time.sleep(0.05)
    return [each.pid for each in left]


if __name__ == "__main__":
    sys.exit(main())
