"""What the pages of the docs take from the code."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import autograder
from autograder import course, results
from autograder.frontends import cli, usage

WORDS = {"topic": "the topic's name, such as `03_nn`", "task": "the task's name, such as `train_step`",
         "submissions": "the folder of what was handed in", "out": "the folder of a grading", "folder": "a folder"}  # fmt: skip
ROOT = Path(__file__).parents[1]


def command_line() -> str:
    """Every command with its options, by whose it is."""
    found = dict(_below(cli.parser()))
    lines = []
    for whose, examples in usage.GROUPS.items():
        lines.append(f"## For {whose}\n")
        lines += [_command(each) for name in examples if name in found for each in _leaves(found[name])]
    return "\n".join(lines)


def _below(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _leaves(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    return [each for _, each in _below(parser)] or [parser]


def _command(parser: argparse.ArgumentParser) -> str:
    form = re.sub(r"^usage: ", "", parser.format_usage().strip())
    rows = [
        f"`{_names(action)}`\n: {_sentence(action) or WORDS[action.dest]}\n"
        for action in parser._actions
        if action.dest != "help"
    ]
    example = (parser.epilog or "").partition("\n  ")[2]
    return "\n".join(
        [f"### {parser.prog}\n", f"{parser.description}\n", f"```sh\n{example}\n```\n", f"```text\n{form}\n```\n", *rows]
    )


def _names(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else str(action.metavar or "|".join(action.choices or ()) or action.dest.upper())
    if not action.option_strings:
        return value
    return f"{', '.join(action.option_strings)} {value}".strip()


def _sentence(action: argparse.Action) -> str:
    text = (action.help or "") % vars(action)
    return re.sub(r"<", r"\\<", text[:1].upper() + text[1:])


def suite_api() -> str:
    """What `from autograder import …` offers, for autodoc."""
    lines = []
    for name in autograder.__all__:
        thing = getattr(autograder, name)
        if isinstance(thing, type):
            lines += [f".. autoclass:: autograder.{name}", "   :members:", ""]
        elif callable(thing):
            lines += [f".. autofunction:: autograder.{name}", ""]
        else:
            lines += [f".. py:data:: autograder.{name}", f"   :value: {thing!r}", ""]
    return _rst(lines)


def result_classes() -> str:
    """The dataclasses of a result, for autodoc."""
    lines = []
    for kind in (results.Report, results.TaskResult, results.Picture, results.Person):
        lines += [f".. autoclass:: autograder.results.{kind.__name__}", ""]
    for kind in (results.SubmissionStatus, results.Status):
        lines += [f".. autoclass:: autograder.results.{kind.__name__}", "   :members:", "   :undoc-members:", ""]
    return _rst(lines)


def _rst(lines: Sequence[str]) -> str:
    return "\n".join(["```{eval-rst}", *lines, "```"])


def result_example() -> str:
    """A result as it is written."""
    tasks = (results.TaskResult("Net", results.Status.PASSED, 4.0, 4.0, seconds=0.02),
             results.TaskResult("mse_loss", results.Status.PARTIAL, 1.0, 2.0, "Expected: it takes one image. It is too large.",
                                "averages over the batch twice", "Look at the shapes first.", 0.01))  # fmt: skip
    report = results.Report("03_nn", "ada", results.SubmissionStatus.GRADED, 5.0, 6.0, "", "full", 0.31, tasks)
    return f"```json\n{results.to_json(report)}```"


def topics() -> str:
    """The topics, their tasks and points."""
    found = course.load(ROOT)
    rows = [f"| `{topic.name}` | {topic.title} | {len(topic.tasks)} | {topic.max_score:g} |" for topic in found.topics]
    return "\n".join(["| topic | title | tasks | points |", "|---|---|--:|--:|", *rows])


def other_topics() -> str:
    """The topics that the map does not name, with their tasks; what the map forgets of a topic that it names is an error."""
    told = (ROOT / "docs/map.md").read_text(encoding="utf-8")
    rows, forgotten = [], []
    for topic in course.load(ROOT).topics:
        names = [f"`{task.id}`" for task in topic.tasks]
        if f"`{topic.name}`" in told:
            forgotten += [f"{topic.name}: {name}" for name in names if name not in told]
        else:
            rows.append(f"| {topic.title}: `{topic.name}` | {', '.join(names)} |")
    if forgotten:
        raise LookupError(f"docs/map.md does not say where in the notes these are: {', '.join(forgotten)}")
    if not rows:
        return "The notes name fields to go on to. No topic teaches them yet."
    return "\n".join(["| in the notes | tasks |", "|---|---|", *rows])


def first_failure() -> str:
    """What a learner reads after the mistake of the students' tutorial."""
    page = (ROOT / "docs/students.md").read_text(encoding="utf-8")
    wrong = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    with tempfile.TemporaryDirectory() as folder:
        for name in ("course.yaml", "exercises/01_tensors/tensor_ops.py", "exercises/01_tensors/test_tensor_ops.py"):
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, Path(folder, name))
        stub = Path(folder, "exercises/01_tensors/tensor_ops.py")
        text = stub.read_text(encoding="utf-8")
        start = text.index("def from_rows(")
        stub.write_text(text[:start] + wrong + text[text.index("\n\n\ndef ", start) :], encoding="utf-8")
        command = [sys.executable, "-m", "autograder", "check", "01_tensors", "from_rows"]
        environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
        said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    took = re.compile(r"in [\d.]+s$")  # which differs from machine to machine
    return f"```text\n{took.sub('in 0.2s', said.stdout.strip())}\n```"


def root_page(name: str) -> str:
    """A page that lies at the repository's root, as one of the docs."""
    return (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")


def with_root_links_here(text: str) -> str:
    """Links to pages at the root lead to their copies in the docs."""
    return re.sub(r"\]\((?:\.\./)?(CHANGELOG|CONTRIBUTING|SECURITY)\.md\)", lambda found: f"]({found[1].lower()}.md)", text)


def changelog() -> str:
    """CHANGELOG.md."""
    return root_page("CHANGELOG.md")


def contributing() -> str:
    """CONTRIBUTING.md."""
    return root_page("CONTRIBUTING.md")


def security() -> str:
    """SECURITY.md."""
    return root_page("SECURITY.md")


def with_code_announced(lines: Sequence[str]) -> list[str]:
    """The lines of a docstring, with `::` before each indented paragraph that is no part of a section such as Args."""
    made, section, code = [], False, False
    for number, line in enumerate(lines):
        indented = line.startswith("    ")
        if line and not indented:
            section, code = bool(re.fullmatch(r"[A-Z][a-z]+:", line)), False
        if indented and not section and not code and not lines[number - 1]:
            made += ["::", ""]
            code = True
        made.append(line)
    return made
