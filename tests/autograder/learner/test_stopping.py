"""A learner's code that takes too long is stopped, whatever it catches."""

import sys
import textwrap
import time

import pytest

from autograder.learner.explain import learner_line
from autograder.learner.stopping import OutOfTimeError, Stopper, stopped_after

CATCHES = {
    "bare except": "while True:\n    try:\n        max([1, 2])\n    except:\n        pass",
    "one line each": "while True:\n    try: max([1, 2])\n    except: pass",
    "asleep": "while True:\n    try:\n        time.sleep(1)\n    except:\n        pass",
    "its code raises": "while True:\n    try:\n        int('one')\n    except BaseException as error:\n        str(error)",
    "finally": "while True:\n    try:\n        max([1, 2])\n    finally:\n        continue",
    "a function of its own": "def one():\n    try: time.sleep(0.01)\n    except: return 1\nwhile True:\n    one()",
    "nothing": "while True:\n    pass",
    "once, and goes on": "try:\n    while True: max([1, 2])\nexcept:\n    done = True",
    "and raises another": "try:\n    while True: max([1, 2])\nexcept:\n    raise ValueError",
}


@pytest.fixture
def learner(tmp_path):
    """Makes a function of the learner's from its body."""

    def made(body):
        file = tmp_path / "tensor_ops.py"
        file.write_text(f"import time\ndef task():\n{textwrap.indent(body, '    ')}\n")
        names = {}
        exec(compile(file.read_text(), str(file), "exec"), names)
        return names["task"]

    return made


@pytest.mark.parametrize("body", CATCHES.values(), ids=CATCHES)
def test_it_is_stopped_and_the_line_is_the_learners(learner, tmp_path, body):
    before, task = sys.gettrace(), learner(body)
    with pytest.raises(OutOfTimeError) as caught, stopped_after(0.2, tmp_path):
        task()
    assert " of tensor_ops.py: `" in learner_line(caught.value, tmp_path)
    assert sys.gettrace() is before


def test_in_time_nothing_is_raised(learner, tmp_path):
    with stopped_after(60, tmp_path):
        assert learner("return 1")() == 1
    with pytest.raises(ValueError, match="one"), stopped_after(60, tmp_path):
        learner("return int('one')")()


def test_the_kit_is_not_stopped_twice(tmp_path):
    stopper = Stopper(tmp_path)
    stopper.start(0.01)
    with pytest.raises(OutOfTimeError):
        time.sleep(60)
    time.sleep(1.5)  # it comes again each second, in the learner's code alone
    stopper.end()


def test_a_debugger_has_all_the_time(learner, tmp_path):
    stopper = Stopper(tmp_path, paused=lambda: True)
    stopper.start(0.01)
    assert learner("time.sleep(0.1)\nreturn 1")() == 1
    stopper.end()
    assert stopper.raised is None
