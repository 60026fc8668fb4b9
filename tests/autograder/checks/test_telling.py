"""How `pytest exercises/TOPIC` ends: each open task told once, a table, the next task; and which tasks `-k` selects."""

import os
import re
import sys
import types
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import torch  # noqa: F401  once, and not in each of the runs below

from autograder import language
from autograder.checks import telling
from autograder.language import chosen
from autograder.text import columns

pytest_plugins = ["pytester"]
TOPIC = "exercises/01_mini"


@pytest.fixture
def check(course, pytester, monkeypatch):
    """Write the learner's module, and run pytest on the topic in this process; returns what it said."""

    def run(module, *options, target=TOPIC, code=1, width="100"):
        monkeypatch.chdir(course)
        monkeypatch.setenv("COLUMNS", width)
        monkeypatch.setenv(language.VARIABLE, "en")  # which --lang sets for this process and those that it starts
        monkeypatch.setattr(chosen._Current, "language", None)
        path = course / TOPIC / "mini.py"
        if module is None:
            module = ""
        else:
            path.write_bytes(module if isinstance(module, bytes) else module.encode())
            os.utime(path, ns=(1, 1))
        if b"while True" not in (module if isinstance(module, bytes) else module.encode()):
            settings = course / "course.yaml"
            settings.write_text(settings.read_text().replace("check_seconds: 2", "check_seconds: 90"))
        done = pytester.runpytest_inprocess(
            "-p", "no:cacheprovider", "-p", "no:hypothesispytest", *options, *([target] if target else [])
        )
        assert done.ret == code, done.stdout.str() + done.stderr.str()
        return done.stdout.str()

    return run


def table(text):
    rows = re.split(r"=+ public checks.* =+\n", text)[1].splitlines()
    return rows[: next(number for number, row in enumerate(rows) if re.search(r" in \d+\.\d+s|^=", row))]


@pytest.fixture
def wrong(solution):
    """A wrong mean, a derivative that is done, and a class that is not."""
    return solution.replace("t.mean(1)", "t.mean(1, keepdim=True)").replace("x * self.factor", "x * self.factr")


def test_each_task_is_told_once_and_the_table_says_what_is_next(check, wrong):
    said = check(wrong)
    assert "3 failed, 1 passed" in said
    failures = said[said.index("= FAILURES =") : said.index("= public checks")]
    assert re.findall(r"^_+ (\w+) _+$", failures, re.MULTILINE) == ["test_row_means__example", "test_Scale__example"]
    assert "\n  Also: It gives one number a row. " in failures
    assert table(said) == [
        "row_means  failed  expected: it gives the mean of each row",
        "slope      done",
        "Scale      error   expected: it multiplies its input",
        "Public checks passed: 1 of 3 tasks, 2 of 6 points.",
        "Next: row_means. A hint: autograder hint row_means",
    ]
    assert "short test summary" not in said
    assert "all tests" not in said


def test_what_was_asked_for_with_r_is_shown(check, wrong):
    said = check(wrong, "-rf")
    assert said.count("FAILED exercises/01_mini/test_mini.py::") == 3
    assert "public checks" not in check(wrong, "--no-summary")


def test_all_done_says_so_and_no_more(check, solution):
    assert table(check(solution, code=0)) == [
        "row_means  done", "slope      done", "Scale      done", "Public checks passed: 3 of 3 tasks, 6 of 6 points."
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("def row_means(t:\n", "mini.py does not parse: '(' was never closed, line 1"),
        ("# 中文\nx = '\u4e2d\u6587'\n".encode("gbk"), "mini.py is not UTF-8: save it again as UTF-8."),
        ('"""平均值"""\nx = 1\n'.encode("gbk"), "mini.py is not UTF-8: save it again as UTF-8."),
        ("x = '\\Users'\nx = '\\N'\n", "mini.py does not parse: (unicode error) 'unicodeescape' codec can't decode"),
        ("while True: pass", "It took longer than 2 s to import mini.py (line 1 of mini.py: `while True: pass`)"),
    ],
)
def test_a_module_that_cannot_be_checked_is_one_message(check, module, words):
    said = check(module)
    assert said.count(words) == 1
    assert "Stuck?" not in said
    assert "No task of it can be checked until that is mended." in said
    assert table(said)[0] == "01_mini: mini.py cannot be checked yet"
    assert "4 failed in" in said


def test_byte_order_mark_and_carriage_returns_are_no_matter(check, solution):
    check(b"\xef\xbb\xbf" + solution.replace("\n", "\r\n").encode(), code=0)


def test_in_forty_columns_no_line_of_the_table_is_wider_and_no_colour_is_none(check, wrong, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    said = check(wrong, width="40")
    assert max(map(len, table(said)[:3])) <= 40
    assert "\x1b" not in said
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b" in check(wrong, "--color=yes")


def test_a_run_of_some_checks_says_what_it_left_out(check, wrong):
    said = check(wrong, "-x")
    assert table(said)[:2] == ["row_means  failed  expected: it gives the mean of each row",
                               "not checked in this run: slope, Scale"]  # fmt: skip
    one = check(wrong, target=f"{TOPIC}/test_mini.py::test_row_means__shape")
    assert "1 failed in" in one
    said = check(wrong.replace(", keepdim=True", ""), target=f"{TOPIC}/test_mini.py::test_row_means__shape", code=0)
    assert table(said)[0] == "row_means  1 of 2 pass"
    assert "in this run: 0 of 1 tasks" in said


def test_collecting_alone_and_quiet_and_verbose_runs(check, wrong):
    collected = check(wrong, "--co", "-q", code=0)
    assert "test_mini.py::test_slope__example" in collected
    assert "public checks" not in collected
    assert len(table(check(wrong, "-q"))) == 5
    assert "test_slope__example PASSED" in check(wrong, "-v")
    assert "printed by me" in check(wrong + "\nprint('printed by me')", "-s")


def test_reports_for_other_programs_keep_each_check(check, wrong, course):
    check(wrong, "--junitxml=report.xml")
    cases = ET.parse(course / "report.xml").findall(".//testcase")
    failed = {case.get("name"): case.find("failure").text for case in cases if case.find("failure") is not None}
    assert set(failed) == {"test_row_means__example", "test_row_means__shape", "test_Scale__example"}
    assert all(text.startswith(("row_means: failed", "Scale: error")) for text in failed.values())


def test_several_processes_end_in_one_table(check, wrong):
    said = check(wrong, "-n2")
    assert len(re.findall(r"^_+ .*test_\w+ _+$", said, re.MULTILINE)) == 2
    assert table(said)[0] == "row_means  failed  expected: it gives the mean of each row"
    assert table(said)[1] == "slope      done"


SELECTED = {
    "slope": {"slope"},
    "SLOPE": {"slope"},
    "not slope": {"row_means", "Scale", "mini"},
    "scale or row_means": {"Scale", "row_means"},
    "01_mini and example": {"row_means", "slope", "Scale"},
    "mini": {"mini"},
}


@pytest.mark.parametrize("expression", SELECTED)
def test_a_tasks_name_selects_that_task(check, solution, course, expression):
    suite = course / TOPIC / "test_mini.py"
    suite.write_text(suite.read_text() + '\n\ndef test_mini__slope_and_Scale(student):\n    """is there"""\n')
    text = (course / "course.yaml").read_text()
    (course / "course.yaml").write_text(text + '      mini: {points: 1, hint: "In each name."}\n')
    said = check(solution, "--co", "-q", "-k", expression, code=0)
    assert set(re.findall(r"::test_(\w+?)__", said)) == SELECTED[expression]


def test_a_task_that_rests_on_an_open_one_says_so(check, solution):
    calls = solution.replace("return t.mean(1)", "raise NotImplementedError").replace("return x * ", "return times(x) * ")
    calls += "\n\ndef times(x):\n    return row_means(x)\n"
    said = check(calls)
    assert "  Scale uses row_means, which is not done yet: start there." in said
    assert sum("start there" in row for row in table(said)) == 1
    assert "start there" not in check(calls.replace("raise NotImplementedError", "return t.mean(1)"))


class Recording:
    """Stands in for the debugger, and writes where it was to stop."""

    def __init__(self, **_):
        self.quitting = False

    def reset(self):
        pass

    def interaction(self, frame, traceback):
        link = getattr(traceback, "__traceback__", traceback)
        while link.tb_next is not None:
            link = link.tb_next
        STOPS.append(f"{Path(link.tb_frame.f_code.co_filename).name}:{link.tb_lineno}")


STOPS = []


def test_the_debugger_stops_at_the_learners_line_or_at_the_checks(check, wrong, monkeypatch):
    monkeypatch.setitem(sys.modules, "recording", types.SimpleNamespace(Recording=Recording))
    check(wrong, "--pdb", "--pdbcls=recording:Recording")
    line = next(number for number, text in enumerate(wrong.splitlines(), 1) if "factr" in text)
    assert [stop.partition(":")[0] for stop in STOPS] == ["test_mini.py", "test_mini.py", "mini.py"]
    assert STOPS[2] == f"mini.py:{line}"


def test_a_module_that_is_not_where_it_belongs_is_one_line(check, solution, course):
    path = course / TOPIC / "mini.py"
    path.unlink()
    assert "There is no mini.py in exercises/01_mini" in check(None)
    path.mkdir()
    assert "exercises/01_mini/mini.py is a folder" in check(None)
    path.rmdir()
    text = (course / "course.yaml").read_text()
    other = "  02_other:\n    title: Another\n    tasks:\n"
    tasks = "".join(f'      {name}: {{points: 1, hint: "It is."}}\n' for name in ("this", "that"))
    (course / "course.yaml").write_text(text + other + tasks)
    said = check("def this(): ...\ndef that(): ...\n")
    assert said.count("mini.py lacks the tasks of 01_mini, and has this, that of 02_other: is it in the wrong folder?") == 1
    assert "4 failed in" in said


def test_in_chinese_the_tables_head_is_as_wide_as_the_terminal(check, solution):
    said = check(solution, "--lang", "zh", width="80", code=0)
    head = next(line for line in said.splitlines() if "的公开检查" in line)
    assert head.startswith("=")
    assert 78 <= columns(head) <= 80


def test_a_further_check_is_said_as_a_whole_so_that_its_sentences_join_as_the_language_has_it(check, solution, monkeypatch):
    monkeypatch.setattr(telling, "say", lambda text: f"<{text}>")
    said = check(solution.replace("t.mean(1)", "t.mean(0)").replace("mean(dim=1)", "mean(dim=0)"))
    assert "  <Also: It gives one number a row. The result should have shape (4,), but it has shape (3,).>" in said
