"""Times `autograder watch` in a pseudo-terminal: from a save to its answer on the screen.

    python tests/benchmarks/watch.py [--topic 03_nn] [--saves 30]

In a copy of the course, solved but for one wrong task at a time, it saves again and again: in place, by renaming a new file
into the module's place, and a helper beside it. The learner's own computing (the import, and the calls of their functions by
the checks of the wrong task) is measured in a process like the one that checks. The targets: a median of at most 0.3 s above
it, no save missed, memory flat (5 %). Then come a syntax error, a deleted file and a loop that never ends. Exit code 1 if a
target is missed. An answer is known by what the wrong task prints, so the topic's tasks must be ones of a single process.
"""

import argparse
import io
import math
import os
import pty
import re
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import psutil
import torch

from autograder import course, secret
from autograder.checks import reading
from autograder.checks.check import prepare, run
from autograder.images.torchvision_shim import import_module
from autograder.learner import calls
from autograder.learner.in_process import InProcess, simulated
from autograder.learner.loading import load

ROOT = Path(__file__).parents[2]
MOST, MISSED_AFTER, GROWTH = 0.3, 30.0, 1.05
WRONG = (
    "\n\ndef {task}(*_, **__):\n    import helper\n    print('save {number}, helper', helper.NUMBER, '.')\n    return {number}\n"
)


class Window:
    """A terminal of 100 columns with `autograder watch` in it."""

    def __init__(self, root: Path, topic: str) -> None:
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(self.master, (50, 100))
        command = [sys.executable, "-m", "autograder", "watch", topic]
        self.process = subprocess.Popen(command, cwd=root, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        self.text = ""

    def seconds_until(self, words: str, since: float) -> float:
        """From `since` until the screen has the words; infinite if it does not get them."""
        while time.monotonic() - since < MISSED_AFTER:
            frames = re.findall(r"\x1b\[H(.*?)\x1b\[J", self.text, re.DOTALL)
            if frames and words in frames[-1]:
                return time.monotonic() - since
            if select.select([self.master], [], [], 1.0)[0]:
                self.text = (self.text + os.read(self.master, 1 << 16).decode())[-(1 << 16) :]
        return math.inf

    def memory(self) -> float:
        """Megabytes that the watching process has in memory."""
        return psutil.Process(self.process.pid).memory_info().rss / 2**20

    def processes(self) -> int:
        """How many processes there are: it, and the one that waits for the next save."""
        return 1 + len(psutil.Process(self.process.pid).children(recursive=True))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def own(topic: course.Topic, task: course.Task) -> float:
    """Seconds of the learner's own code in one round, up to the task's last check; measured in a fork of this process."""
    reader, writer = os.pipe()
    if not os.fork():
        sys.stdout = io.StringIO()
        spent, perform = [0.0], calls._perform

        def timed(*arguments):
            started = time.perf_counter()
            try:
                return perform(*arguments)
            finally:
                spent[0] += time.perf_counter() - started

        calls._perform = timed
        suite = reading.read(topic.public_checks)
        started = time.perf_counter()
        loaded = load(topic.stub)
        spent[0] += time.perf_counter() - started
        for check in reading.checks(suite, topic.name, task.id, task.forbid):
            with simulated(check.devices):
                run(check, prepare(check, InProcess(loaded, 1 << 26, 10.0), secret.of_seed(0)))
        os.write(writer, str(spent[0]).encode())
        os._exit(0)
    os.close(writer)
    os.wait()
    with os.fdopen(reader) as stream:
        return float(stream.read() or "nan")


def save(path: Path, text: str, *, by_rename: bool = False) -> float:
    """Write the file; when it was begun."""
    started = time.monotonic()
    if by_rename:
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").replace(path)
    else:
        path.write_text(text)
    return started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topic", default="03_nn")
    parser.add_argument("--saves", type=int, default=30)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="autograder-watch-") as folder:
        root = Path(folder, "course")
        shutil.copytree(ROOT / "exercises", root / "exercises", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "course.yaml", root)
        topic = course.load(root).topic(options.topic)
        for name in topic.warm:
            import_module(name)
        solved = (ROOT / "solutions" / topic.name / topic.module).read_text()
        helper = topic.stub.with_name("helper.py")
        helper.write_text("NUMBER = 0\n")
        functions = [task for task in topic.tasks if re.search(rf"^def {task.id}\(", solved, re.MULTILINE)]
        chosen = [functions[0], functions[len(functions) // 2], functions[-1]]
        topic.stub.write_text(solved + WRONG.format(task=chosen[0].id, number=-1))
        window = Window(root, topic.name)
        try:
            start = window.seconds_until("save -1, helper 0 .", time.monotonic())
            above, totals, missed, memory = [], [], 0, [window.memory()]
            for number in range(options.saves):
                task = chosen[number * len(chosen) // options.saves]
                if number % 3 == 2:
                    written, words = save(helper, f"NUMBER = {number}\n"), f", helper {number} ."
                else:
                    text = solved + WRONG.format(task=task.id, number=number)
                    written, words = save(topic.stub, text, by_rename=number % 3 == 1), f"save {number},"
                seconds = window.seconds_until(words, written)
                window.seconds_until("checked in", written)
                memory.append(window.memory())
                if math.isinf(seconds):
                    missed += 1
                else:
                    totals.append(seconds)
                    above.append(seconds - own(topic, task))
            processes = window.processes()
            broken = window.seconds_until("does not parse", save(topic.stub, solved + "\nx = (\n"))
            topic.stub.unlink()
            gone = window.seconds_until("is not there", time.monotonic())
            hang = solved + f"\n\ndef {chosen[0].id}(*_, **__):\n    while True:\n        pass\n"
            hung = window.seconds_until(f"{chosen[0].id}: timeout", save(topic.stub, hang))
            fixed = window.seconds_until("save 99,", save(topic.stub, solved + WRONG.format(task=chosen[0].id, number=99)))
        finally:
            window.close()
    median = statistics.median(above)
    machine = f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
    print(f"{topic.name}, {options.saves} saves, {machine}: first answer after {start:.1f} s")
    print(f"from save to answer: median {statistics.median(totals):.3f} s, worst {max(totals):.3f} s")
    print(f"above the learner's own computing: median {median:.3f} s (target {MOST}), worst {max(above):.3f} s")
    grown = f"{memory[1]:.0f} MB after the first, {memory[-1]:.0f} MB after the last, {processes} processes then"
    print(f"saves missed: {missed}; memory: {grown}")
    print(
        f"a syntax error {broken:.3f} s, a deleted file {gone:.3f} s, a loop that never ends {hung:.1f} s, and on {fixed:.3f} s"
    )
    return int(median > MOST or missed > 0 or memory[-1] > GROWTH * memory[1])


if __name__ == "__main__":
    sys.exit(main())
