"""Modules of torch that are long to import: eager code does without them, and who wants them has them."""

import subprocess
import sys

import pytest

EAGER = """
import sys
import torch
from autograder.checks.deferred import deferred

NAMES = ("torch._dynamo", "torch.fx.experimental.symbolic_shapes")
def step():
    net = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    before = net.weight.detach().clone()
    optimizer.zero_grad()
    net(torch.ones(1, 2)).backward(torch.full((1, 1), 2.0))
    optimizer.step()
    assert torch.equal(net.weight.detach(), before - 1.0)
def imported():
    return sorted({"torch._dynamo.config", "sympy"} & sys.modules.keys())
"""


def run(program):
    ended = subprocess.run([sys.executable, "-c", EAGER + program], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_a_step_imports_neither_a_compiler_nor_algebra_and_what_is_left_is_as_it_was():
    program = """
with deferred(NAMES):
    step()
    try:
        torch.ones(2, requires_grad=True).backward(torch.ones(3))
    except RuntimeError as error:
        assert "Mismatch in shape" in str(error)
print(imported(), [name for name in NAMES if name in sys.modules])
step()
print(imported())
"""
    assert run(program).splitlines() == ["[] []", "['sympy', 'torch._dynamo.config']"]


@pytest.mark.parametrize("wanted", [
    "assert torch.compile(lambda x: x + 1, backend='eager')(torch.ones(1)) == 2",
    "assert torch._dynamo.config.cache_size_limit",
    "from torch._dynamo import utils; assert utils.counters is not None",
    "import torch._dynamo.utils; assert torch._dynamo.is_compiling() is False",
], ids=["compile", "an attribute", "from the package", "a module of the package"])  # fmt: skip
def test_who_wants_the_real_module_has_it(wanted):
    program = f"""
with deferred(NAMES):
    step()
    wrapped = torch.optim.Optimizer.add_param_group.__wrapped__
    assert wrapped.__dynamo_disable is wrapped
    {wanted}
    assert not hasattr(wrapped, "__dynamo_disable")
    step()
    assert wrapped.__dynamo_disable is not wrapped
    assert type(sys.modules["torch._dynamo"]) is type(sys) and torch._dynamo is sys.modules["torch._dynamo"]
print(type(torch._dynamo) is type(sys), "torch._dynamo" in sys.modules)
"""
    assert run(program) == "True True"


def test_a_look_through_all_modules_imports_nothing():
    program = """
import inspect
with deferred(NAMES):
    for name in NAMES:
        module = sys.modules[name]
        assert module.__file__.endswith(".py") and not getattr(module, "__warningregistry__", None)
    inspect.getmodule(step)
print(imported())
"""
    assert run(program) == "[]"
