"""What `autograder watch` knows and does: which topic and task one is at, what a save, a key and a result mean.

The task in focus is checked first after each save, then the other open ones, then those that were done: so that the answer
comes at once, and what no longer passes is noticed. Once the focus is done it goes to the first open task, once the topic is
done to the next topic.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import time

from autograder import course
from autograder.checks import misplaced
from autograder.course import Course, Task, Topic
from autograder.errors import KitError
from autograder.feedback.watch_screen import View
from autograder.frontends import hints, reset, saves
from autograder.frontends.progress import Done
from autograder.frontends.watch_round import Event, Rounds
from autograder.frontends.watch_tasks import TaskViews
from autograder.language import say

PRESS = "press h for a hint, and again for the next one"


class Session:
    """One sitting. `ended` says that it is over, `view` what is to be seen, `news` that a round has come to its end."""

    def __init__(self, found: Course, topic: Topic) -> None:
        self.course, self.ended, self.news = found, False, False
        self._done = Done(found.root)
        self._question, self._everything, self._told = "", False, ""
        self._enter(topic)

    def _enter(self, topic: Topic) -> None:
        """Go to a topic: all its tasks are checked, in order."""
        self.topic, self._results, self._focus = topic, TaskViews(topic), topic.tasks[0].id
        self._printed: dict[str, str] = {}
        self._seen = saves.seen(topic)
        self._course_fault = ""
        self.rounds = Rounds(topic)
        with contextlib.suppress(OSError, KitError):  # then there is nothing to go back to, and `r` says so
            reset.remember(topic)
        _import(topic)
        self._check()

    def close(self) -> None:
        """End all processes."""
        self.rounds.close()

    # What happens ------------------------------------------------------------------------------------------------------

    def saved(self) -> None:
        """Something has been written: check again if it was one of the topic's files, or course.yaml."""
        before, self._seen = self._seen, saves.seen(self.topic)
        changed = {path for path in before.keys() | self._seen.keys() if before.get(path) != self._seen.get(path)}
        if not changed:
            return
        self._told, self._everything = "", False
        if self.course.root / course.COURSE_FILE in changed:
            self._read_course()
        if any(path.name.startswith("test_") or path.name == course.COURSE_FILE for path in changed):
            self.rounds.close()  # the waiting process has read the old ones
            self.rounds = Rounds(self.topic)
        self._check()

    def heard(self) -> None:
        """The process that checks has said something, or has taken too long."""
        for event in self.rounds.events():
            self._take(event)

    def key(self, letter: str) -> None:
        """A key was pressed."""
        question, self._question = self._question, ""
        if question:
            if letter.lower() == "y":
                self._reset()
        elif letter in "qQ\x04":
            self.ended = True
        elif letter in "aA":
            self._everything = not self._everything
        elif letter in "hH" and self._focus:
            self._everything = False  # it is seen beside the task
            self._next_hint()
        elif letter in "nN":
            self._next()
        elif letter in "rR" and self._focus:
            self._ask_to_reset()

    # What is to be seen ------------------------------------------------------------------------------------------------

    def view(self, width: int = hints.WIDEST) -> View:
        """Everything that a screen of that many columns shows."""
        broken = [task.id for task in self._results.no_longer_done() if task.id != self._focus]
        lost = f"No longer right: {', '.join(broken)}." if broken and self._focus else ""
        notes = tuple(note for note in (self._told, self._course_fault, lost) if note)
        topics = tuple((topic.name, len(self._done.tasks(topic)), len(topic.tasks)) for topic in self.course.topics)
        return View(self.topic.name, self.topic.title, self._results.views(), self._focus, self._fault,
                    self._printed.get(self._focus, ""), self._hint(width), notes, self._question, self._everything, topics,
                    self._working, self._seconds)  # fmt: skip

    def _hint(self, width: int) -> str:
        task = self._task()
        if task is None or self._fault:
            return ""
        shown = hints.Progress(self.course.root).shown(self.topic, task)
        if not shown:
            more = f"Stuck? {PRESS} ({len(task.hints)} in all)"
            return "  " + say(more if len(task.hints) > 1 else "Stuck? press h for a hint")
        return f"  {say(f'Hint {shown} of {len(task.hints)}')}\n\n{hints.laid_out(say(task.hints[shown - 1]), width)}"

    def _task(self) -> Task | None:
        return self.topic.task(self._focus) if self._focus else None

    # What is done ------------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        self._started, self._seconds, self._fault, self.news = time.monotonic(), 0.0, _absent(self.course, self.topic), False
        self._working = not self._fault
        if self._fault:
            self.rounds.stop()
            self.news = True
        else:
            self._results.begin()
            self.rounds.begin(self._results.order(self._focus))

    def _take(self, event: Event) -> None:
        if "fault" in event:
            self._fault, self._working, self._seconds, self.news = event["fault"], False, self._since(), True
        elif "task" in event:
            self._results.put(event["task"], tuple(event["checks"]))
            self._printed[event["task"]] = event["printed"]
            if event["task"] == self._focus:
                self._seconds = self._since()
                self._focus = self._results.first_open(self._focus)
        else:
            self._finish()
        if not self._working or self._seconds:
            self.rounds.prepare()

    def _finish(self) -> None:
        """A round is over: note what is done, and go to the next topic if that is all."""
        self._working, self.news = False, True
        self._seconds = self._seconds or self._since()
        self._focus = self._focus or self._results.first_open()
        try:
            self._done.keep(self.topic, self._results.done())
        except OSError as error:
            self._told = f"(Which tasks are done could not be noted: {error.strerror}.)"
        if not self._focus and self._done.first_open(self.course, self.topic) is None:
            self._told = "All topics are done: hand in your files."

    def advance(self) -> bool:
        """After a round in which all tasks passed: go to the next topic, if there is one."""
        if self._working or self._focus or self._fault:
            return False
        following = self._done.first_open(self.course, self.topic)
        if following is not None:
            done = f"{self.topic.name}: all {len(self.topic.tasks)} tasks pass their public checks."
            self._go(following, f"{done} Now {_lesson(following)}")
        return following is not None

    def _go(self, topic: Topic, told: str) -> None:
        self.rounds.close()
        self._told = told
        self._enter(topic)

    def _since(self) -> float:
        return time.monotonic() - self._started

    def _read_course(self) -> None:
        try:
            found = course.load(self.course.root)
            topic = found.topic(self.topic.name)
        except KitError as error:
            self._course_fault = f"{error} (Checked with course.yaml as it was before.)"
            return
        self.course, self.topic, self._course_fault = found, topic, ""
        self._results = TaskViews(topic, self._results)
        if self._focus not in [task.id for task in topic.tasks]:
            self._focus = self._results.first_open()

    def _next(self) -> None:
        """The next open task of the topic; behind its last one, the next topic's."""
        following = self._results.next_open(self._focus)
        if following:
            self._focus = following
        elif topic := self._done.first_open(self.course, self.topic):
            self._go(topic, f"Now {_lesson(topic)}")
        else:
            self._focus = self._results.first_open()

    def _next_hint(self) -> None:
        task, progress = self._task(), hints.Progress(self.course.root)
        if task:
            try:
                progress.keep(self.topic, task, min(progress.shown(self.topic, task) + 1, len(task.hints)))
            except OSError as error:
                self._told = f"(Hints need a note of which you have seen, which cannot be written: {error.strerror}.)"

    def _ask_to_reset(self) -> None:
        try:
            name = reset.owner(self.topic, self._focus)
            self._question = f"Put {name} back to the stub? The text of now is kept beside {self.topic.module}."
        except KitError as error:
            self._told = f"{error}."

    def _reset(self) -> None:
        try:
            kept = reset.reset(self.topic, self._focus)
        except KitError as error:
            self._told = f"{error}."
            return
        self.saved()  # seen now, or the save would be taken for the learner's, and what is told be gone at once
        self._told = f"The text of before is in {kept.name}."


def _lesson(topic: Topic) -> str:
    return f"{topic.name}; its lesson is exercises/{topic.name}/README.md."


def _absent(here: Course, topic: Topic) -> str:
    """Why there is nothing to check, in one sentence, or ""."""
    try:
        stub, name = topic.stub, f"exercises/{topic.name}/{topic.module}"
    except KitError:
        return f"exercises/{topic.name} has no public checks (one test_MODULE.py): waiting for them."
    if stub.is_dir():
        return f"{name} is a folder: waiting for the file."
    return misplaced.reason(here, topic) if stub.exists() else f"{name} is not there, deleted or renamed: waiting for it."


def _import(topic: Topic) -> None:
    """Import now what the topic's processes would otherwise import one after the other."""
    from autograder.images.torchvision_shim import import_module  # noqa: PLC0415  after server_main has set what torch reads

    for name in topic.warm:
        if name not in sys.modules:
            import_module(name)
    gc.collect()
    gc.freeze()  # or the first collection of each process copies every page that it shares
