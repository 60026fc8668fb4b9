"""The clock of a check's time limit stands still for what is imported for it, whichever module imports which."""

import importlib
import signal
import sys

import pytest
import torch

from autograder.checks import pytest_plugin
from autograder.checks.unhurried import POSSIBLE, unhurried

CLOCK = "import signal\nleft = signal.getitimer(signal.ITIMER_REAL)[0]\n"


@pytest.mark.skipif(not POSSIBLE, reason="no such clock here")
def test_the_clock_stands_still_through_one_import_within_another(tmp_path, monkeypatch):
    (tmp_path / "long_one.py").write_text(f"{CLOCK}import long_two\nafter = signal.getitimer(signal.ITIMER_REAL)[0]\n")
    (tmp_path / "long_two.py").write_text(CLOCK)
    (tmp_path / "short_one.py").write_text(CLOCK)
    monkeypatch.syspath_prepend(tmp_path)
    before = signal.setitimer(signal.ITIMER_REAL, 600)
    try:
        with unhurried(["long_one", "long_two"]):
            long_one, short_one = importlib.import_module("long_one"), importlib.import_module("short_one")
            assert (long_one.left, long_one.long_two.left, long_one.after) == (0, 0, 0)
            assert short_one.left > 0
            assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    finally:
        signal.setitimer(signal.ITIMER_REAL, *before)


def test_backward_with_a_gradient_imports_what_a_check_need_not_pay_for():
    (torch.ones(2, requires_grad=True) * 2).backward(torch.ones(2))
    assert set(pytest_plugin.WITH_BACKWARD) <= set(sys.modules)
