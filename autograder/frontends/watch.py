"""`autograder watch`: the first open task's message at every save, from a process in which torch is warm.

One loop waits for saves, keys and results, whichever comes first, and shows what there is to see: in a terminal by redrawing
the screen, elsewhere as lines.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from autograder.course import Course, Topic
from autograder.errors import KitError
from autograder.frontends.progress import Done
from autograder.language import say
from autograder.sandbox import server_main

if TYPE_CHECKING:
    from autograder.frontends.saves import Bell
    from autograder.frontends.terminal import Terminal
    from autograder.frontends.watch_session import Session


def watch(course: Course, name: str = "") -> None:
    """Check now and after every save, until the learner ends it; `name` is the topic to begin with, or ""."""
    if not hasattr(os, "fork"):
        raise KitError("watching needs a system that can fork a process (Linux, macOS): run `autograder check` instead")
    topic = course.topic(name) if name else _first(course)
    _say("autograder watch: PyTorch is starting …")
    server_main.one_thread()
    from autograder.frontends import saves, terminal, watch_session  # noqa: PLC0415  imports torch

    with contextlib.closing(saves.Bell(course.root)) as bell, terminal.opened() as screen:
        with contextlib.closing(watch_session.Session(course, topic)) as session:
            _loop(session, bell, screen)
        topics = session.view().topics
    done, total = sum(each[1] for each in topics), sum(each[2] for each in topics)
    _say(f"{done} of {total} tasks of the course are done. Go on with `autograder watch`.")


def _first(course: Course) -> Topic:
    """The first topic with an open task, as far as is noted, or the first one."""
    return Done(course.root).first_open(course) or course.topics[0]


def _loop(session: Session, bell: Bell, screen: Terminal | None) -> None:
    from autograder.feedback import watch_screen  # noqa: PLC0415  other commands need not wait for it

    while not session.ended:
        if screen:
            columns, rows = screen.size()
            screen.draw(watch_screen.screen(session.view(columns), columns, rows, colour="NO_COLOR" not in os.environ))
        if session.news:
            if not screen:
                _report(session)
            session.news = False
            if session.advance():
                continue
        running = session.rounds.fileno()
        heard = [bell.fileno(), *([running] if running >= 0 else []), *([sys.stdin.fileno(), screen.changed] if screen else [])]
        ready, _, _ = select.select(heard, [], [], session.rounds.seconds_left() if running >= 0 else None)
        if screen and sys.stdin.fileno() in ready:
            for letter in screen.typed():
                session.key(letter)
        elif bell.fileno() in ready:
            bell.take()
            session.saved()
        elif running in ready or not ready:
            session.heard()


def _report(session: Session) -> None:
    """A round's end as lines, where nothing can be redrawn and no key pressed."""
    from autograder.feedback import watch_screen  # noqa: PLC0415  other commands need not wait for it

    view = session.view()
    focus = next((task for task in session.topic.tasks if task.id == view.focus), None)
    hint = f"  Stuck? autograder hint {session.course.called(session.topic, focus)}" if focus and not view.fault else ""
    for text, _ in watch_screen.answer(replace(view, hint=hint), watch_screen.WIDEST):
        print(text)  # noqa: T201  the command's own output
    for note in view.notes:
        _say(note)
    if not view.fault:
        _say(watch_screen.count(view))
    _say(f"checked in {view.seconds:.2f} s; waiting for a save (Ctrl-C ends)")


def _say(text: str) -> None:
    print(say(text), flush=True)  # noqa: T201  the command's own output
