"""What a self-check tells at its end: each open task once, then a table of the tasks and what to do next.

All of it is made from the reports, in the process that has the terminal: with pytest-xdist the checks run in others, so
what it needs travels in an attribute of each report.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from autograder import course, language
from autograder.course import Topic
from autograder.feedback import pictures, summary
from autograder.feedback.summary import CheckState, TaskState, Tone, TopicState
from autograder.language import say
from autograder.results import CheckResult, Status
from autograder.text import columns

NAME = "autograder.telling"  # of the plugin
_ATTRIBUTE = "autograder"  # of a report: an Outcome as a dict of plain values
_MARKUP = {Tone.TITLE: {"bold": True}, Tone.DONE: {"green": True}, Tone.TODO: {"yellow": True}, Tone.WRONG: {"red": True}}
_DEFAULT_CHARS = "fE"  # what pytest lists at the end unless -r asks for something else


@dataclass(frozen=True)
class Outcome:
    """What became of one public check; `fault` says why its module cannot be checked at all, or is ""."""

    root: str
    topic: str
    task: str
    function: str
    line: int
    status: str
    title: str
    message: str
    detail: str
    diagnosis: str
    fault: str

    @property
    def state(self) -> CheckState:
        """The check for a summary."""
        result = CheckResult(Status(self.status), self.title, self.message, self.detail, self.diagnosis)
        return CheckState(self.function, self.line, result)


def put(report: pytest.TestReport, outcome: Outcome) -> None:
    """Let the outcome travel with its report."""
    setattr(report, _ATTRIBUTE, asdict(outcome))


def explain(task: str, result: CheckResult, called: str) -> str:
    """A failed check for a learner's terminal; `called` is what `autograder hint` knows its task by."""
    if result.status is Status.MISSING:
        lines = [f"{task}: {say('not done yet')}", f"  {say(f'Expected: it {result.title}.')}", f"  {say(result.message)}"]
    else:
        lines = [f"{task}: {say(str(result.status))}", f"  {say(f'Expected: it {result.title}.')}"]
        lines += [f"  {say(text)}" for text in (result.message, result.detail, result.diagnosis) if text]
    drawn = pictures.lines(result.picture, shutil.get_terminal_size().columns - 4) if result.picture else []
    return "\n".join([*lines, *(f"    {line}" for line in drawn), f"  {say(f'Stuck? autograder hint {called}')}"])


class Telling:
    """Gathers the outcomes of a run, and tells them."""

    def __init__(self) -> None:
        self._told: list[tuple[pytest.TestReport, Outcome]] = []
        self._topics: list[TopicState] = []
        self.courses: dict[str, course.Course] = {}  # by root, those that were read for the checks

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what travelled with a report."""
        if kept := getattr(report, _ATTRIBUTE, None):
            self._told.append((report, Outcome(**kept)))

    def topics(self) -> list[TopicState]:
        """How far each topic of this run is, in the course's order."""
        by_root: dict[str, dict[str, list[Outcome]]] = defaultdict(lambda: defaultdict(list))
        for _, outcome in self._told:
            by_root[outcome.root][outcome.topic].append(outcome)
        found = []
        for root, by_topic in by_root.items():
            here = self.courses.get(root) or course.load(Path(root))
            language.use(root=here.root)
            found += [_topic_state(here, topic, by_topic[topic.name]) for topic in here.topics if topic.name in by_topic]
        return found

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fold what pytest is about to print: one message a task, or one a module that cannot be checked."""
        reporter: pytest.TerminalReporter | None = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or not self._told:
            return
        self._topics = self.topics()
        for topic in self._topics:
            of_topic = [(report, outcome) for report, outcome in self._told if outcome.topic == topic.name]
            failed = sorted((pair for pair in of_topic if _is_open(pair[1])), key=lambda pair: pair[1].line)
            for task in topic.tasks:
                _fold([report for report, outcome in failed if topic.fault or outcome.task == task.task], topic, task)
        ours = {id(report) for report, outcome in self._told if outcome.status != Status.BROKEN}
        listed = [*reporter.stats.get("failed", ()), *reporter.stats.get("error", ())]
        if session.config.option.reportchars == _DEFAULT_CHARS and all(id(report) in ours for report in listed):
            reporter.reportchars = reporter.reportchars.translate(dict.fromkeys(map(ord, _DEFAULT_CHARS)))  # the table says it

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """The table."""
        if not self._topics or config.getoption("no_summary", default=False):
            return
        names = ", ".join(topic.name for topic in self._topics)
        title = say(f"public checks of {names}" if len(self._topics) == 1 else "public checks")
        wide = columns(title) - len(title)  # pytest counts letters, of which a Chinese one takes two columns
        terminalreporter.write_sep("=", title, fullwidth=config.get_terminal_writer().fullwidth - wide, bold=True)
        for line in summary.table(self._topics, config.get_terminal_writer().fullwidth):
            terminalreporter.write_line(line.text, **_MARKUP.get(line.tone, {}))


def _is_open(outcome: Outcome) -> bool:
    return outcome.status not in (Status.PASSED, Status.BROKEN)


def _topic_state(here: course.Course, topic: Topic, outcomes: list[Outcome]) -> TopicState:
    ran: dict[str, list[CheckState]] = defaultdict(list)
    for outcome in outcomes:
        ran[outcome.task].append(outcome.state)
    fault = outcomes[0].fault if all(outcome.fault for outcome in outcomes) else ""
    return summary.topic_state(here, topic, ran, fault)


def _fold(reports: list[Any], topic: TopicState, task: TaskState) -> None:
    """Let the first of the reports speak for all of them, in the list of failures."""
    for report in reports[1:]:
        report._pdbshown = True  # by which pytest knows a failure that was shown already; there is no public way
    if not reports or topic.fault or not isinstance(reports[0].longrepr, str):
        return
    *said, stuck = reports[0].longrepr.splitlines()
    also = [
        f"  {say(f'Also: It {other.title}. {_first_line(other, task)}')}"
        for other in task.others
        if other.status is not Status.BROKEN
    ]
    reports[0].longrepr = "\n".join([*said, *[f"  {say(task.cause)}"] * bool(task.cause), *dict.fromkeys(also), stuck])


def _first_line(result: CheckResult, task: TaskState) -> str:
    text = " ".join(result.message.split()) or f"{result.status}."
    if task.failure is not None and text == " ".join(task.failure.message.split()):
        return "The same message."
    if len(text) <= 120:
        return text
    said = say(text)  # while it is whole: no language knows a piece of it
    return said if len(said) <= 120 else said[:119] + "…"


def fault_text(fault: str) -> str:
    """A module that cannot be checked, for a learner's terminal."""
    return f"{say(fault)}\n  {say('No task of it can be checked until that is mended.')}"
