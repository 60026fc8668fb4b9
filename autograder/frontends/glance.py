"""`autograder check`: runs the public checks of the whole course in this process, and says only how far each topic is."""

from __future__ import annotations

import contextlib
import io

import pytest

from autograder.checks.telling import NAME, Telling
from autograder.course import Course
from autograder.errors import KitError
from autograder.feedback.summary import Tone, TopicState

STYLES = {Tone.PLAIN: "", Tone.TITLE: "bold", Tone.DONE: "green", Tone.TODO: "yellow", Tone.WRONG: "red"}
# The kit's modules are imported already, which pytest warns of where it would like to rewrite them.
OPTIONS = ("-q", "--one-failure", "--import-mode=importlib", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestWarning")


class _Witness:
    """Keeps hold of the run's own plugin, which knows the results when pytest has ended."""

    telling: Telling

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        telling = session.config.pluginmanager.get_plugin(NAME)
        assert isinstance(telling, Telling)  # noqa: S101  for the type checker: the kit's plugin registers it
        self.telling = telling


def look(course: Course) -> list[TopicState]:
    """How far each topic of the course is.

    Raises:
        KitError: the checks cannot be run.
    """
    folders = [str(topic.exercise.relative_to(course.root)) for topic in course.topics if topic.public_checks.is_file()]
    witness, said = _Witness(), io.StringIO()
    with contextlib.chdir(course.root), contextlib.redirect_stdout(said):
        code = pytest.main([*OPTIONS, *folders], plugins=[witness])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise KitError("the public checks cannot be run: `pytest exercises` says why")
    return witness.telling.topics()
