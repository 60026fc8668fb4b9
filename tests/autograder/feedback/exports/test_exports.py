"""Each export is read back: by a schema written after the format's description, or by a parser."""

import csv
import io
import json
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import made_up
import pytest

from autograder.course import load
from autograder.errors import KitError
from autograder.feedback import exports, pages
from autograder.feedback.class_view import Around
from autograder.feedback.exports.formats import FORMATS
from autograder.feedback.exports.of_class import OfClass
from autograder.feedback.lesson import Lesson
from autograder.results import Person, Status, SubmissionStatus

TOPIC = load(Path(__file__).parents[4]).topic("03_nn")
NUMBER, TEXT = {"type": "number"}, {"type": "string"}
GRADESCOPE = {  # https://gradescope-autograders.readthedocs.io/en/latest/specs/
    "type": "object",
    "required": ["score"],
    "additionalProperties": False,
    "properties": {
        "score": NUMBER, "execution_time": NUMBER, "output": TEXT, "output_format": {"enum": ["text", "html", "md", "ansi"]},
        "visibility": {"enum": ["hidden", "after_due_date", "after_published", "visible"]},
        "stdout_visibility": {"enum": ["hidden", "after_due_date", "after_published", "visible"]},
        "extra_data": {"type": "object"},
        "tests": {"type": "array", "items": {"type": "object", "additionalProperties": False, "properties": {
            "score": NUMBER, "max_score": NUMBER, "name": TEXT, "number": TEXT, "output": TEXT, "tags": {"type": "array"},
            "status": {"enum": ["passed", "failed"]}, "output_format": {"enum": ["text", "html", "md", "ansi"]},
            "visibility": {"enum": ["hidden", "after_due_date", "after_published", "visible"]}, "extra_data": {"type": "object"},
        }}},
    },
}  # fmt: skip
URLS = ("submission", "commit", "release", "review", "datetime")
CLASSROOM50 = {  # https://github.com/foundation50/classroom50/wiki/Advanced-Autograding
    "type": "object",
    "required": ["schema", "classroom", "assignment", "owner", *URLS, "score", "max-score", "tests"],
    "properties": {
        "schema": {"const": "classroom50/result/v1"}, "assignment_type": {"enum": ["individual", "group"]},
        **dict.fromkeys(["classroom", "assignment", "owner", *URLS], TEXT),
        "score": {"type": "integer"}, "max-score": {"type": "integer"},
        "tests": {"type": "array", "items": {"required": ["test-name", "passed", "score", "max-score"], "properties": {
            "test-name": TEXT, "passed": {"type": "boolean"}, "score": {"type": "integer"}, "max-score": {"type": "integer"}}}},
    },
}  # fmt: skip
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Neural networks (7001),Essay (7002),Current Score\r\n"
    "    Points Possible,,,,,40.0,10,(read only)\r\n"
    '"Bo, Ann",11,000001,ann@x.edu,A,,9,\r\n'
    '"Lee, Kim",12,000002,kim@x.edu,A,3.5,,\r\n'
    '"Roe, =Jo",13,,jo@x.edu,B,,"1,5",\r\n'
    '"Test, Student",14,,,B,,,\r\n'
)
WORKSHEET = (
    "Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,Last modified (grade),Feedback comments\n"
    "Participant 77,Ann Bo,ann@x.edu,Submitted,,100.00,Yes,-,\n"
    "Participant 78,Kim Lee,kim@x.edu,No submission,12.00,100.00,Yes,-,As before\n"
)


@pytest.fixture(scope="module")
def reports():
    return made_up.reports(TOPIC, 60)


@pytest.fixture(scope="module")
def three():
    """Ann has half of the points, Kim's cannot be read, Jo is known by name alone."""
    people = [Person("000001", "Ann Bo", "ann@x.edu"), Person("000002", "Kim Lee", "kim@x.edu"), Person("", "=Jo Roe", "")]
    made = [made_up.report(TOPIC, name, 1.0, person=person, score=score) for name, person, score in
            zip(("ann", "kim", "jo"), people, (10.0, 0.0, 20.0), strict=True)]  # fmt: skip
    return [made[0], replace(made[1], status=SubmissionStatus.UNREADABLE, message="=No file"), made[2]]


def made(name, reports, **more):
    taught, around = Lesson(), Around()
    return FORMATS[name](OfClass(TOPIC, reports, lambda report: pages.page(report, taught, around, backed=False), **more))


def rows(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def unscored(reports):
    return {each.submission for each in reports if each.status in ("unreadable", "broken")}


def test_every_format_is_told_and_none_that_is_not_there():
    assert list(exports.ABOUT) == list(FORMATS)


@pytest.mark.parametrize("name", sorted(FORMATS.keys() - {"canvas"}))
def test_the_same_results_make_the_same_bytes_and_without_any_there_is_no_fault(reports, name):
    assert made(name, reports).files == made(name, reports).files
    made(name, [])


def test_the_table_tells_no_score_from_zero(reports):
    (content,) = made("csv", reports).files.values()
    found = rows(content)
    assert len(found) == 60
    for row, report in zip(found, reports, strict=True):
        assert (row["score"] == "") == (report.submission in unscored(reports))
        assert (row["Net"] == "") == (row["score"] == "")
        assert row["score"] in ("", str(report.score))
        assert row["id"] == report.person.id
    zeros = rows(*made("csv", reports, zero_unreadable=True).files.values())
    assert {row["score"] for row in zeros if row["status"] == "unreadable"} == {"0.0"}
    assert {row["score"] for row in zeros if row["status"] == "broken"} == {""}


@pytest.mark.parametrize("name", ["csv", "moodle"])
def test_no_cell_starts_a_formula(three, name):
    odd = [replace(each, submission=f"=cmd{number}", message="@x", handed_in="+1", person=Person("-1", "=a", "\t=b", "@c"))
           for number, each in enumerate(three)]  # fmt: skip
    (content,) = made(name, odd).files.values()
    for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")):
        assert not [cell for cell in row if cell.lstrip()[:1] in tuple("=+-@")]


@pytest.mark.parametrize("name", ["moodle", "gradescope"])
def test_points_that_lateness_cost_are_told(reports, name):
    late = replace(reports[20], status=SubmissionStatus.GRADED, submission="late", late_days=2, penalty=1.5)
    (content,) = made(name, [late]).files.values()
    assert "Days late: 2, points lost by it: 1.5." in content.decode()


def test_gradescope_reads_each_result(reports):
    export = made("gradescope", reports)
    assert {path.removesuffix(".json") for path in export.files} == {each.submission for each in reports} - unscored(reports)
    assert "without a score" in export.remarks[0]
    for report in reports:
        if report.submission in unscored(reports):
            continue
        found = json.loads(export.files[f"{report.submission}.json"])
        jsonschema.validate(found, GRADESCOPE)
        assert found["score"] == report.score
        assert sum(test["max_score"] for test in found["tests"]) == report.max_score
        wrong = [task.hint in test["output"] for task, test in zip(report.tasks, found["tests"], strict=True)
                 if task.status is not Status.PASSED]  # fmt: skip
        assert all(wrong)


def test_classroom_50_reads_each_result_and_its_score_is_the_sum_of_its_tests(reports, monkeypatch):
    late = replace(
        reports[20], status=SubmissionStatus.GRADED, submission="late", late_days=2, penalty=1.5, score=reports[20].score - 1.5
    )
    monkeypatch.setenv("CLASSROOM", "fall")
    export = made("classroom50", [*reports, late])
    for path, content in export.files.items():
        found = json.loads(content)
        jsonschema.validate(found, CLASSROOM50)
        assert path == f"{found['owner']}/result.json"
        assert found["score"] == sum(test["score"] for test in found["tests"])
        assert (found["max-score"], found["classroom"], found["assignment"]) == (2000, "fall", "03_nn")
        assert found["datetime"] == "2026-11-28T23:59:00Z"
    assert json.loads(export.files["late/result.json"])["tests"][-1] == {
        "test-name": "days late", "passed": False, "score": -150, "max-score": 0, "days": 2,
    }  # fmt: skip


def test_junit_s_xml_is_well_formed_and_its_counts_are_right(reports):
    odd = replace(reports[0], submission='\x00\ufffe<&>"', message="]]> \x1b")
    (content,) = made("junit", [*reports, odd]).files.values()
    root = ET.fromstring(content)
    assert root.tag == "testsuites"
    assert len(root) == 61
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases) == len(TOPIC.tasks)
        for tag in ("failure", "error", "skipped"):
            attribute = {"failure": "failures", "error": "errors", "skipped": "skipped"}[tag]
            assert int(suite.get(attribute)) == len(suite.findall(f"testcase/{tag}"))
        if suite.get("name") in unscored(reports):
            assert suite.get("skipped") == suite.get("tests")
    assert int(root.get("tests")) == 61 * len(TOPIC.tasks)


def test_canvas_s_gradebook_gets_the_scores_and_keeps_all_else(three):
    export = made("canvas", three, given=CANVAS)
    text = export.files["canvas.csv"].decode()
    assert text == CANVAS.replace("ann@x.edu,A,,9", "ann@x.edu,A,20,9").replace('jo@x.edu,B,,"1,5"', 'jo@x.edu,B,40,"1,5"')
    assert "kim" in export.remarks[-1]
    zero = made("canvas", three, given=CANVAS, zero_unreadable=True).files["canvas.csv"].decode()
    assert "kim@x.edu,A,0,," in zero


def test_canvas_s_gradebook_in_another_language_s_csv(three):
    given = "\ufeff" + CANVAS.replace(",", ";").replace("\r\n", "\n")
    text = made("canvas", three[:1], given=given).files["canvas.csv"].decode()
    assert text.startswith("\ufeffStudent;ID")
    assert "ann@x.edu;A;20;9" in text


@pytest.mark.parametrize(
    ("given", "column", "words"),
    [
        ("", "", "--from"),
        (CANVAS.replace("Neural networks", "Other"), "", "no column for 03_nn or Neural networks: give --column"),
        (CANVAS.replace("Essay", "Neural networks"), "", "2 columns"),
        (CANVAS, "Nothing", "no column for Nothing"),
    ],
)
def test_a_gradebook_without_a_column_that_is_surely_the_topic_s_is_refused(three, given, column, words):
    with pytest.raises(KitError, match=words):
        made("canvas", three, given=given, column=column)


def test_who_has_no_row_is_named_and_no_row_gets_two_scores(three):
    twice = replace(three[0], submission="again")
    export = made("canvas", [*three, twice, replace(three[0], submission="x", person=Person("9", "No One"))], given=CANVAS,
                  column="Essay")  # fmt: skip
    assert "no row of the exported gradebook is theirs: again, x" in export.remarks[0]


def test_moodle_s_import_has_a_row_for_each_score(three):
    export = made("moodle", three)
    found = rows(export.files["moodle.csv"])
    assert [(row["Username"], row["03_nn"]) for row in found] == [("ann", "10.0"), ("jo", "20.0")]
    assert "kim" in export.remarks[0]


def test_moodle_s_worksheet_gets_the_grade_and_the_comments(three):
    task = replace(three[0].tasks[0], status=Status.FAILED, message="Wrong values.")
    ann = replace(three[0], tasks=(task, *three[0].tasks[1:]))
    found = rows(made("moodle", [ann, three[1]], given=WORKSHEET).files["moodle.csv"])
    assert [row["Grade"] for row in found] == ["50", "12.00"]
    assert [row["Feedback comments"] for row in found] == ["Net: failed. Wrong values.", "As before"]


def test_feedback_zip_has_a_page_for_each_student_whose_links_work_in_it(reports):
    with zipfile.ZipFile(io.BytesIO(made("feedback", reports).files["feedback.zip"])) as archive:
        assert {name.removesuffix(".html") for name in archive.namelist()} == {each.submission for each in reports}
        links, parser = [], HTMLParser()
        parser.handle_starttag = lambda tag, attributes: links.extend(
            value for name, value in attributes if name in ("href", "src")
        )
        for name in archive.namelist():
            parser.feed(archive.read(name).decode())
    assert links == []  # the lesson is not among these
