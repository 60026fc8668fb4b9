"""What a learner's code sets for the whole process is put back, and named where it is what went wrong."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from autograder.learner import calls, settings
from autograder.learner.loading import load
from autograder.wire import values

SET = {
    "torch.set_default_dtype": lambda: torch.set_default_dtype(torch.float64),
    "torch.set_grad_enabled": lambda: torch.set_grad_enabled(False),
    "torch.inference_mode": lambda: held(torch.inference_mode()),
    "torch.set_default_device": lambda: torch.set_default_device("meta"),
    "torch.autocast('cpu')": lambda: held(torch.autocast("cpu", dtype=torch.bfloat16)),
    "torch.use_deterministic_algorithms": lambda: torch.set_deterministic_debug_mode(2),
    "torch.set_float32_matmul_precision": lambda: torch.set_float32_matmul_precision("medium"),
    "torch.autograd.set_detect_anomaly": lambda: torch.autograd.set_detect_anomaly(True),
    "torch.set_warn_always": lambda: torch.set_warn_always(True),
    "torch.set_printoptions": lambda: torch.set_printoptions(precision=1, sci_mode=True),
    "numpy.set_printoptions": lambda: np.set_printoptions(precision=1),
    "numpy.seterr": lambda: np.seterr(all="raise"),
    "os.chdir": lambda: os.chdir("/"),
    "sys.setrecursionlimit": lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 1),
    "sys.stdout": lambda: setattr(sys, "stdout", None),
}
HELD = []


def held(context):
    HELD.append(context)  # as a module's global: it is never left
    context.__enter__()


def state():
    x = torch.ones(2, requires_grad=True)
    return (x.sum().requires_grad, x.dtype, x.device, (x @ x).dtype, str(x), str(np.ones(1) / 3), Path.cwd(), sys.stdout,
            sys.getrecursionlimit(), np.geterr(), torch.is_anomaly_enabled(),
            torch.are_deterministic_algorithms_enabled())  # fmt: skip


@pytest.mark.parametrize("name", SET)
@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_a_setting_is_put_back_and_known(name):
    before = state()
    with settings.kept() as changed:
        SET[name]()
    assert changed == [name]
    assert state() == before


def test_all_at_once_and_a_device_that_nobody_leaves():
    before = state()
    with settings.kept() as changed:
        for set_ in SET.values():
            set_()
        torch.device("meta").__enter__()
    assert len(changed) >= len(SET) - 1  # inference mode rules out gradients by itself
    assert state() == before


def test_a_notebooks_own_settings_are_there_again_after_a_check():
    before = state()
    with settings.kept():
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.set_default_device("meta")
        own = torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_default_device()
        with settings.standard():
            assert state() == before
        assert (torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_default_device()) == own


def reply_of(path, name, *args):
    request = {"name": name, "probe": b"", "args": list(args), "kwargs": {}, "observe": False, "seed": 1, "forbid": ""}
    loaded = load(path)
    return values.decode(calls.serve(loaded, values.encode(request, layout=True), 1 << 20))


def test_a_setting_of_one_task_does_not_reach_another(tmp_path):
    (tmp_path / "net.py").write_text("import torch\ntorch.set_default_dtype(torch.float64)\ndef f():\n    return torch.ones(1)\n")
    assert reply_of(tmp_path / "net.py", "f")["value"].dtype == torch.float32
    (tmp_path / "net.py").write_text("import torch\ndef f():\n    torch.set_grad_enabled(False)\n    return 1\n")
    assert reply_of(tmp_path / "net.py", "f") == {"value": 1}
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("line", "body", "words"),
    [
        ("torch.set_default_dtype(torch.float64)", "torch.ones(2) @ x.double()",
         "Your code calls torch.set_default_dtype for the whole program; each task is checked without that: give dtype= where"),
        ("torch.set_grad_enabled(True)", "torch.ones(2) @ x.double()", ""),
        ("torch.set_default_dtype(torch.float64)", "x.no_such_thing()", ""),
        ("", "torch.set_grad_enabled(False) and None or x.clone().requires_grad_().sum().backward()",
         "Your code calls torch.set_grad_enabled for the whole program"),
    ],
)  # fmt: skip
def test_the_setting_is_named_where_it_can_be_the_cause(tmp_path, line, body, words):
    (tmp_path / "net.py").write_text(f"import torch\n{line}\ndef f(x):\n    return {body}\n")
    status, message, *_ = reply_of(tmp_path / "net.py", "f", torch.ones(2))["fault"]
    assert status == "error"
    assert ("for the whole program" in message) == bool(words)
    assert words in message
