"""A submission that looks into its process is reported while it does, and earns nothing that rests on its word."""

import contextlib

import pytest

from autograder.course import Limits
from autograder.grading.check_run import CheckRun
from autograder.grading.policy import withhold
from autograder.learner.forbidden_scan import Found
from autograder.results import CheckResult, Status, StudentFault
from autograder.sandbox.child_spec import ChildSpec
from autograder.sandbox.server import Server
from autograder.wire import values

MODULE = b"""import builtins, inspect, os, sys, traceback
_name = "_get" + "frame"
def frame(): return getattr(sys, _name)(1).f_lineno
def by_inspect(): return len(getattr(inspect, "st" + "ack")())
def by_traceback(): return len(getattr(traceback, "extract_st" + "ack")())
def trace(): getattr(sys, "set" + "trace")(None)
def collector():
    import gc
    return len(getattr(gc, "get_" + "objects")())
def foreign(): return __import__("cty" + "pes").string_at(b"a").decode()
def code(): return (lambda: 1).__class__(compile("1", "x", "eval"), {})()
def deaf():
    builtins.len = builtins.str = builtins.RuntimeError = None
    os.write = None
    return getattr(sys, _name)(0).f_lineno
def honest():
    import dataclasses, collections, logging, typing, warnings
    collections.namedtuple("A", "x")(1)
    logging.getLogger("x").info("y")
    typing.TypeVar("T")
    warnings.warn("x")
    try:
        raise ValueError
    except ValueError:
        traceback.format_exc()
    return str(inspect.signature(honest))
def kit():
    return sorted(name for name in sys.modules if name.startswith("autograder."))
"""
LOOKS = ["frame", "by_inspect", "by_traceback", "trace", "collector", "foreign", "code", "deaf"]


@pytest.fixture(scope="module")
def server():
    with Server() as server:
        yield server


@pytest.fixture
def child(server):
    with contextlib.closing(server.open(ChildSpec({"module.py": MODULE}, "module.py", (), Limits(import_seconds=20)))) as child:
        yield child


def ask(child, name):
    request = {"name": name, "probe": b"", "args": [], "kwargs": {}, "observe": False, "seed": 0, "forbid": ""}
    with contextlib.suppress(StudentFault):  # a process that has lost its own len may not be able to answer
        return values.decode(child.ask(values.encode(request, layout=True), 60.0)).get("value")
    return None


@pytest.mark.parametrize("name", LOOKS)
def test_what_looks_into_the_process_is_reported_before_it_acts(child, name):
    assert child.suspicion is None
    ask(child, name)
    assert child.suspicion is not None
    assert child.suspicion.file == "module.py"
    assert child.suspicion.text in MODULE.decode()
    assert child.suspicion.text


def test_what_the_library_does_for_an_honest_module_is_not_reported(child):
    assert ask(child, "honest") == "()"
    assert child.suspicion is None


def test_the_kit_is_not_there_by_name(child):
    assert [name for name in ask(child, "kit") if not name.startswith("autograder.simulated_gpus")] == []


def test_a_name_in_the_source_is_known_before_the_module_runs(server):
    spec = ChildSpec({"module.py": b"import ctypes\n1 / 0\n"}, "module.py", (), Limits(import_seconds=20))
    with contextlib.closing(server.open(spec)) as child:
        assert (child.suspicion.line, child.suspicion.technique) == (1, "ctypes")


def test_only_passed_checks_of_conduct_are_withheld():
    runs = [
        CheckRun(CheckResult(Status.PASSED, "gives it"), conduct=True),
        CheckRun(CheckResult(Status.PASSED, "adds"), conduct=False),
        CheckRun(CheckResult(Status.FAILED, "moves it", "It is on cpu."), conduct=True),
    ]
    after = withhold(runs, Found("net.py", 9, "sys._getframe(1)", "_getframe"))
    assert [run.result.status for run in after] == [Status.SUSPICIOUS, Status.PASSED, Status.FAILED]
    assert "line 9 of net.py: `sys._getframe(1)`" in after[0].result.message
