"""A process that collects one suite after another sees the text of each, though pytest knows them by one name."""

import os

from autograder.course import load
from autograder.grading import suite

HIDDEN = "tests/hidden/01_mini/test_mini.py"


def titles(course):
    found = []
    suite.with_checks(load(course).topic("01_mini"), lambda checks: found.extend(check.title for check in checks))
    return found


def retitled(course, old, new):
    path = course / HIDDEN
    path.write_text(path.read_text().replace(old, new))
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))  # however coarse the file system's clock is
    return titles(course)


def test_a_suite_that_was_edited_and_that_of_another_course_are_read_anew(course, tmp_path_factory):
    before = titles(course)
    assert any("mean of each row" in title for title in before)
    assert titles(course) == before
    edited = retitled(course, "mean of each row", "average of each row")
    assert edited == [title.replace("mean of each row", "average of each row") for title in before]
    other = tmp_path_factory.mktemp("other") / "course"
    course.rename(other)
    assert retitled(other, "average of each row", "mean of a row") == [
        title.replace("mean of each row", "mean of a row") for title in before
    ]
