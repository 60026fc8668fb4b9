"""The grader's own time for one submission: counted by its processor, bounded in each check and in all."""

import time

import pytest

from autograder.grading import time_limit
from autograder.grading.check_run import TOO_LONG
from autograder.grading.time_limit import Clock, OutOfTime, allowed, interruptible

SLOW = """
    reply = student.call("row_means", t)
    while isinstance(reply, list):
        pass
"""


def use(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_work_without_end_is_cut_short():
    with pytest.raises(OutOfTime), allowed(0.05), interruptible():
        use(60)


def test_a_wait_costs_nothing_and_neither_does_what_is_not_limited():
    with allowed(0.5), interruptible():
        time.sleep(0.6)
    with interruptible():
        use(0.01)


def test_what_is_allowed_inside_is_never_more_than_around_it():
    with allowed(0.05), allowed(60), pytest.raises(OutOfTime), interruptible():
        use(60)


def test_a_part_that_begins_too_late_ends_at_once():
    with allowed(0.01):
        use(0.02)
        with pytest.raises(OutOfTime), interruptible():
            use(60)


def test_one_check_takes_a_third_at_most_and_leaves_the_others_the_rest():
    clock = Clock(0.3)
    with pytest.raises(OutOfTime), clock.limited(), interruptible():
        use(60)
    assert clock.over
    assert 0 < clock.left < 0.21
    with clock.limited(), interruptible():
        use(0.001)
    assert not clock.over


def test_nothing_is_left_of_the_timer():
    with allowed(60), interruptible():
        pass
    assert time_limit.signal.getitimer(time_limit.signal.ITIMER_PROF) == (0.0, 0.0)


def test_a_value_that_takes_the_check_too_long_fails_its_task_alone(course, kit):
    suite = course / "tests/hidden/01_mini/test_mini.py"
    head, tail = suite.read_text().split('    expect_close(student.call("row_means", t)', 1)
    suite.write_text(f"{head}{SLOW}    expect_close(reply{tail}")
    settings = (course / "course.yaml").read_text().splitlines()
    settings[1] = "limits: {grader_seconds: 3}"
    (course / "course.yaml").write_text("\n".join(settings))
    results = kit.grade(
        course, {"a": kit.solution, "m": kit.solution.replace("return t.mean(1)", "return [t]"), "z": kit.solution}
    )
    assert [results[name]["score"] for name in ("a", "m", "z")] == [6.0, 3.0, 6.0]
    assert results["m"]["status"] == "graded"
    slow, *others = results["m"]["tasks"]
    assert (slow["status"], TOO_LONG in slow["message"]) == ("failed", True)
    assert {task["status"] for task in others} == {"passed"}
