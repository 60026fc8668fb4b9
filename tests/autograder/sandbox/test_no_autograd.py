"""Processes for by-hand tasks: what a submission that knows the guard tries in one, and that other processes are whole."""

import ast
import contextlib
from pathlib import Path

import pytest
import torch
from hostile import FINDS_KIT

from autograder.course import Limits
from autograder.results import StudentFault
from autograder.sandbox import no_autograd
from autograder.sandbox.child_spec import ChildSpec
from autograder.sandbox.server import Server
from autograder.wire import values

ATTACKS = Path(__file__).parent / "attacks" / "by_hand.py"
HONEST = ("cube", "by_hand", "undone", "left_out")
NAMES = [
    node.name
    for node in ast.parse(ATTACKS.read_text()).body
    if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.name not in HONEST
]
X = torch.tensor([0.5, 2.0, 3.0])


@pytest.fixture(scope="module")
def server():
    with Server(["torch._dynamo"]) as server:  # which brings sympy
        server.hold([], by_hand=True)
        yield server


def open_child(server, source, *, by_hand=True):
    spec = ChildSpec({"module.py": source}, "module.py", (), Limits(import_seconds=60), by_hand=by_hand)
    return contextlib.closing(server.open(spec))


def reply(child, name, *arguments):
    request = {"name": name, "probe": b"", "args": arguments, "kwargs": {}, "observe": False, "seed": 0, "forbid": "autograd"}
    return values.decode(child.ask(values.encode(request, layout=True), 120.0))


@pytest.fixture
def attacker(server):
    with open_child(server, f"{FINDS_KIT}\n{ATTACKS.read_text()}".encode()) as child:
        yield child


@pytest.mark.parametrize("name", NAMES)
def test_what_knows_the_guard_gets_no_derivative(attacker, name):
    assert reply(attacker, "undone", X)["value"] == "<lambda>"  # the guard in Python is gone
    try:
        got = reply(attacker, name, X)
    except StudentFault:
        got = {}
    assert not (isinstance(got.get("value"), torch.Tensor) and torch.allclose(got["value"], 3 * X * X)), got
    assert "fault" in got or got == {}, got


def test_at_least_twenty_attacks():
    assert len(NAMES) >= 20


def test_what_is_right_stays_right_and_what_differentiated_at_import_is_left_out(attacker):
    assert torch.equal(reply(attacker, "by_hand", X)["value"], 3 * X * X)
    assert torch.equal(reply(attacker, "cube", X)["value"], X**3)
    assert reply(attacker, "left_out", X)["value"] == ["not reached"]  # the statement after the one that was left out


def test_the_same_module_differentiates_in_another_process_of_the_same_server(server):
    source = (
        b"import torch\ndef slope(x):\n    x = x.clone().requires_grad_()\n    (x * x * x).sum().backward()\n    return x.grad\n"
    )
    with open_child(server, source) as by_hand, open_child(server, source, by_hand=False) as other:
        assert reply(by_hand, "slope", X)["fault"][0] == "forbidden"
        assert reply(other, "cube", X)["fault"][0] == "missing"
        request = {"name": "slope", "probe": b"", "args": [X], "kwargs": {}, "observe": False, "seed": 0, "forbid": ""}
        got = values.decode(other.ask(values.encode(request, layout=True), 120.0))
        assert torch.equal(got["value"], 3 * X * X)


def test_a_name_that_the_left_out_statement_would_have_given_is_explained(server):
    source = b"""import torch
x = torch.ones(2, requires_grad=True)
x.sum().backward()
k = x.grad * 3
def slope(t):
    return k * t
def cube(t):
    return t ** 3
"""
    with open_child(server, source) as child:
        message = reply(child, "slope", X)["fault"][1]
        assert "name 'k' is not defined" in message
        assert "Line 3 of module.py could not be run: where a task is done by hand" in message
        assert torch.equal(reply(child, "cube", X)["value"], X**3)


def test_each_place_is_written_once():
    assert len(no_autograd.patches()) > 100
    addresses = [patch.address for patch in no_autograd.patches()]
    assert len(set(addresses)) == len(addresses)


def test_this_process_still_differentiates():
    x = X.clone().requires_grad_()
    (x * x * x).sum().backward()
    assert torch.equal(x.grad, 3 * X * X)
