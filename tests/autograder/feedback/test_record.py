"""grading.json: what it holds is read back, says what differs, and how much of a class is graded."""

from dataclasses import replace
from pathlib import Path

import pytest

from autograder.errors import KitError
from autograder.feedback import record
from autograder.feedback.record import Record, Settings
from autograder.results import Report, SubmissionStatus

KNOWN = Record(
    "01_mini", "A course", Settings(seed=3), {"torch": "2"}, {"/in": {"amira": "a1", "王": "b2"}}, True, {"amira": "c3"}
)


def test_what_is_written_is_read_back(tmp_path):
    record.write(tmp_path, KNOWN)
    assert record.read(tmp_path) == KNOWN
    assert record.read(tmp_path / "nowhere") is None


def test_one_that_says_no_settings_differs_from_none_and_stays_so(tmp_path):
    (tmp_path / "grading.json").write_text('{"schema": 1, "topic": "01_mini"}')
    old = record.read(tmp_path)
    assert old == Record("01_mini")
    assert record.difference(old, "A course", Settings(seed=1)) == ""
    record.write(tmp_path, old)
    assert record.read(tmp_path) == old


@pytest.mark.parametrize("text", ["", "[]", '{"topic": "x", "settings": {"odd": 1}}', '{"topic": "x", "submissions": [1]}'])
def test_a_foreign_record_is_named(tmp_path, text):
    (tmp_path / "grading.json").write_text(text)
    with pytest.raises(KitError, match=r"grading\.json: not written by this kit; remove it to start afresh"):
        record.read(tmp_path)


@pytest.mark.parametrize(
    ("course", "settings", "words"),
    [
        ("A course", Settings(), ""),
        ("A course", Settings(seed=3), ""),
        ("A course", Settings(seed=4), "seed: 3, now 4"),
        ("Another", Settings(), "course: A course, now Another"),
        ("A course", Settings(isolation="reduced"), "isolation: full, now reduced"),
        ("A course", Settings(device="cuda", budget="long"), "budget: as the course says, now long; device: simulated, now cuda"),
    ],
)
def test_what_differs_is_named(course, settings, words):
    assert record.difference(KNOWN, course, settings) == words


def test_a_seed_differs_from_a_secret_that_was_drawn():
    drawn = replace(KNOWN, settings=Settings())
    assert record.difference(drawn, "A course", Settings(seed=0)) == "seed: drawn, now 0"


def test_a_name_is_of_the_folder_that_had_it_last(tmp_path):
    now = KNOWN.with_submissions(tmp_path, {"amira": "c3"})
    assert now.submissions == {"/in": {"王": "b2"}, str(tmp_path): {"amira": "c3"}}
    assert now.with_submissions(Path("/in"), {"amira": "a1"}).submissions == {"/in": {"amira": "a1"}}


def test_only_results_of_what_was_handed_in_last_count_as_graded():
    def report(name, digest, status=SubmissionStatus.GRADED):
        return Report("01_mini", name, status, 1.0, 2.0, "", "full", 0.1, digest=digest)

    assert KNOWN.state([report("amira", "a1"), report("王", "b2")]) == ""
    assert KNOWN.state([report("amira", "a1"), report("王", "b1"), report("other", "")]) == "1 of 2 graded so far"
    assert KNOWN.state([report("amira", "a1", SubmissionStatus.BROKEN)]) == "0 of 2 graded so far"
