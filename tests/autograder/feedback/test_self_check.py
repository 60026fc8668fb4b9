"""The table of a task's public checks in a notebook."""

from autograder.feedback.self_check import Table
from autograder.results import CheckResult, Picture, Status

PASSED = CheckResult(Status.PASSED, "gives twice x")
FAILED = CheckResult(Status.FAILED, "works for <b>", "Wrong & odd.", "It is [1 < 2].", "It adds up.")


def test_lines_for_a_terminal():
    assert repr(Table("slope", (PASSED, FAILED), "Divide.")).splitlines() == [
        "slope: 1 of 2 public checks pass",
        "  ✓ passed     It gives twice x.",
        "  ✗ failed     It works for <b>.",
        "               Wrong & odd. It is [1 < 2]. It adds up.",
        "  Hint: Divide.",
    ]


def test_html_for_a_page_is_escaped():
    text = Table("slope", (PASSED, FAILED), "A < B")._repr_html_()
    assert "<b>slope: 1 of 2 public checks pass</b>" in text
    assert ">✓ passed</span>" in text
    assert ">It works for &lt;b&gt;.</td>" in text
    assert ">Wrong &amp; odd. It is [1 &lt; 2]. It adds up.</td>" in text
    assert "<details><summary>Hint</summary>A &lt; B</details>" in text


def test_a_task_that_is_done_shows_no_hint():
    table = Table("slope", (PASSED, PASSED), "Divide.")
    assert table.done
    assert "Divide." not in repr(table) + table._repr_html_()


def test_a_task_that_is_missing_and_one_without_checks():
    missing = CheckResult(Status.MISSING, "gives twice x", "Not done yet.")
    assert repr(Table("slope", (missing,), "")).splitlines()[:2] == ["slope: not done yet", "  · missing    It gives twice x."]
    assert "it is checked when you have handed in" in repr(Table("slope", (), "Divide."))
    assert Table("slope", (), "Divide.").done


def test_a_long_message_is_wrapped_under_its_check():
    lines = repr(Table("slope", (CheckResult(Status.ERROR, "runs", "word " * 60),), "")).splitlines()
    assert max(map(len, lines)) <= 100
    assert all(line.startswith(" " * 15 + "word") for line in lines[2:])


def test_a_picture_stands_under_its_message():
    table = Table("slope", (CheckResult(Status.FAILED, "runs", "Odd.", picture=Picture((3,), (2,))),), "")
    assert repr(table).splitlines()[2:] == [
        "               Odd.", "               expected  [3]", "                  yours  [2]", "                         ^^^",
    ]  # fmt: skip
    assert 'Odd.<br><svg role="img"' in table._repr_html_()
