"""How often is a learner's real mistake named? Grades what people got wrong in public and reads what each one is told.

    python tests/benchmarks/diagnosis.py [--topic 02_autograd] [--held-out] [--workers 2] [--json FILE] [--from FILE …]
                                         [--page docs/diagnosis.md]

`mistakes/NN_topic.yaml` holds the mistakes: each was made by somebody in a public question, issue, tutorial or program (its
`source`), and is told here in other words and as other code. `code` replaces the definitions of the same names in the
reference solution (its imports go in front); `task` is the one whose words are judged. `says` lists what a human teacher
would accept as naming *this* mistake, `misleading` what would send the learner elsewhere: regular expressions, any of which
is enough, whatever the case of letters. Where `code` has several mistakes, naming one of them is enough; where an earlier
task's mistake is seen in a later one, the words of the later one count.

A verdict follows from these rules, the first that fits:

- missed: the task has full marks, or the kit has no verdict on it.
- wrong: it is called unfinished; or its words match `misleading`; or a diagnosis that any task of this submission was given
  matches nothing in `says`. A diagnosis claims one mistake, so another one than this misleads, however cautious it sounds.
- right: the message or the diagnosis of the task (with the check's own sentence, "Expected: it …") matches `says`.
- silent: only what came, and that it is wrong. The hint counts for nothing: it is there whatever the mistake.

Some OBSERVATIONS are given as a diagnosis but claim no mistake: alone they are silent. A third of the mistakes, chosen by the
hash of their names, is held out: counted, but never listed, so that nobody mends the suites with an eye on them; `--held-out`
counts only these. `--json` keeps what was said; `--from` judges that again, of several topics' runs together. `--page`
writes the table into a page, between its two marks. Exit code 1 if fewer than 80 % are right or more
than 1 % wrong, or anything is missed.
"""

import argparse
import ast
import hashlib
import json
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import yaml
from rich.console import Console
from rich.table import Table

from autograder import course
from autograder.grading import grade, isolation
from autograder.images.training import choose
from autograder.results import Report, Status
from autograder.submission.handed_in import Submission

ROOT = Path(__file__).parents[2]
MISTAKES = Path(__file__).parent / "mistakes"
LEAST_RIGHT, MOST_WRONG = 0.80, 0.01
VERDICTS = ("right", "silent", "wrong", "missed")
OBSERVATIONS = re.compile(r"It is zero everywhere\.|It equals one of the inputs, unchanged\.")


@dataclass(frozen=True)
class Mistake:
    """One entry of `mistakes/`; all but `topic`, its file's name, are explained at the top of this module."""

    topic: str
    name: str
    task: str
    source: str
    code: str
    says: tuple[str, ...]
    misleading: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.topic}/{self.task}: {self.name}"

    @property
    def held_out(self) -> bool:
        return int(hashlib.sha256(self.title.encode()).hexdigest(), 16) % 3 == 0


@dataclass(frozen=True)
class Said:
    """What a learner with a mistake was told: of its task, and as diagnoses of all tasks that lost points."""

    title: str
    status: str
    message: str
    diagnosis: str
    diagnoses: tuple[str, ...]


def load(topic: str) -> list[Mistake]:
    """The mistakes of a topic, in file order."""
    entries = yaml.safe_load((MISTAKES / f"{topic}.yaml").read_text(encoding="utf-8"))
    lists = [{key: tuple(entry.pop(key, ())) for key in ("says", "misleading")} for entry in entries]
    return [Mistake(topic, **entry, **patterns) for entry, patterns in zip(entries, lists, strict=True)]


def module(mistake: Mistake, reference: str) -> str:
    """The reference's text with the mistake's definitions in place of its own; ValueError where one does not fit."""
    lines = reference.splitlines(keepends=True)
    parts = ast.parse(mistake.code).body
    definitions = [part for part in parts if isinstance(part, ast.FunctionDef | ast.ClassDef)]
    edits = [(_own(reference, part.name), ast.get_source_segment(mistake.code, part) or "") for part in definitions]
    for own, text in sorted(edits, key=lambda edit: -edit[0].lineno):
        lines[own.lineno - 1 : own.end_lineno] = [textwrap.indent(text, " " * own.col_offset) + "\n"]
    last_import = max(part.end_lineno or 0 for part in ast.parse(reference).body if isinstance(part, ast.Import | ast.ImportFrom))
    lines[last_import:last_import] = [f"{ast.unparse(part)}\n" for part in parts if part not in definitions]
    return "".join(lines)


def _own(reference: str, name: str) -> ast.FunctionDef | ast.ClassDef:
    found = [node for node in ast.walk(ast.parse(reference))
             if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name]  # fmt: skip
    if len(found) != 1:
        raise ValueError(f"the reference has {len(found)} definitions named {name}")
    return found[0]


def ask(topic: course.Topic, mistakes: list[Mistake], workers: int) -> list[Said]:
    """Grade each mistake as submissions are graded; those that are not about training get a moment of it."""
    training = choose(*topic.training.chosen("embedded", "quick")) if topic.training else None
    plan = light = grade.Plan(topic, b"", isolation.here("full"), training)
    if training:
        budget = replace(training.budget, images=10 * training.budget.batch, epochs=1, minimum=0.0)
        light = replace(plan, training=replace(training, budget=budget))
    long_tasks = {task.id for task in topic.tasks if task.trains}
    reference = topic.solution.read_text(encoding="utf-8")
    said: list[Said] = []
    by_title = {mistake.title: mistake for mistake in mistakes}

    def keep(report: Report) -> None:
        said.append(_said(by_title[report.submission], report))
        print(f"{len(said)}/{len(mistakes)} {report.submission}", file=sys.stderr)

    for chosen, trains in ((light, False), (plan, True)):
        files = [Submission(m.title, {topic.module: module(m, reference).encode()})
                 for m in mistakes if (m.task in long_tasks) == trains]  # fmt: skip
        if files:
            grade.grade(chosen, files, keep, workers)
    return said


def _said(mistake: Mistake, report: Report) -> Said:
    lost = [task for task in report.tasks if task.status is not Status.PASSED]
    own = next(task for task in report.tasks if task.id == mistake.task)
    message = report.message if report.status != "graded" else own.message
    return Said(mistake.title, str(own.status), message, own.diagnosis, tuple(task.diagnosis for task in lost if task.diagnosis))


def verdict(mistake: Mistake, said: Said) -> str:
    """Which of VERDICTS it is, by the rules at the top of this module."""

    def fits(patterns: Iterable[str], text: str) -> bool:
        return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)

    text = f"{said.message} {said.diagnosis}"
    if said.status in (Status.PASSED, Status.BROKEN):
        return "missed"
    claims = [claim for claim in said.diagnoses if not OBSERVATIONS.fullmatch(claim)]
    if said.status == Status.MISSING or fits(mistake.misleading, text) or not all(fits(mistake.says, claim) for claim in claims):
        return "wrong"
    return "right" if fits(mistake.says, text) else "silent"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topic", nargs="*", help="only these topics")
    parser.add_argument("--held-out", action="store_true", help="only the mistakes that are held out")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write here what was said")
    parser.add_argument("--from", type=Path, nargs="*", dest="earlier", help="judge what earlier runs wrote, grade nothing")
    parser.add_argument("--page", type=Path, help="write the table into this page")
    options = parser.parse_args()
    torch.set_num_threads(1)
    topics = [
        topic
        for topic in course.load(ROOT).topics
        if (MISTAKES / f"{topic.name}.yaml").is_file() and (not options.topic or topic.name in options.topic)
    ]
    mistakes = {topic.name: [m for m in load(topic.name) if m.held_out or not options.held_out] for topic in topics}
    if options.earlier:
        entries = [entry for file in options.earlier for entry in json.loads(file.read_text())]
        said = [Said(**{**entry, "diagnoses": tuple(entry["diagnoses"])}) for entry in entries]
    else:
        said = [told for topic in topics for told in ask(topic, mistakes[topic.name], options.workers)]
    if options.json:
        options.json.write_text(json.dumps([told.__dict__ for told in said], indent=1, ensure_ascii=False) + "\n")
    told = {entry.title: entry for entry in said}
    found = {m: verdict(m, told[m.title]) for of_topic in mistakes.values() for m in of_topic if m.title in told}
    _show(found, told)
    if options.page:
        options.page.write_text(with_table(options.page.read_text(encoding="utf-8"), found), encoding="utf-8")
    count, total = Counter(found.values()), len(found)
    met = count["right"] >= LEAST_RIGHT * total and count["wrong"] <= MOST_WRONG * total and not count["missed"]
    print(f"at least {LEAST_RIGHT:.0%} right, at most {MOST_WRONG:.0%} wrong, none missed: {'met' if met else 'not met'}")
    return 0 if met else 1


def with_table(page: str, found: dict[Mistake, str]) -> str:
    """The page's text with a table of these verdicts between its marks; ValueError where it lacks one."""
    before, begin, rest = page.partition("<!-- table -->\n")
    _, end, after = rest.partition("<!-- end of table -->\n")
    if not end:
        raise ValueError("the page needs a line <!-- table --> and, below it, a line <!-- end of table -->")
    lines = [f"| topic | mistakes | {' | '.join(VERDICTS)} | right | wrong |", "|---" + "|--:" * (len(VERDICTS) + 3) + "|"]
    topics = sorted({mistake.topic for mistake in found})
    parts = [(topic, [which for m, which in found.items() if m.topic == topic]) for topic in topics]
    parts.append(("**all**", list(found.values())))
    parts.append(("of these, held out", [which for m, which in found.items() if m.held_out]))
    for name, verdicts in parts:
        count, total = Counter(verdicts), len(verdicts)
        shares = [f"{count[which] / max(total, 1):.1%}" for which in ("right", "wrong")]
        lines.append(f"| {' | '.join([name, str(total), *(str(count[which]) for which in VERDICTS), *shares])} |")
    return f"{before}{begin}\n{chr(10).join(lines)}\n\nMeasured with torch {torch.__version__}.\n\n{end}{after}"


def _show(found: dict[Mistake, str], told: dict[str, Said]) -> None:
    """The open mistakes that are not right, with what was said, and the table."""
    console = Console(width=110, soft_wrap=True, highlight=False, markup=False)
    for which in VERDICTS[:0:-1]:
        for mistake in (m for m, is_what in found.items() if is_what == which and not m.held_out):
            said = told[mistake.title]
            others = [claim for claim in said.diagnoses if claim != said.diagnosis]
            console.print(f"{which}: {mistake.title}\n    {said.status}: {said.message}")
            for kind, claims in (("diagnosis", [said.diagnosis] if said.diagnosis else []), ("of another task", others)):
                for claim in claims:
                    console.print(f"    {kind}: {claim}")
    table = Table(title="Mistakes that people made in public: what each is told", title_justify="left")
    for column in ("topic", "mistakes", *VERDICTS, "named", "held out: right", "wrong", "of"):
        table.add_column(column, justify="left" if column == "topic" else "right")
    names = sorted({mistake.topic for mistake in found})
    for row in (*names, "all"):
        mine = {m: is_what for m, is_what in found.items() if row in (m.topic, "all")}
        count, kept = Counter(mine.values()), [is_what for m, is_what in mine.items() if m.held_out]
        table.add_row(row, str(len(mine)), *(str(count[which]) for which in VERDICTS), f"{count['right'] / len(mine):.0%}",
                      str(kept.count("right")), str(kept.count("wrong")), str(len(kept)))  # fmt: skip
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
