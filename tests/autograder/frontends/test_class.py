"""A class as its platform exports it, graded with its roster and deadlines, topic by topic as the files tell."""

import json
import shutil
import zipfile

import pytest

HEAD = "title: A miniature course\ntimezone: UTC\nlate: {per_day: 50%}\n"
METADATA = """\
submission_1:
  :submitters:
  - :name: Ada Lovelace
    :sid: '1'
    :email: ada@example.org
  :created_at: 2026-11-29 10:00:00.0 Z
submission_2:
  :submitters:
  - :name: Bo
    :sid: '2'
    :email: bo@example.org
  :created_at: 2026-12-01 10:00:00.0 Z
submission_3:
  :submitters:
  - :name: Cy
    :sid: '3'
    :email: cy@example.org
  :created_at: 2026-12-01 10:00:00.0 Z
"""
ROSTER = """\
Name;SID;Email;Section;Extension
Ada Lovelace;1;ada@example.org;A;
Bo;2;bo@example.org;B;
Cy;3;cy@example.org;B;2 days
Dee;4;dee@example.org;B;
"""


@pytest.fixture(scope="module")
def graded(kit, tmp_path_factory):
    """The grading's results by topic and name, its words, and OUT."""
    course = kit.course(tmp_path_factory.mktemp("class") / "course")
    for folder in ("exercises", "solutions", "tests/hidden"):
        shutil.copytree(course / folder / "01_mini", course / folder / "02_more")
        for path in (course / folder / "02_more").glob("*mini.py"):
            path.rename(path.with_name(path.name.replace("mini", "more")))
    text = (course / "course.yaml").read_text().partition("\n")[2]
    topic = text.partition("topics:\n")[2]
    deadline = topic.replace("    tasks:", "    deadline: 2026-11-30 23:59\n    tasks:")
    (course / "course.yaml").write_text(f"{HEAD}{text.replace(topic, deadline)}{topic.replace('01_mini', '02_more')}")
    with zipfile.ZipFile(course / "class.zip", "w") as archive:
        archive.writestr("assignment_1_export/submission_metadata.yml", METADATA)
        for name, file in (("1", "mini.py"), ("1", "more.py"), ("2", "Mini.py"), ("3", "mini.py")):
            archive.writestr(f"assignment_1_export/submission_{name}/{file}", kit.solution)
    (course / "class.csv").write_text(ROSTER)
    done = kit.run("grade", "class.zip", "--out", "out", "--roster", "class.csv", cwd=course)
    assert done.returncode == 0, done.stderr
    found = {
        topic: {path.stem: json.loads(path.read_text()) for path in sorted(path.glob("*.json"))}
        for topic, path in (("01_mini", course / "out/results"), ("02_more", course / "out/02_more/results"))
    }
    return found, done.stderr, course / "out"


def test_each_topic_that_was_handed_in_is_graded_in_its_place(graded):
    found, _, _ = graded
    assert {topic: set(results) for topic, results in found.items()} == {
        "01_mini": {"Ada Lovelace_1", "Bo_2", "Cy_3"}, "02_more": {"Ada Lovelace_1"}}  # fmt: skip
    assert found["02_more"]["Ada Lovelace_1"]["score"] == 6.0


def test_lateness_costs_what_the_course_says_and_the_roster_puts_it_off(graded):
    ada, bo, cy = graded[0]["01_mini"].values()
    assert (ada["score"], ada["handed_in"], "late_days" in ada) == (6.0, "2026-11-29T10:00:00+00:00", False)
    assert (bo["score"], bo["late_days"], bo["penalty"]) == (3.0, 1, 3.0)
    assert (cy["score"], "late_days" in cy, cy["notes"]) == (6.0, False, ["The deadline was put off to 2026-12-02 23:59+00:00."])
    assert bo["message"] == "Mini.py was read as mini.py: name it so next time."
    assert ada["person"] == {"id": "1", "name": "Ada Lovelace", "email": "ada@example.org", "section": "A"}


def test_who_has_handed_in_nothing_is_said_and_kept(graded):
    _, words, out = graded
    assert "1 on the roster, but handed in nothing: Dee" in words
    people = json.loads((out / "roster.json").read_text())["people"]
    assert [person["id"] for person in people] == ["1", "2", "3", "4"]
    assert (out / "roster.csv").read_text() == ROSTER


def test_files_that_tell_no_topic_ask_for_it(course, run, solution):
    (course / "handed-in").mkdir()
    (course / "handed-in/ada.py").write_text(solution)
    done = run("grade", "handed-in", "--out", "out", cwd=course)
    assert done.returncode == 2
    assert "no file's name tells its topic (ada): give --topic" in done.stderr
    assert not (course / "out").exists()
