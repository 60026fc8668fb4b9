"""How far a grading is, for people and for programs."""

import json

import pytest

from autograder.errors import KitError
from autograder.frontends import grading_progress
from autograder.results import Report, SubmissionStatus


def report(name="amira", status=SubmissionStatus.GRADED, score=4.0):
    return Report("01_mini", name, status, score, 6.0, "", "full", 0.25)


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_the_tally_says_what_is_done_how_fast_how_long_it_takes_and_the_scores():
    clock = Clock()
    tally = grading_progress.Tally(300, clock)
    assert str(tally) == "0 of 300 graded"
    clock.now += 2
    for each in (report(), report(score=1.0), report(status=SubmissionStatus.UNREADABLE, score=0.0)):
        tally.add(each)
    assert str(tally) == "3 of 300 graded, 1.5 a second, about 3 min left, mean 2.5 of 6, 1 unreadable"
    clock.now += 598
    assert str(tally).startswith("3 of 300 graded, 0.3 a minute, about 16.5 h left")


def test_without_a_terminal_there_is_a_line_only_now_and_then(capsys):
    clock = Clock()
    tally = grading_progress.Tally(9, clock)
    lines = grading_progress._Lines("grading 01_mini", tally, clock)
    for _ in range(9):
        clock.now += 10
        tally.add(report())
        lines.show()
    assert [line.split(",")[0] for line in capsys.readouterr().err.splitlines()] == [
        f"autograder: grading 01_mini: {done} of 9 graded" for done in (4, 7)
    ]  # fmt: skip


def test_programs_get_a_line_a_result_and_the_quiet_nothing(capsys):
    with grading_progress.shown("grading", 2, quiet=True, as_json=True) as advance:
        advance(report("a\nb"))
        advance(report("王"))
    said = capsys.readouterr()
    assert said.err == ""
    assert [json.loads(line)["submission"] for line in said.out.splitlines()] == ["a\nb", "王"]
    with grading_progress.shown("grading", 1, quiet=True, as_json=False) as advance:
        advance(report())
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_has_gone_is_one_line(monkeypatch):
    def closed(*_, **__):
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", closed)
    with pytest.raises(KitError, match="nobody reads the results on stdout any more; what is graded is kept"):
        grading_progress.print_json(report())
