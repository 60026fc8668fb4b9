"""A session's children, limits and budget, without a sandbox: opened when needed, replaced when they end, closed at the end."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace

import pytest

from autograder.course import Limits
from autograder.errors import SandboxError
from autograder.learner.forbidden_scan import Found
from autograder.results import Fault, Status, StudentFault
from autograder.sandbox import session as session_module
from autograder.sandbox.child_spec import ChildSpec, Looked
from autograder.sandbox.session import Session

CRASHED = Fault(Status.CRASHED, "It ended.")
TIMEOUT = Fault(Status.TIMEOUT, "It took too long.")
ERROR = Fault(Status.ERROR, "mini.py does not parse.")


class FakeChild:
    """Answers with its own number."""

    def __init__(self, spec, number, ended=None, seconds=0.0, kept_waiting=0.0):
        self.spec, self.number, self.ended, self.seconds = spec, number, ended, seconds
        self.ahead, self.closed, self.asked, self.suspicion, self.said = None, False, [], None, ()
        self.kept_waiting = kept_waiting
        self.looked = spec.looked or Looked({"slope": Found("mini.py", 3, "x.backward()", "autograd")})

    def ask(self, request, left, limit, ahead=()):
        time.sleep(self.seconds)
        self.asked.append((request, limit, tuple(ahead)))
        if request == b"break":
            raise SandboxError("the server is gone")
        if request == b"die":
            self.ended = CRASHED
            raise StudentFault(CRASHED)
        return b"%d" % self.number

    def start(self, request, left, limit):
        return lambda: self.ask(request, left, limit)

    def excuse(self, most):
        more, self.kept_waiting = min(self.kept_waiting, most), 0.0
        return more

    def newly_excused(self):
        return self.excuse(self.kept_waiting)

    def close(self):
        self.closed = True


def session(*ends, total_seconds=10.0, seconds=0.0, kept_waiting=0.0):
    """A session over fake children, which end at their import as `ends` says; a SandboxError is raised in their place."""
    children, waiting = [], list(ends)

    def open_child(spec):
        ended = waiting.pop(0) if waiting else None
        if isinstance(ended, Exception):
            raise ended
        children.append(FakeChild(spec, len(children), ended, seconds, kept_waiting))
        return children[-1]

    spec = ChildSpec({"mini.py": b""}, "mini.py", ("slope",), Limits(total_seconds=total_seconds, import_seconds=0.0))
    return SimpleNamespace(open=open_child, wait_until_ready=lambda: None), spec, children


def opened(*ends, **more):
    server, spec, children = session(*ends, **more)
    return Session.open(server, spec), children


def test_a_child_for_each_number_of_devices_is_kept_between_checks():
    found, children = opened()
    for devices, gpu, expected in ((None, False, b"0"), (2, False, b"1"), (None, False, b"0"), (2, True, b"2"), (2, False, b"1")):
        found.begin(1.0, devices, gpu=gpu)
        assert found.ask(b"x") == expected
    assert [(child.spec.devices, child.spec.gpu) for child in children] == [(None, False), (2, False), (2, True)]
    found.close()
    assert all(child.closed for child in children)


def test_a_child_that_ended_is_replaced_and_so_is_one_that_waits_for_another_request():
    found, children = opened()
    found.begin(1.0)
    with pytest.raises(StudentFault):
        found.ask(b"die")
    assert found.ask(b"x") == b"1"
    children[1].ahead = b"sent before its turn"
    assert found.ask(b"x") == b"2"
    assert children[1].closed
    children[2].ahead = b"y"
    assert found.ask(b"y") == b"2"


def test_the_files_are_looked_at_once_for_all_children():
    found, children = opened()
    for devices in (None, 2):
        found.begin(1.0, devices)
        found.ask(b"x")
    found.fresh()
    found.ask(b"x")
    found.ask_ranks(lambda _: [b"x"])
    assert [child.spec.looked for child in children] == [None, *[children[0].looked] * 3]
    assert found.looked is children[0].looked


def test_a_child_that_answers_other_checks_outlives_a_fresh_one():
    found, children = opened()
    for devices in (None, 2):
        found.begin(1.0, devices)
        found.ask(b"x")
    found.fresh()
    assert [child.closed for child in children] == [False, True]
    found.close()
    assert children[0].closed


def test_a_fresh_session_meets_a_newly_imported_module():
    found, children = opened()
    found.begin(1.0)
    found.fresh()
    assert children[0].closed
    assert found.ask(b"x") == b"1"


@pytest.mark.parametrize("first", [CRASHED, TIMEOUT, SandboxError("broke")])
def test_an_import_that_crashed_hung_on_a_busy_machine_or_met_a_broken_sandbox_is_tried_again(first):
    found, children = opened(first, kept_waiting=9.0)
    found.begin(1.0)
    assert found.ask(b"x") == b"%d" % (len(children) - 1)


@pytest.mark.parametrize(("ends", "count"), [((ERROR,), 1), ((TIMEOUT,), 1), ((CRASHED, CRASHED), 2)])
def test_an_import_that_failed_is_the_students_fault(monkeypatch, ends, count):
    monkeypatch.setattr(sys, "platform", "linux")  # where it shows how busy the machine was
    server, spec, children = session(*ends)
    with pytest.raises(StudentFault) as raised:
        Session.open(server, spec)
    assert raised.value.fault is ends[-1]
    assert len(children) == count
    assert all(child.closed for child in children)


def test_a_sandbox_that_breaks_twice_is_no_fault_of_the_submission():
    server, spec, _ = session(SandboxError("once"), SandboxError("twice"))
    with pytest.raises(SandboxError, match="twice"):
        Session.open(server, spec)


def test_a_broken_sandbox_is_remembered_until_the_next_check():
    found, _ = opened()
    found.begin(1.0)
    with pytest.raises(SandboxError):
        found.ask(b"break")
    assert not found.intact
    found.begin(1.0)
    assert found.intact


def test_all_checks_together_have_a_limit():
    found, _ = opened(total_seconds=0.05, seconds=0.1)
    found.begin(1.0)
    found.ask(b"x")
    with pytest.raises(StudentFault, match=r"All checks together took longer than 0\.05 s"):
        found.ask(b"x")


def test_a_busy_machine_costs_no_submission_its_time():
    found, children = opened(total_seconds=0.05, seconds=0.1)
    found.begin(1.0)
    found.ask(b"x")
    children[0].kept_waiting = 0.2
    found.ask(b"x")


def test_requests_ahead_and_the_checks_limit_are_handed_on():
    found, children = opened()
    found.begin(3.0)
    found.ask(b"x", [b"y"])
    assert children[0].asked == [(b"x", 3.0, (b"y",))]


def test_each_rank_has_a_child_with_a_network_that_is_closed_afterwards():
    found, children = opened()
    found.begin(1.0)
    assert found.ask_ranks(lambda address: [address.encode(), b"x"]) == [b"1", b"2"]
    ranks = children[1:]
    assert [child.spec.network for child in ranks] == [True, True]
    assert all(child.closed for child in ranks)
    assert ranks[0].asked[0][0].startswith(b"tcp://127.0.0.1:")


def test_what_the_look_found_is_told_with_its_line():
    found, _ = opened()
    assert found.forbidden("row_means") is None
    fault = found.forbidden("slope")
    assert fault.status is Status.FORBIDDEN
    assert "autograd" in fault.message
    assert fault.message.endswith("(line 3 of mini.py: `x.backward()`).")


def test_the_replies_of_one_check_have_a_limit_together():
    found, children = opened()
    found.begin(1.0)
    children[0].ask = lambda *_: bytes(60 << 20)
    for _ in range(4):
        found.ask(b"x")
    with pytest.raises(StudentFault, match="All that your code returned in one check is larger than 256 MB"):
        found.ask(b"x")
    found.begin(1.0)
    assert found.ask(b"x")


def test_the_start_of_another_server_is_no_time_of_the_submission(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(session_module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    server, spec, children = session(total_seconds=10.0)
    begun = Session.open(server, spec)
    server.wait_until_ready = lambda: clock.append(clock.pop() + 1000.0)
    for number in (1, 2):
        begun.begin(5.0)
        begun.fresh()
        assert begun.ask(b"x") == b"%d" % number
    assert len(children) == 3


def test_a_sandbox_that_failed_in_one_check_did_not_hold_whatever_comes_after():
    begun, _ = opened(None, SandboxError("gone"))
    begun.begin(5.0)
    begun.fresh()
    with pytest.raises(SandboxError, match="gone"):
        begun.ask(b"x")
    begun.begin(5.0)
    begun.ask(b"x")
    assert (begun.intact, begun.held) == (True, False)
