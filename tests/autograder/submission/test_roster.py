"""A roster's people and their submissions, whatever platform either comes from."""

import re
from types import SimpleNamespace

import pytest

from autograder.errors import KitError
from autograder.results import Person
from autograder.submission.handed_in import Submission
from autograder.submission.roster import matched, read

TOPIC = SimpleNamespace(name="01_mini", deadline="2026-11-30T23:59:00")
ADA = Person("0123", "Ada Lovelace", "ada@example.org", "A")
ROSTERS = {
    "plain": """\
id,name,email,section
0123,Ada Lovelace,ada@example.org,A
9,王小明,wang@example.org,B
""",
    "Excel": """\
\ufeffStudent ID;Full Name;E-Mail;Section
0123;Ada Lovelace;ada@example.org;A
9;王小明;wang@example.org;B

""".replace("\n", "\r\n"),
    "Excel's Unicode text": """\
SID\tName\tEmail\tSection
0123\tAda Lovelace\tada@example.org\tA
9\t王小明\twang@example.org\tB
""",
    "Canvas": """\
Student,ID,SIS User ID,SIS Login ID,Section,HW 1 (7),Email
    Points Possible,,,,,20
"Lovelace, Ada",77,0123,al1,A,3,ada@example.org
"Student, Test",1,,x,A,
王小明,78,9,wang,B,,wang@example.org
""",
    "Moodle": """\
"First name",Surname,"ID number","Email address",Groups
Ada,Lovelace,0123,ada@example.org,A
小明,王,9,wang@example.org,B
""",
}


def roster(tmp_path, content):
    encoding = "utf-16" if "\t" in str(content) else "utf-8"
    (tmp_path / "class.csv").write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return read(tmp_path / "class.csv")


def whose(tmp_path, content, submissions, told=None):
    found = matched(roster(tmp_path, content), submissions, TOPIC, [].append if told is None else told.append)
    return {submission.name: submission.person.id for submission in found}


@pytest.mark.parametrize(
    ("content", "words"),
    [('id,name\n1,"Ada\n2,Bo\n', "class.csv:3: the roster is no CSV file: unexpected end of data"),
     ("id,name\n1,Ada,x\n", "row 2 has 3 cells, and the first one names 2 columns")],
)  # fmt: skip
def test_a_row_that_is_not_as_the_first_says_is_told(tmp_path, content, words):
    with pytest.raises(KitError, match=re.escape(words)):
        roster(tmp_path, content)
    assert len(roster(tmp_path, "id,name\n1,Ada,,\n2\n").people) == 2


@pytest.mark.parametrize("platform", ROSTERS)
def test_columns_go_by_the_names_that_platforms_give_them(tmp_path, platform):
    people = roster(tmp_path, ROSTERS[platform]).people
    assert people[0] == ADA
    assert (len(people), people[1].id, people[1].email, people[1].section) == (2, "9", "wang@example.org", "B")
    assert people[1].name in ("王小明", "小明 王")


@pytest.mark.parametrize(
    ("platform", "submission"),
    [
        ("plain", Submission("0123")),
        ("plain", Submission("ada lovelace")),
        ("plain", Submission("Ada_Lovelace")),
        ("plain", Submission("ada")),
        ("plain", Submission("Ada Lovelace_12345", person=Person("12345", "Ada Lovelace"))),
        ("plain", Submission("lovelaceada_77", person=Person("77", "lovelaceada"))),
        ("Canvas", Submission("lovelaceada_77", person=Person("77", "lovelaceada"))),
        ("Canvas", Submission("al1")),
        ("Moodle", Submission("x", person=Person(email="ADA@example.org"))),
    ],
)
def test_a_submission_finds_its_student_by_id_address_or_name(tmp_path, platform, submission):
    told = []
    assert whose(tmp_path, ROSTERS[platform], [submission], told) == {submission.name: "0123"}
    assert [text.partition(":")[0] for text in told] == ["1 on the roster, but handed in nothing"]


def test_the_instructor_hears_of_strangers_absentees_and_doubles(tmp_path):
    told = []
    content = b"id,name\n" + b"".join(b"%d,Student %d\n" % (n, n) for n in range(100, 115)) + b"1,Al Li\n2,Al Li\n"
    submissions = [Submission(name) for name in ("100", "Student 100", "eve", "Al Li")]
    assert whose(tmp_path, content, submissions, told) == {"100": "100", "Student 100": "100", "eve": "", "Al Li": ""}
    assert told[0].startswith("16 on the roster, but handed in nothing: Student 101, ")
    assert told[0].endswith("Student 110 and 6 more")
    assert told[1:] == [
        "2 not on the roster: eve, Al Li",
        "of one student on the roster, each graded by itself: 100, Student 100",
    ]


@pytest.mark.parametrize(
    ("columns", "cells", "deadline"),
    [
        ("extension", "2", "2026-12-02T23:59:00"),
        ("extension", "3 days", "2026-12-03T23:59:00"),
        ("extension", "2026-12-24 12:00", "2026-12-24T12:00:00"),
        ("Extension 01_mini,extension", "2026-12-24 12:00Z,1", "2026-12-24T12:00:00+00:00"),
        ("extension 02_other,deadline", "4,2026-12-24 12:00 -05:00", "2026-12-24T12:00:00-05:00"),
        ("extension", "", ""),
    ],
)
def test_a_student_can_have_more_time(tmp_path, columns, cells, deadline):
    people = roster(tmp_path, f"id,{columns}\n7,{cells}\n".encode())
    assert matched(people, [Submission("7")], TOPIC, [].append)[0].deadline == deadline


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"id,extension\n7,soon\n", r"class\.csv:2: extension 'soon' is neither a time"),
        (b"id,deadline\n\n7,2026-02-30 10:00\n", r"class\.csv:3: deadline '2026-02-30 10:00' is neither a time"),
        (b"colour,size\nred,3\n", "no column for an id, a name or an e-mail address; its first line is: colour,size"),
        (b"", "no CSV file|no column"),
        ("id,name\n1,José\n".encode("latin-1"), "not UTF-8; save it as CSV UTF-8"),
    ],
)
def test_what_is_wrong_with_a_roster_is_one_line(tmp_path, content, words):
    with pytest.raises(KitError, match=words):
        matched(roster(tmp_path, content), [Submission("7")], TOPIC, [].append)
