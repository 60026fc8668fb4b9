"""A digest changes with everything that decides a result, and with nothing else."""

from dataclasses import replace

import pytest

from autograder.course import load
from autograder.feedback.record import Settings
from autograder.grading import digest
from autograder.results import Person
from autograder.submission.handed_in import Submission

KEY = bytes(32)


def digests(course, **how):
    return digest.of_grading(load(course).topic("01_mini"), **{"settings": Settings(), "key": KEY, **how})


@pytest.mark.parametrize("place", ["tests/hidden/01_mini/test_mini.py", "tests/hidden/01_mini/values.txt",
                                   "solutions/01_mini/mini.py", "solutions/01_mini/mutants.py",
                                   "exercises/01_mini/mini.py"])  # fmt: skip
def test_it_changes_with_the_files_of_the_topic(course, place):
    before = digests(course)
    with (course / place).open("a") as file:
        file.write("# another line\n")
    assert digests(course) != before


def test_it_changes_with_the_course_s_entry_and_not_with_a_lesson_or_a_folder(course, tmp_path):
    before = digests(course)
    (course / "exercises/01_mini/README.md").write_text("another lesson")
    (course / "solutions/01_mini/__pycache__").mkdir(exist_ok=True)
    (course / "solutions/01_mini/__pycache__/mini.pyc").write_text("compiled")
    assert digests(course.rename(tmp_path / "elsewhere")) == before
    entry = tmp_path / "elsewhere/course.yaml"
    entry.write_text(entry.read_text().replace("points: 3", "points: 4", 1))
    assert digests(tmp_path / "elsewhere") != before


def test_it_changes_with_the_settings_the_secret_the_images_and_the_versions(course, monkeypatch):
    found = [
        digests(course),
        digests(course, key=bytes([1] * 32)),
        digests(course, data="other images"),
        *(digests(course, settings=replace(Settings(), **{name: "x"})) for name in ("data", "budget", "isolation", "device")),
    ]
    assert len(set(found)) == len(found)
    assert digests(course, settings=Settings(seed=3)) == found[0]  # its secret says it
    monkeypatch.setattr(digest, "versions", lambda: {"torch": "99"})
    assert digests(course) not in found


def test_the_versions_name_what_computes():
    assert digest.versions().keys() == {"python", "torch", "torchvision", "numpy", "kit"}


def test_each_submission_s_files_names_and_order_of_time_decide():
    def of(*, cleared=False, **how):
        whole = Submission(
            **{"name": "amira", "files": {"a.py": b"1", "b.py": b"2"}, "changed": {"a.py": 1.0, "b.py": 2.0}, **how}
        )
        return digest.of_submission(KEY, whole, cleared=cleared)

    found = [of(), of(files={"a.py": b"1", "b.py": b"3"}), of(files={"a.py": b"1", "c.py": b"2"}), of(files={"a.py": b"12"}),
             of(name="bo"), of(problem="It is a picture."), of(others=frozenset({"02_more"})), of(cleared=True),
             of(changed={"a.py": 3.0, "b.py": 2.0})]  # fmt: skip
    assert len(set(found)) == len(found)
    assert of(handed_in="2026-11-30T12:00:00", deadline="2026-12-01", person=Person("7"), notes=("Late.",)) == found[0]
    assert of(changed={"a.py": 7.0, "b.py": 8.5}) == of(files={"b.py": b"2", "a.py": b"1"}) == found[0]
    assert of(others=frozenset({"a", "b", "c"})) == of(others=frozenset({"c", "b", "a"}))
