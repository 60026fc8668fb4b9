"""What does a beginner read first? Plants typical mistakes, one at a time, and shows what the self-check says of each.

    python tests/benchmarks/novice.py [--topic 02_autograd …] [--task relu_backward …] [--quiet] [--page docs/diagnosis.md]
                                      [--corpus]

`mistakes/novice/NN_topic.yaml` holds them, as `diagnosis.py` explains an entry: learners' mistakes, found in public. Each
stands where a learner would make it: in the stub, whose tasks before this one are done, and whose later ones are not. Then
`pytest exercises/NN_topic -k TASK` runs in that copy of the course, as a student runs it: nothing of solutions, hidden
checks or mutants is at work. The first message is judged, the hint left out:

- named: it matches `says`;
- misleading: it calls the code unfinished, or matches `misleading`, or its diagnosis names another mistake;
- generic: what came, and that it is wrong;
- missed: all green.

`--corpus` takes the mistakes of `mistakes/NN_topic.yaml` in their place: those that are held out are counted alone.
`--page` writes the table into a page, between its two marks. Exit code 1 if any is misleading or missed.
"""

import argparse
import ast
import importlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from diagnosis import MISTAKES, OBSERVATIONS, Mistake, load, module

from autograder import course
from autograder.checks import pytest_plugin

ROOT = Path(__file__).parents[2]
VERDICTS = ("named", "generic", "misleading", "missed")
_KEEP = """
import json, pathlib, pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report):
    if told := getattr(report, "autograder", None):
        with pathlib.Path({path!r}).open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\\n")
"""


@dataclass(frozen=True)
class Shown:
    """What stands on the terminal: the first message, without its hint, and what of it is a diagnosis."""

    text: str
    status: str
    diagnosis: str


def halfway(mistake: Mistake, topic: course.Topic) -> str:
    """The module of a learner who has just got this task wrong: done before it, not begun after it."""
    stub, done = (path.read_text(encoding="utf-8") for path in (topic.stub, topic.solution))
    names = [task.id for task in topic.tasks]
    later = set(names[names.index(mistake.task) + 1 :])
    open_again = [node for node in ast.parse(stub).body if getattr(node, "name", "") in later]
    code = "\n\n".join(ast.get_source_segment(stub, node) or "" for node in open_again)
    with_later = module(Mistake(topic.name, "", mistake.task, "", code, ()), done) if code else done
    return module(mistake, with_later)


def ask(mistake: Mistake, topic: course.Topic) -> Shown:
    """Run the self-check of the task in a copy of the course that holds the mistake."""
    with tempfile.TemporaryDirectory() as folder:
        here, kept = Path(folder) / "course", Path(folder) / "told"
        here.mkdir()
        shutil.copy(ROOT / "course.yaml", here)
        shutil.copytree(ROOT / "exercises", here / "exercises", ignore=shutil.ignore_patterns("__pycache__"))
        exercise = here / "exercises" / topic.name
        (exercise / topic.module).write_text(halfway(mistake, topic), encoding="utf-8")
        (here / "exercises/conftest.py").write_text(_KEEP.format(path=str(kept)), encoding="utf-8")
        printed = _pytest(here, [f"exercises/{topic.name}", "-k", mistake.task, "-p", "no:cacheprovider"])
        told = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()] if kept.exists() else []
    return _shown(mistake.task, printed, sorted(told, key=lambda entry: entry["line"]))


def _pytest(here: Path, arguments: list[str]) -> str:
    """What pytest prints there, in a process of its own that has PyTorch loaded already."""
    output = here.parent / "printed"
    child = os.fork()
    if not child:
        os.chdir(here)
        os.environ |= {"NO_COLOR": "1", "COLUMNS": "110", "AUTOGRADER_LANG": "en"}
        file = os.open(output, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, 1)
        os.dup2(file, 2)
        pytest.main(arguments)
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
    return output.read_text(encoding="utf-8")


def _shown(task: str, printed: str, told: list[dict]) -> Shown:
    wrong = [entry for entry in told if entry["status"] not in ("passed", "broken")]
    if not wrong:
        return Shown("" if told else printed, "passed" if told else "unread", "")
    first = wrong[0]
    lines = printed.splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith(f"{task}: ")), 0)
    end = next((n for n, line in enumerate(lines[start:], start) if line.startswith("  Stuck?")), len(lines))
    return Shown("\n".join(lines[start:end]), first["status"], first["diagnosis"])


def verdict(mistake: Mistake, shown: Shown) -> str:
    """Which of VERDICTS it is, by the rules at the top of this module."""

    def fits(patterns: tuple[str, ...], text: str) -> bool:
        return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)

    text = " ".join(shown.text.split())
    if shown.status == "passed":
        return "missed"
    claims = bool(shown.diagnosis) and not OBSERVATIONS.fullmatch(shown.diagnosis)
    if shown.status == "missing" or fits(mistake.misleading, text) or (claims and not fits(mistake.says, shown.diagnosis)):
        return "misleading"
    return "named" if fits(mistake.says, text) else "generic"


def table(found: dict[Mistake, str], listed: Callable[[Mistake], bool] = lambda _: True) -> str:
    """The verdicts as Markdown, with a line for each that is `listed`."""
    lines = ["| topic | task | mistake | told |", "|---|---|---|---|"]
    lines += [f"| {m.topic} | `{m.task}` | {m.name.replace('|', '/')} | {which} |" for m, which in found.items() if listed(m)]
    count = Counter(found.values())
    return "\n".join([*lines, "", ", ".join(f"{count[which]} {which}" for which in VERDICTS) + f", of {len(found)}."])


def main() -> int:
    """Ask, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topic", nargs="*", default=sorted(path.stem for path in (MISTAKES / "novice").iterdir()))
    parser.add_argument("--task", nargs="*", help="only these tasks")
    parser.add_argument("--corpus", action="store_true", help="the mistakes of mistakes/NN_topic.yaml")
    parser.add_argument("--quiet", action="store_true", help="the table alone")
    parser.add_argument("--page", type=Path, help="write the table into this page")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in pytest_plugin.WITH_BACKWARD:
        importlib.import_module(name)  # before the forks
    found: dict[Mistake, str] = {}
    for topic in (topic for topic in course.load(ROOT).topics if topic.name in options.topic):
        for entry in load(topic.name if options.corpus else f"novice/{topic.name}"):
            mistake = Mistake(topic.name, entry.name, entry.task, entry.source, entry.code, entry.says, entry.misleading)
            if options.task and mistake.task not in options.task:
                continue
            shown = ask(mistake, topic)
            found[mistake] = verdict(mistake, shown)
            if not options.quiet and not (options.corpus and mistake.held_out):
                print(f"== {found[mistake]}: {mistake.title}\n{shown.text}\n", flush=True)
    print(table(found, lambda mistake: not (options.corpus and mistake.held_out)))
    if options.page:
        before, begin, rest = options.page.read_text(encoding="utf-8").partition("<!-- novice -->\n")
        _, end, after = rest.partition("<!-- end of novice -->\n")
        if not end:
            raise SystemExit("the page needs a line <!-- novice --> and, below it, a line <!-- end of novice -->")
        options.page.write_text(f"{before}{begin}\n{table(found)}\n\n{end}{after}", encoding="utf-8")
    return 1 if {"misleading", "missed"} & set(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
