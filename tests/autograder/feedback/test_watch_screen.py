"""What `autograder watch` shows, without a terminal."""

from dataclasses import replace

import pytest
from rich.cells import cell_len

from autograder.feedback.watch_screen import KEYS, TaskView, View, count, screen
from autograder.results import CheckResult, Status

PASSED = CheckResult(Status.PASSED, "gives a")
WRONG = (
    CheckResult(Status.FAILED, "gives the mean of each row", "It has shape (4, 3), but it should have (4,).",
                "Expected 2, got 3.\nAnd 4.", "It is the transpose of what it should be."),
    PASSED,
    CheckResult(Status.ERROR, "takes an empty batch", "Your code raised ValueError."),
)  # fmt: skip
VIEW = View(
    "03_nn", "神经网络 Neural networks", (TaskView("a", (PASSED,)), TaskView("means", WRONG), TaskView("last")), "means",
    printed="".join(f"line {n}\n" for n in range(20)) + "wide " * 40,
    hint="  Hint 1 of 3\n\n  Which axis? A hint with many words in it",
    notes=("No longer right: a.",), topics=(("01", 3, 3), ("03_nn", 1, 3)), seconds=0.124,
)  # fmt: skip


@pytest.mark.parametrize("width", [40, 100])
@pytest.mark.parametrize("everything", [False, True])
def test_no_line_is_wider_than_the_window_and_no_colour_means_plain_text(width, everything):
    lines = screen(replace(VIEW, everything=everything), width, 60, colour=False)
    assert all(cell_len(line) <= width for line in lines)
    assert everything or "with many words in it" in " ".join(" ".join(lines).split())
    assert "\x1b" not in "".join(lines)
    assert "\x1b[" in "".join(screen(VIEW, width, 60, colour=True))


def test_the_focus_is_told_once_in_full_and_its_other_checks_as_one_line_each():
    text = "\n".join(screen(VIEW, 100, 60, colour=False))
    for part in ("1 of 3 done", "means: failed", "it gives the mean of each row.", "shape (4, 3)", "got 3.", "And 4.",
                 "the transpose", "It takes an empty batch.", "line 19", "Which axis?", "No longer right: a.",
                 "checked in 0.12 s", KEYS):  # fmt: skip
        assert part in text
    for part in ("ValueError", "line 3\n", "last", "gives a"):
        assert part not in text
    assert count(VIEW) == "03_nn: 2 failed, 2 passed"


def test_a_low_window_keeps_the_bar_and_the_keys_and_says_that_there_is_more():
    lines = screen(VIEW, 100, 12, colour=False)
    assert len(lines) == 12
    assert "1 of 3 done" in lines[1]
    assert lines[-1] == KEYS
    assert any("too low" in line for line in lines)


def test_a_fault_of_the_module_is_one_calm_sentence_in_place_of_all_tasks():
    text = "\n".join(screen(replace(VIEW, fault="net.py does not parse: line 3."), 100, 30, colour=False))
    assert "✗ net.py does not parse: line 3." in text
    assert "means" not in text


def test_tasks_and_topics_in_a_list():
    text = "\n".join(screen(replace(VIEW, everything=True, working=True), 100, 40, colour=False))
    for part in (
        "✓ a\n",
        "→ means: failed",
        "· last: not checked yet",
        "✓ 01: 3 of 3 done",
        "→ 03_nn: 1 of 3 done",
        "checking …",
    ):
        assert part in text


def test_a_question_takes_the_place_of_the_keys():
    text = "\n".join(screen(replace(VIEW, question="Put means back?"), 100, 40, colour=False))
    assert "Put means back?\ny yes · n no" in text
    assert KEYS not in text


def test_a_finished_topic_is_said_to_be_so_once_the_round_is_over():
    finished = replace(VIEW, tasks=(TaskView("a", (PASSED,)),), focus="")
    assert "are done" not in "\n".join(screen(replace(finished, working=True), 100, 40, colour=False))
    text = "\n".join(screen(finished, 100, 40, colour=False))
    assert "All tasks of 03_nn are done" in text
    assert "████ 1 of 1 done" in text
