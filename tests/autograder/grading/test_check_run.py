"""What a submission's process is asked before its turn: what it will be asked in any case, and nothing in vain."""

from types import SimpleNamespace

import pytest

from autograder.checks.check import Check
from autograder.grading.check_run import CheckRunner
from autograder.results import Status
from autograder.sandbox.child_spec import Looked
from autograder.wire import values

REPLY = values.encode({"value": 1})


class Session:
    """Answers everything with 1, and writes down how much was sent ahead with each request."""

    said = ()

    def __init__(self, written):
        self.looked, self.ahead = Looked(written=frozenset(written)), []

    def begin(self, *_, **__): ...

    def forbidden(self, _): ...

    def ask(self, _, ahead=()):
        self.ahead.append(len(list(ahead)))
        return REPLY


def topic(**needs):
    tasks = {name: SimpleNamespace(id=name, needs=needs.get(name, ()), trains=False, limits=SimpleNamespace(check_seconds=9.0))
             for name in "abc"}  # fmt: skip
    return SimpleNamespace(task=tasks.get, module="m.py", name="t", stub=SimpleNamespace(read_text=lambda encoding: ""),
                           tasks=tuple(tasks.values()), limits=SimpleNamespace(grader_seconds=9.0))  # fmt: skip


def ahead_of_each(written, **needs):
    """What is sent ahead with the one request of each check of a second submission."""
    names = ("a1", "a2", "b1", "b2", "c1")
    checks = [Check("t", name[0], name, "", lambda fixtures: fixtures.student.call("f")) for name in names]
    runner = CheckRunner(topic(**needs), checks, b"", None, 0)
    for session in (Session(()), Session(written)):
        runner.next_submission()
        assert all(runner.run(check, session).result.status is Status.PASSED for check in checks)
    return session.ahead


@pytest.mark.parametrize(("written", "needs", "expected"), [
    ("abc", {}, [4, 3, 2, 1, 0]),
    ("", {}, [0, 1, 0, 1, 0]),  # no more than the first request to a task that may not be there
    ("ac", {}, [2, 1, 0, 1, 0]),
    ("abc", {"b": ("a",)}, [1, 0, 2, 1, 0]),  # nothing to a task that others may keep from its turn
])  # fmt: skip
def test_requests_are_sent_ahead_as_far_as_the_source_has_the_tasks(written, needs, expected):
    assert ahead_of_each(written, **needs) == expected
