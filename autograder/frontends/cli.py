"""The command `autograder`: all commands and their options.

Exit codes: 0 done, 1 some check failed, 2 the command could not do its work.
"""

from __future__ import annotations

import argparse
import gc
import os
import select
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from autograder import language, versions
from autograder.errors import KitError
from autograder.feedback import exports
from autograder.frontends import usage
from autograder.frontends.commands import authors, common, comparing, exporting, grading, handing_out, learners

URL = "nbgrader's gradebook: an SQLite file, or postgresql+psycopg2://USER:PASSWORD@HOST/DATABASE"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a KitError is one line on stderr and exit code 2."""
    options = parser().parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as with Ctrl-C: nothing stays behind
    try:
        language.use(options.lang)
        if options.run is not handing_out.doctor and (untried := versions.untried()):
            common.tell(untried)
        code: int = options.run(options)
        print(end="", flush=True)  # noqa: T201  what is left of the command's own output
    except BrokenPipeError:
        if not _unread():
            raise
        # As behind `| head`, see docs.python.org/3/library/signal.html#note-on-sigpipe: Python flushes once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KitError as error:
        print(f"autograder: {error}", file=sys.stderr)  # noqa: T201  the command's own output
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        gc.freeze()  # Python looks through all objects before it ends, and torch has many
    return code


def _unread() -> bool:
    """Whether nobody reads the command's output any more."""
    asked = select.poll()
    asked.register(sys.stdout.fileno(), 0)
    return any(state & select.POLLERR for _, state in asked.poll(0))


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    parser = argparse.ArgumentParser(prog="autograder", description="Exercises in PyTorch that grade themselves.")
    parser.add_argument("--lang", default="", help=f"the language for learners: {', '.join(language.LANGUAGES)} "
                        f"(default: ${language.VARIABLE}, or the locale's)")  # fmt: skip
    parser.add_argument("--version", action=usage.Version)
    parser.add_argument("--print-completion", action=usage.Completion)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="run the public checks of a topic or a task, or show the course at a glance")
    check.add_argument("topic", nargs="?", metavar="TOPIC")
    check.add_argument("task", nargs="?", metavar="TASK")
    check.set_defaults(run=learners.check)

    watch = commands.add_parser("watch", help="check at every save, and show the first open task")
    watch.add_argument("topic", nargs="?", default="", metavar="TOPIC", help="where to begin (default: the first one to do)")
    watch.set_defaults(run=learners.watch)

    hint = commands.add_parser("hint", help="show a task's next hint")
    hint.add_argument("topic", nargs="?", default="", metavar="TOPIC", help="where several topics have a task of that name")
    hint.add_argument("task", metavar="TASK")
    which = hint.add_mutually_exclusive_group()
    which.add_argument("--all", dest="which", action="store_const", const="all", default="next", help="all hints at once")
    which.add_argument("--again", dest="which", action="store_const", const="again", help="the hint shown last, once more")
    which.add_argument("--reset", dest="which", action="store_const", const="first", help="from the first hint again")
    hint.set_defaults(run=learners.hint)

    grade = commands.add_parser("grade", help="grade a folder of submissions with the hidden suite")
    grade.add_argument("submissions", type=Path, metavar="SUBMISSIONS")
    grade.add_argument("--topic", default="", help="the topic that was handed in (default: those that the files' names tell)")
    grade.add_argument("--out", type=Path, required=True, help="folder for results/NAME.json and scores.csv")
    grade.add_argument("--roster", type=Path, metavar="FILE",
                       help="a CSV file of the class (id, name, email, section; extension or deadline): whose is what, "
                       "who has handed in nothing, who has more time")  # fmt: skip
    grade.add_argument("--seed", type=int, metavar="N",
                       help="for tests and repeats: hidden inputs that follow from N, which can be guessed "
                       "(default: from a secret, drawn once for each OUT and kept in OUT/secret)")  # fmt: skip
    grade.add_argument(
        "--cleared",
        action="append",
        default=[],
        metavar="NAME",
        help="a suspicious submission that you have looked at: believe what its process tells of itself, "
        "as long as it is the same",
    )
    grade.add_argument("--json", action="store_true", help="print each result as a line of JSON, in the place of the table")
    grade.add_argument("--quiet", action="store_true", help="say nothing but what is wrong")
    grade.add_argument("--gradebook", metavar="URL", help=f"also write the scores into {URL}")
    grade.add_argument("--export", action="append", default=[], choices=[name for name in exports.ABOUT if name != "canvas"],
                       help="also write OUT/exports/FORMAT: see `autograder export`")  # fmt: skip
    grade.set_defaults(run=grading.grade)

    regrade = commands.add_parser("regrade", help="after a suite was mended: show whose score changes, then take it over")
    regrade.add_argument("out", type=Path, metavar="OUT")
    regrade.add_argument("--write", action="store_true", help="take the results over into OUT (a gradebook is not written)")
    regrade.set_defaults(run=_regrade, quiet=False)

    report = commands.add_parser("report", help="make the class's tables and pages again from OUT")
    report.add_argument("out", type=Path, metavar="OUT")
    report.set_defaults(run=grading.report)

    gradebook = commands.add_parser("gradebook", help="write the scores in OUT into nbgrader's gradebook")
    gradebook.add_argument("out", type=Path, metavar="OUT")
    gradebook.add_argument("url", metavar="URL", help=URL)
    gradebook.set_defaults(run=grading.gradebook)

    export = commands.add_parser("export", help="write the results in OUT in another program's form")
    export.add_argument("out", type=Path, metavar="OUT")
    export.add_argument("format", choices=list(exports.ABOUT), help="; ".join(f"{a}: {b}" for a, b in exports.ABOUT.items()))
    export.add_argument("--to", type=Path, metavar="DIR", help="where to (default: OUT/exports/FORMAT)")
    export.add_argument("--from", dest="given", type=Path, metavar="CSV", help="what Canvas or Moodle has exported, to fill in")
    export.add_argument("--column", default="", help="the column of that gradebook (default: the one named after the topic)")
    export.add_argument("--topic", default="", help="where OUT has results on several topics")
    export.set_defaults(run=exporting.export)

    gradescope = commands.add_parser("gradescope", help="make an autograder for Gradescope")
    gradescope.add_argument("dest", type=Path, metavar="DEST", help="the zip to write, which holds solution and hidden suite")
    gradescope.add_argument("--topic", required=True)
    gradescope.set_defaults(run=exporting.gradescope)

    similar = commands.add_parser("similar", help="show which submissions in OUT are suspiciously alike: advice, never a score")
    similar.add_argument("out", type=Path, metavar="OUT")
    similar.set_defaults(run=comparing.similar)

    new = commands.add_parser("new", help="make a topic's files, or add tasks to one: fill in each TODO(author), then verify")
    new.add_argument("topic", metavar="TOPIC", help="two digits and a word, as in 12_attention")
    new.add_argument("tasks", nargs="*", metavar="TASK", help="functions' names (default: the topic's word)")
    new.set_defaults(run=authors.new)

    verify = commands.add_parser("verify", help="prove that suites, solutions, stubs and mutants fit together")
    verify.add_argument("topics", nargs="*", metavar="TOPIC", help="what is proved (default: all)")
    verify.add_argument(
        "--seeds", type=_positive, help="seeds that the solution must pass (default 5, and trains under 2 of them)"
    )
    verify.add_argument("--workers", type=_positive, default=os.cpu_count(), help="processes (default: one a processor)")
    verify.add_argument("--json", action="store_true", help="print a line of JSON for each topic, in the place of the tables")
    verify.add_argument("--undiagnosed", action="store_true", help="also list the mutants that grading does not name")
    verify.add_argument("--thorough", action="store_true",
                        help="ask each mutant for every task, not for those alone that can come to what it changes; "
                             "have the alternatives train as submissions do")  # fmt: skip
    verify.set_defaults(run=authors.verify, cluster="")

    release = commands.add_parser("release", help="make the student kit: the exercises without what grades them")
    release.add_argument("dest", type=Path, metavar="DEST", help="a new folder; with --update, one with an older kit")
    release.add_argument("--topic", action="append", default=[], help="once for each topic to hand out (default: all)")
    release.add_argument("--lang", dest="language", default=language.ENGLISH,
                         help=f"of stubs' docstrings and notebooks: {', '.join(language.LANGUAGES)} (default en; "
                              "--update keeps DEST's)")  # fmt: skip
    how = release.add_mutually_exclusive_group()
    how.add_argument("--zip", action="store_true", help="one zip file in the place of a folder")
    how.add_argument("--update", action="store_true", help="renew checks and lessons in DEST, and leave the student's work alone")
    release.set_defaults(run=handing_out.release)

    demo = commands.add_parser("demo", help="grade the bundled sample submissions")
    demo.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for the results (default out/demo)")
    demo.set_defaults(run=grading.demo, seed=0, cluster="", cleared=[], json=False, quiet=False, zero_unreadable=None)

    for command in (grade, regrade, demo):
        by = command.add_mutually_exclusive_group()
        by.add_argument("--workers", type=_positive, help="grading processes (default: the processors, or fewer for few)")
        if command is not demo:
            by.add_argument("--cluster", default="", metavar="ADDRESS", help="grade on the workers of the Dask scheduler there")
    for command in (grade, demo):
        command.add_argument("--force", action="store_true", help="grade also what OUT has a result of, and with other settings")
    for command in (grade, report, gradebook):
        command.add_argument("--zero-unreadable", action=argparse.BooleanOptionalAction,
                             help="whether what cannot be read counts as zero, from now on (at first: no score)")  # fmt: skip

    for command in (grade, verify, demo):
        command.add_argument("--isolation", choices=("full", "reduced"), default="full", help="least confinement to accept")
        command.add_argument("--device", choices=("simulated", "cuda"), default="simulated",
                             help="cuda: besides, on this machine's GPUs, whose driver needs --isolation reduced")  # fmt: skip
        command.add_argument("--data", default="", help="images to train on: auto, official, embedded, or a path")
        command.add_argument("--download", action="store_true", help="download the official archive if it is not there")
        command.add_argument("--budget", default="", help="the budget to train with, from course.yaml")

    nbgrader = commands.add_parser("nbgrader", help="use the course in nbgrader")
    init = nbgrader.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "init", help="make an nbgrader course with a notebook for every topic"
    )
    init.add_argument("folder", type=Path, metavar="DIR")
    init.add_argument("--force", action="store_true", help="lose what was edited in the notebooks")
    init.set_defaults(run=handing_out.nbgrader_init)

    doctor = commands.add_parser("doctor", help="say what this machine offers for grading")
    doctor.set_defaults(run=handing_out.doctor)
    for command in (check, watch, hint):  # behind which learners write it as well
        command.add_argument("--lang", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    usage.lay_out(parser)
    return parser


def _regrade(options: argparse.Namespace) -> int:
    from autograder.frontends.commands import regrading  # noqa: PLC0415  it brings what other commands need not wait for

    return regrading.regrade(options)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value
