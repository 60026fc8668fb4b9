"""The results of a topic's tasks over the rounds of `autograder watch`, and which task comes next."""

from __future__ import annotations

from dataclasses import replace

from autograder.course import Topic
from autograder.feedback.watch_screen import TaskView
from autograder.results import CheckResult


class TaskViews:
    """The results of a topic's tasks, in its order; of tasks not checked yet in this round, those of the last one."""

    def __init__(self, topic: Topic, before: TaskViews | None = None) -> None:
        known = {view.id: view for view in before.views()} if before else {}
        self._views = {task.id: known.get(task.id, TaskView(task.id)) for task in topic.tasks}
        self._were_done: frozenset[str] = frozenset(known) & before._were_done if before else frozenset()

    def begin(self) -> None:
        """A round begins."""
        self._were_done |= self.done()

    def put(self, task: str, results: tuple[CheckResult, ...]) -> None:
        """A task's results have come."""
        if task in self._views:
            self._views[task] = replace(self._views[task], results=results)

    def views(self) -> tuple[TaskView, ...]:
        """All tasks."""
        return tuple(self._views.values())

    def done(self) -> frozenset[str]:
        """The tasks whose checks all pass."""
        return frozenset(view.id for view in self.views() if view.done)

    def no_longer_done(self) -> list[TaskView]:
        """Tasks that were done before and are open now."""
        return [view for view in self.views() if view.id in self._were_done and not view.done]

    def open(self) -> list[str]:
        """The tasks that are not done."""
        return [view.id for view in self.views() if not view.done]

    def first_open(self, focus: str = "") -> str:
        """`focus` while it is open, then the first open task, or ""."""
        return focus if focus in self.open() else next(iter(self.open()), "")

    def next_open(self, focus: str) -> str:
        """The first open task behind `focus`, or ""."""
        names = list(self._views)
        behind = names[names.index(focus) + 1 :] if focus else []
        return next((name for name in behind if name in self.open()), "")

    def order(self, focus: str) -> list[str]:
        """All tasks: `focus`, the open ones from there on and from the top, then the others."""
        names, waiting = list(self._views), self.open()
        start = names.index(focus) if focus else 0
        turned = names[start:] + names[:start]
        return sorted(turned, key=lambda name: (name != focus, name not in waiting))
