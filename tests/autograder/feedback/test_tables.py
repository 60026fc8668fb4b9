"""The terminal's tables and scores.csv."""

import csv
import io
from dataclasses import replace

import pytest
from rich.console import Console

from autograder.feedback import tables
from autograder.results import Status, SubmissionStatus, TaskResult


def shown(table, width=120):
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def row_of(table, word):
    return [cell.strip() for cell in next(line for line in shown(table).splitlines() if word in line).split("│")[1:-1]]


def test_the_class_has_a_row_a_submission_with_what_is_not_done_yet(topic, reports):
    table = tables.class_table(topic, reports)
    assert topic.title in shown(table)
    assert row_of(table, "amira") == ["amira", "graded", "6/6", ""]
    assert row_of(table, "bo") == ["bo", "graded", "1.5/6", "row_means, slope"]


def test_a_submission_without_a_usable_module_shows_its_message(topic, reports):
    assert row_of(tables.class_table(topic, reports), "dalia") == ["dalia", "unreadable", "–/6", "mini.py does not parse."]


def test_a_submission_shows_what_the_learner_should_read(reports):
    table = tables.submission_table(reports[1])
    assert "bo: 1.5 of 6" in shown(table)
    assert row_of(table, "row_means") == ["row_means", "partial", "1.5/3", "Works for one row only. It adds up."]


@pytest.mark.parametrize(("status", "code"), list(zip(Status, [32, 31, 33, 31, 31, 31, 31, 31, 33, 35], strict=True)))
def test_a_status_is_coloured(reports, status, code):
    one = replace(reports[0], tasks=(TaskResult("Net", status, 0, 1),))
    console = Console(width=80, force_terminal=True, color_system="standard", no_color=False)
    with console.capture() as capture:
        console.print(tables.submission_table(one))
    assert f"\x1b[{code}m{status}\x1b[0m" in capture.get()


def test_what_looks_like_markup_is_shown_as_it_is(topic, reports):
    name, text = "[red]x[blue]", "[bold]100[/bold] [/red]"
    odd = replace(reports[3], submission=name, message=text, tasks=(TaskResult("Net", Status.ERROR, 0, 1, text, text),))
    assert row_of(tables.class_table(topic, [odd]), "100") == [name, "unreadable", "–/6", text]
    assert name in shown(tables.submission_table(odd))
    assert row_of(tables.submission_table(odd), "100") == ["Net", "error", "0/1", f"{text} {text}"]


def test_scores_csv_has_a_column_a_task_of_the_topic_and_0_for_one_that_is_not_there(topic, reports):
    rows = list(csv.DictReader(tables.scores_csv(topic, reports).splitlines()))
    assert list(rows[0]) == ["submission", "topic", "score", "max_score", "status", "row_means", "slope", "Scale",
                             "message"]  # fmt: skip
    assert list(rows[1].values()) == ["bo", "01_mini", "1.5", "6.0", "graded", "1.5", "0.0", "0.0", ""]
    assert rows[3]["message"] == "mini.py does not parse."


def test_those_without_a_score_come_first_and_count_as_zero_only_if_that_is_wished(topic, reports):
    table = shown(tables.class_table(topic, reports))
    assert [word for word in table.split() if word in ("amira", "bo", "chen", "dalia")] == ["dalia", "amira", "bo", "chen"]
    assert row_of(tables.class_table(topic, reports, zero_unreadable=True), "dalia")[2] == "0/6"
    broken = replace(reports[0], status=SubmissionStatus.BROKEN)
    for wished, expected in ((False, ["", ""]), (True, ["0.0", ""])):
        rows = csv.DictReader(tables.scores_csv(topic, [reports[3], broken], zero_unreadable=wished).splitlines())
        assert [row["score"] for row in rows] == expected


def test_scores_csv_keeps_a_name_with_commas_quotes_and_lines_in_one_cell(topic, reports):
    name = 'a, "b"\nc'
    text = tables.scores_csv(topic, [replace(reports[0], submission=name, status=SubmissionStatus.BROKEN)])
    header, row = csv.reader(text.splitlines(keepends=True))
    assert (row[0], row[4], len(row)) == (name, "broken", len(header))


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@x", "\tx", "\rx", "\nx", " =1+1", "＝1", "＋x", "－x", "＠x"])
def test_no_name_is_a_formula_in_a_spreadsheet(topic, reports, name):
    text = tables.scores_csv(topic, [replace(reports[0], submission=name)])
    _, row = csv.reader(io.StringIO(text, newline=""))
    assert row[0] == "'" + name.replace("\r", "\n")
    assert row[2] == "6.0"


@pytest.mark.parametrize("name", ["amira", "a-b", "a=b", "'x", "1+1", "_x", "x@y.edu"])
def test_other_names_stay_as_they_are(topic, reports, name):
    text = tables.scores_csv(topic, [replace(reports[0], submission=name)])
    assert text.splitlines()[1].split(",")[0] == name
    assert text.startswith("submission,")


def test_excel_is_told_that_names_beyond_ascii_are_utf_8(topic, reports):
    text = tables.scores_csv(topic, [replace(reports[0], submission="王小明")])
    assert text.encode().startswith(b"\xef\xbb\xbfsubmission,")
    (row,) = csv.DictReader(text.encode().decode("utf-8-sig").splitlines())
    assert row["submission"] == "王小明"
