"""What the command line says of itself: help in groups with an example of each command, the version, shell completion."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder import versions

# Whose a command is, and an example of it.
GROUPS = {
    "learners": {
        "check": "autograder check 03_nn Net",
        "watch": "autograder watch 03_nn",
        "hint": "autograder hint train_step",
    },
    "instructors": {
        "release": "autograder release ../kit --topic 03_nn --zip",
        "grade": "autograder grade submissions --topic 03_nn --out graded",
        "regrade": "autograder regrade graded",
        "report": "autograder report graded",
        "gradebook": "autograder gradebook graded ../nbcourse/gradebook.db",
        "export": "autograder export graded moodle",
        "gradescope": "autograder gradescope ../autograder.zip --topic 03_nn",
        "similar": "autograder similar graded",
        "nbgrader": "autograder nbgrader init ../nbcourse",
        "demo": "autograder demo",
        "doctor": "autograder doctor",
    },
    "authors": {
        "new": "autograder new 12_attention",
        "verify": "autograder verify 03_nn --seeds 20",
    },
}
SHELLS = ("bash", "zsh")
_TOPICS = {"bash": "_autograder_topics", "zsh": "_path_files -W exercises -/"}
_PREAMBLE = {"bash": '_autograder_topics() { compgen -W "$(ls exercises 2>/dev/null)" -- "$1"; }'}


class ByGroup(argparse.RawDescriptionHelpFormatter):
    """Leaves the commands out, which stand in their groups at the end."""

    def _format_action(self, action: argparse.Action) -> str:
        return "" if isinstance(action, argparse._SubParsersAction) else super()._format_action(action)


def lay_out(parser: argparse.ArgumentParser) -> None:
    """Give the whole parser's help its groups, and each command's help what it does and its example."""
    parser.formatter_class = ByGroup
    said = {}
    for name, sentence, command in _commands(parser):
        said[name] = sentence
        for _, words, each in ((name, sentence, command), *_commands(command)):
            each.formatter_class = argparse.RawDescriptionHelpFormatter
            each.description = each.description or textwrap.fill(f"{words[:1].upper()}{words[1:]}.", _columns())
            each.epilog = f"example:\n  {_examples()[name]}" if name in _examples() else None
    groups = {f"for {whose}": [name for name in examples if name in said] for whose, examples in GROUPS.items()}
    groups["others"] = [name for name in said if name not in _examples()]
    wide = max(map(len, said)) + 4
    parts = [
        "\n".join([f"{title}:", *(_line(name, said[name], wide) for name in names)]) for title, names in groups.items() if names
    ]
    parser.epilog = "\n\n".join([*parts, "`autograder COMMAND --help` says more of a command, with an example."])


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """The commands below: their names, what their help says, their parsers."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            sentences = {each.dest: each.help or "" for each in action._choices_actions}
            yield from ((name, sentences.get(name, ""), command) for name, command in action.choices.items())


def _examples() -> dict[str, str]:
    return {name: example for examples in GROUPS.values() for name, example in examples.items()}


def _line(name: str, sentence: str, wide: int) -> str:
    text = f"  {name}".ljust(wide) + sentence
    return textwrap.fill(text, _columns(), subsequent_indent=" " * wide)


def _columns() -> int:
    return max(shutil.get_terminal_size().columns - 2, 40)  # as argparse has it


class Version(argparse.Action):
    """`--version`: the kit's, and torch's without importing it."""

    def __init__(self, option_strings: list[str], **_: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help="the kit's version, and those it runs with")

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Say it, and end."""
        print(versions.told())  # noqa: T201  the command's own output
        parser.exit()


class Completion(argparse.Action):
    """`--print-completion SHELL`: what a shell reads to complete commands, options, topics and files."""

    def __init__(self, option_strings: list[str], **_: Any) -> None:
        super().__init__(
            option_strings, argparse.SUPPRESS, choices=SHELLS, help="a script with which the shell completes commands"
        )

    def __call__(self, parser: argparse.ArgumentParser, _: object, shell: Any, __: object = None) -> None:
        """Say it, and end."""
        import shtab  # noqa: PLC0415  only this needs it

        for command in (below for _, _, each in _commands(parser) for below in (each, *(c for _, _, c in _commands(each)))):
            for action in command._actions:
                if action.dest == "topic":
                    vars(action)["complete"] = _TOPICS
                elif action.type is Path:
                    vars(action)["complete"] = shtab.FILE
        print(shtab.complete(parser, shell, preamble=_PREAMBLE.get(shell, "")))  # noqa: T201  the command's own output
        parser.exit()
