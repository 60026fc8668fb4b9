"""The command `autograder`. Exit codes: 0 done, 1 some check failed, 2 the command could not do its work."""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autograder import course, language, secret, versions
from autograder.errors import KitError
from autograder.frontends import hints
from autograder.results import SubmissionStatus
from autograder.sandbox.server import Server, import_quickly

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from autograder.grading.grade import Plan
    from autograder.results import Report
    from autograder.submission.handed_in import Submission

URL = "nbgrader's gradebook: an SQLite file, or postgresql+psycopg2://USER:PASSWORD@HOST/DATABASE"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a KitError is one line on stderr and exit code 2."""
    options = _parser().parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as with Ctrl-C: nothing stays behind
    try:
        language.use(options.lang)
        if options.run is not _doctor and (untried := versions.untried()):
            _tell(untried)
        code: int = options.run(options)
    except KitError as error:
        print(f"autograder: {error}", file=sys.stderr)  # noqa: T201  the command's own output
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        gc.freeze()  # Python looks through all objects before it ends, and torch has many
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="autograder", description="Exercises in PyTorch that grade themselves.")
    parser.add_argument("--lang", default="", help=f"the language for learners: {', '.join(language.LANGUAGES)} "
                        f"(default: ${language.VARIABLE}, or the locale's)")  # fmt: skip
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="run the public checks of a topic or a task, or show the course at a glance")
    check.add_argument("topic", nargs="?", metavar="TOPIC")
    check.add_argument("task", nargs="?", metavar="TASK")
    check.set_defaults(run=_check)

    watch = commands.add_parser("watch", help="check at every save, and show the first open task")
    watch.add_argument("topic", nargs="?", default="", metavar="TOPIC", help="where to begin (default: the first one to do)")
    watch.set_defaults(run=_watch)

    hint = commands.add_parser("hint", help="show a task's next hint")
    hint.add_argument("topic", nargs="?", default="", metavar="TOPIC", help="where several topics have a task of that name")
    hint.add_argument("task", metavar="TASK")
    which = hint.add_mutually_exclusive_group()
    which.add_argument("--all", dest="which", action="store_const", const="all", default="next", help="all hints at once")
    which.add_argument("--again", dest="which", action="store_const", const="again", help="the hint shown last, once more")
    which.add_argument("--reset", dest="which", action="store_const", const="first", help="from the first hint again")
    hint.set_defaults(run=_hint)

    grade = commands.add_parser("grade", help="grade a folder of submissions with the hidden suite")
    grade.add_argument("submissions", type=Path, metavar="SUBMISSIONS")
    grade.add_argument("--topic", required=True)
    grade.add_argument("--out", type=Path, required=True, help="folder for results/NAME.json and scores.csv")
    grade.add_argument("--workers", type=_positive, default=1, help="grading processes (default 1)")
    grade.add_argument("--seed", type=int, metavar="N",
                       help="for tests and repeats: hidden inputs that follow from N, which can be guessed "
                       "(default: from a secret, drawn once for each OUT and kept in OUT/secret)")  # fmt: skip
    grade.add_argument(
        "--cleared",
        action="append",
        default=[],
        metavar="NAME",
        help="a suspicious submission that you have looked at: believe what its process tells of itself",
    )
    grade.add_argument("--gradebook", metavar="URL", help=f"also write the scores into {URL}")
    grade.set_defaults(run=_grade)

    report = commands.add_parser("report", help="make the class's tables and pages again from OUT")
    report.add_argument("out", type=Path, metavar="OUT")
    report.set_defaults(run=_report)

    gradebook = commands.add_parser("gradebook", help="write the scores in OUT into nbgrader's gradebook")
    gradebook.add_argument("out", type=Path, metavar="OUT")
    gradebook.add_argument("url", metavar="URL", help=URL)
    gradebook.set_defaults(run=_gradebook)

    verify = commands.add_parser("verify", help="prove that suites, solutions, stubs and mutants fit together")
    verify.add_argument("topic", nargs="?", metavar="TOPIC")
    verify.add_argument("--seeds", type=_positive, default=5, help="seeds that the solution must pass (default 5)")
    verify.add_argument("--workers", type=_positive, default=os.cpu_count(), help="processes (default: one a processor)")
    verify.add_argument("--undiagnosed", action="store_true", help="also list the mutants that grading does not name")
    verify.set_defaults(run=_verify)

    release = commands.add_parser("release", help="make the student kit: the exercises without what grades them")
    release.add_argument("dest", type=Path, metavar="DEST", help="a new folder; with --update, one with an older kit")
    release.add_argument("--topic", action="append", default=[], help="once for each topic to hand out (default: all)")
    how = release.add_mutually_exclusive_group()
    how.add_argument("--zip", action="store_true", help="one zip file in the place of a folder")
    how.add_argument("--update", action="store_true", help="renew checks and lessons in DEST, and leave the student's work alone")
    release.set_defaults(run=_release)

    demo = commands.add_parser("demo", help="grade the bundled sample submissions")
    demo.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for the results (default out/demo)")
    demo.set_defaults(run=_demo, workers=1)

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
    init.set_defaults(run=_nbgrader_init)

    doctor = commands.add_parser("doctor", help="say what this machine offers for grading")
    doctor.set_defaults(run=_doctor)
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def _here() -> course.Course:
    found = course.load(course.find_root(Path.cwd()))
    language.use(root=found.root)
    return found


def _here_with_solutions() -> course.Course:
    found = _here()
    if found.is_student_kit:
        raise KitError(f"{found.root} is a student kit, without the hidden suites that this command needs")
    return found


def _check(options: argparse.Namespace) -> int:
    found = _here()
    if not options.topic:
        return _glance(found)
    topic = found.topic(options.topic)
    selected = ["-k", topic.task(options.task).id] if options.task else []
    # Below the root, for pytest takes a `[` in a path for the start of a check's parameters.
    folder = str(topic.exercise.relative_to(found.root))
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--import-mode=importlib", *selected, folder]
    return min(subprocess.run(command, check=False, cwd=found.root).returncode, 1)  # noqa: S603  our own command


def _glance(found: course.Course) -> int:
    from rich.console import Console  # noqa: PLC0415  only commands that print tables need it

    from autograder.feedback import summary  # noqa: PLC0415  other commands need not wait for it
    from autograder.frontends import glance  # noqa: PLC0415  imports torch

    topics, console = glance.look(found), Console(highlight=False)
    for line in summary.glance(topics, console.width):
        console.print(line.text, style=glance.STYLES[line.tone], markup=False, soft_wrap=True)
    return 0 if all(topic.next is None and not topic.fault for topic in topics) else 1


def _watch(options: argparse.Namespace) -> int:
    from autograder.frontends import watch  # noqa: PLC0415  other commands need not wait for it

    watch.watch(_here(), options.topic)
    return 0


def _hint(options: argparse.Namespace) -> int:
    found = _here()
    topic, task = hints.find(found, options.topic, options.task)
    print(hints.ask(found, topic, task, hints.Which(options.which), shutil.get_terminal_size().columns))  # noqa: T201  its output
    return 0


def _plan(topic: course.Topic, options: argparse.Namespace, key: bytes) -> Plan:
    import torch  # noqa: PLC0415  other commands need not wait for it

    from autograder.grading import gpus, grade  # noqa: PLC0415  the same
    from autograder.images.training import choose  # noqa: PLC0415  the same

    isolation, training = grade.isolation_here(options.isolation, options.device), None
    found = gpus.find(torch.cuda.device_count()) if options.device == "cuda" else gpus.Gpus()
    if topic.training:
        training = choose(*topic.training.chosen(options.data, options.budget), allow_download=options.download)
    return grade.Plan(topic, key, isolation, training, gpus=found, cleared=frozenset(vars(options).get("cleared", ())))


def _grade(options: argparse.Namespace) -> int:
    found = _here_with_solutions()
    topic = found.topic(options.topic)
    with Server(topic.warm) if options.workers == 1 else contextlib.nullcontext() as server:
        import_quickly("autograder.grading.grade")  # it imports torch, as the server does meanwhile
        from autograder.feedback import out_folder  # noqa: PLC0415  other commands need not wait for it
        from autograder.submission import handed_in  # noqa: PLC0415  imports torch

        submissions = handed_in.find(options.submissions, topic, [other.name for other in found.topics], _tell)
        out = out_folder.place(options.out, topic)
        if options.gradebook:
            from autograder.frontends.nbgrader import gradebook  # noqa: PLC0415  only this option needs nbgrader

            try:
                gradebook.prepare(options.gradebook, topic, tries=1)  # before the grading, which may take long
            except gradebook.LockedError:
                _tell("another program holds the gradebook: it is written after the grading")
        plan = _plan(topic, options, out_folder.secret_of(out, options.seed))
        reports = _grade_to(plan, submissions, options, server, out)
    if options.gradebook:
        try:
            _record(options.gradebook, topic, reports)
        except KitError as error:
            raise KitError(f"{error}; the scores are in {out}: `autograder gradebook {options.out} URL` writes them") from None
    return _code(reports, out)


def _tell(text: str) -> None:
    print(f"autograder: {text}", file=sys.stderr)  # noqa: T201  the command's own output


def _record(url: str, topic: course.Topic, reports: list[Report]) -> None:
    from autograder.frontends.nbgrader import gradebook  # noqa: PLC0415  only this needs nbgrader

    gradebook.prepare(url, topic)
    written = gradebook.record(url, topic, reports)
    print(f"Gradebook: {written} submission{'s' * (written != 1)}")  # noqa: T201  its own output


def _gradebook(options: argparse.Namespace) -> int:
    from autograder.feedback import out_folder  # noqa: PLC0415  other commands need not wait for it

    for place in out_folder.places(options.out):
        topic, reports = out_folder.read(place, _here())
        _record(options.url, topic, reports)
    return 0


def _code(reports: list[Report], out: Path) -> int:
    """The exit code of a grading: 1, with a line that says why, if faults of the kit left it without any grade."""
    if not all(report.status is SubmissionStatus.BROKEN for report in reports):
        return 0
    text = f"no submission was graded: all {len(reports)} are broken, by a fault of the kit or of the hidden suite"
    _tell(f"{text}; see the messages in {out / 'results'}")
    return 1


def _grade_to(
    plan: Plan, submissions: list[Submission], options: argparse.Namespace, server: Server | None, out: Path
) -> list[Report]:
    """Grade into that place of OUT, whose tables then show all that it holds; the reports on these submissions."""
    from rich.console import Console  # noqa: PLC0415  only commands that print tables need it
    from rich.progress import Progress  # noqa: PLC0415

    from autograder.feedback import out_folder, tables  # noqa: PLC0415  imports torch
    from autograder.grading import grade  # noqa: PLC0415  imports torch

    held = {item.submission: item for item in out_folder.held(out)}
    found: dict[str, Report] = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(f"grading {plan.topic.name}", total=len(submissions))

        def keep(item: Report) -> None:
            if not found:
                out_folder.keep_secret(out, plan.key)
                out_folder.begin(out, plan.topic)
            found[item.submission] = out_folder.keep(out, item)
            progress.advance(bar)

        grade.grade(plan, submissions, keep, options.workers, server)
    everyone = [report for _, report in sorted({**held, **found}.items())]
    out_folder.finish(out, plan.topic, everyone)
    console = Console()
    console.print(tables.class_table(plan.topic, everyone))
    places = f"Results: {out / 'results'}, scores: {out / 'scores.csv'}, report: {out / 'index.html'}"
    console.print(places, soft_wrap=True)
    return [found[name] for name in sorted(found)]


def _report(options: argparse.Namespace) -> int:
    from rich.console import Console  # noqa: PLC0415  only commands that print tables need it

    from autograder.feedback import out_folder, tables  # noqa: PLC0415  imports torch

    found, console = _here(), Console()
    for place in out_folder.places(options.out):
        topic, reports = out_folder.read(place, found)
        out_folder.finish(place, topic, reports)
        console.print(tables.class_table(topic, reports))
        console.print(f"Report: {place / 'index.html'}", soft_wrap=True)
    return 0


def _verify(options: argparse.Namespace) -> int:
    found = _here_with_solutions()
    from rich.console import Console  # noqa: PLC0415  only commands that print tables need it
    from rich.progress import Progress  # noqa: PLC0415

    from autograder.grading import verify  # noqa: PLC0415  imports torch

    topics = [found.topic(options.topic)] if options.topic else list(found.topics)
    console, sound = Console(), True
    for topic in topics:
        plan = _plan(topic, options, secret.of_seed(0))
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task(f"verifying {topic.name}", total=None)
            verdict = verify.verify(topic, plan, options.seeds, options.workers, functools.partial(_advance, progress, bar))
        state = "sound" if not verdict.problems else f"{len(verdict.problems)} problems"
        console.print(f"{topic.name}: {verdict.tasks} tasks, {verdict.mutants} mutants, "
                      f"{verdict.mutants - len(verdict.undiagnosed)} diagnosed, "
                      f"{options.seeds} seeds: {state}", soft_wrap=True)  # fmt: skip
        for problem in verdict.problems:
            console.print(f"  {problem}", soft_wrap=True, markup=False)
        for remark in verdict.remarks:
            console.print(f"  remark: {remark}", soft_wrap=True, markup=False)
        for line in verdict.undiagnosed if options.undiagnosed else ():
            console.print(f"  not diagnosed: {line}", soft_wrap=True, markup=False)
        sound = sound and not verdict.problems
    return 0 if sound else 1


def _advance(progress: Progress, bar: TaskID, _: Report) -> None:
    progress.advance(bar)


def _release(options: argparse.Namespace) -> int:
    from autograder.frontends import release  # noqa: PLC0415  only this command needs it

    if options.update:
        lines = release.update(_here(), options.dest, options.topic)
    else:
        kit = release.of_course(_here_with_solutions(), options.topic)
        lines = [release.as_zip(kit, options.dest) if options.zip else release.as_folder(kit, options.dest)]
    for line in lines:
        print(line)  # noqa: T201  the command's own output
    return 0


def _demo(options: argparse.Namespace) -> int:
    from rich.console import Console  # noqa: PLC0415  only commands that print tables need it

    topic = _here_with_solutions().topic("03_nn")
    with Server(topic.warm) as server:
        import_quickly("autograder.grading.grade")  # it imports torch, as the server does meanwhile
        from autograder.feedback import out_folder, tables  # noqa: PLC0415  imports torch
        from autograder.submission import handed_in  # noqa: PLC0415  imports torch

        out = out_folder.place(options.out, topic)
        samples = handed_in.find(Path(__file__).parents[1] / "samples" / topic.name, topic)
        reports = _grade_to(_plan(topic, options, secret.of_seed(0)), samples, options, server, out)
    if code := _code(reports, out):
        return code
    half_done = next(item for item in reports if 0 < item.score < item.max_score)
    Console().print(tables.submission_table(half_done))
    return 0


def _nbgrader_init(options: argparse.Namespace) -> int:
    from autograder.frontends.nbgrader import init  # noqa: PLC0415  only this command needs it

    for line in init.create(_here_with_solutions(), options.folder, force=options.force):
        print(line)  # noqa: T201  the command's own output
    return 0


def _doctor(_: argparse.Namespace) -> int:
    from rich.console import Console  # noqa: PLC0415  only commands that print tables need it

    from autograder.frontends import doctor  # noqa: PLC0415  imports torch

    Console().print(doctor.table())
    return 0
