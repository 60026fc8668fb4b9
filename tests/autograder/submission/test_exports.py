"""A class as learning platforms hand it over: as a folder and as the zip that they make."""

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from autograder.errors import KitError
from autograder.submission import class_archive
from autograder.submission.bounds import MAX_BYTES, Unusable
from autograder.submission.choosing import Wanted
from autograder.submission.exports import parse_time
from autograder.submission.handed_in import find
from autograder.submission.opening import opened

STUB = Path(__file__).parents[1] / "mini_course/exercises/01_mini/mini.py"
SOLVED = STUB.read_bytes().replace(b"raise NotImplementedError", b"return 7")
TOPIC = SimpleNamespace(name="01_mini", module="mini.py", stub=STUB)
OLD = SOLVED + b"x = 1\n"
METADATA = """\
---
submission_101:
  :submitters:
  - :name: Ada Lovelace
    :sid: '0123'
    :email: ada@example.org
  :created_at: &1 2026-11-29 10:15:20.297460000 Z
  :score: !ruby/object:BigDecimal 18:0.1e1
  :history:
  - :created_at: *1
submission_102:
  :submitters:
  - :name: 王小明
    :sid:
    :email: wang@example.org
  - :name: Bo
    :sid: '9'
    :email: bo@example.org
  :created_at: 2026-11-30 00:00:01.0 Z
"""
BLACKBOARD = b"Name: Ada Lovelace (al1)\nAssignment: HW 1\nDate Submitted: Sunday, 29 November 2026 10:15:20 o'clock CET\n"

# platform → the files of its export; name → (who, notes, time, files beside the module)
EXPORTS = {
    "canvas": (
        {"lovelaceada_LATE_1234_5678_mini-2.py": SOLVED, "lovelaceada_LATE_1234_5679_helper.py": b"y = 1",
         "王小明_77_5680_mini.py": SOLVED, "smithjohn_5_1_mini.py": SOLVED, "smithjohn_6_2_mini.py": SOLVED,
         "anon_aB3d9_5_mini.py": SOLVED, "turing_8_link.html": b"<html><a href='https://x.org/a'>https://x.org/a</a></html>"},
        {"lovelaceada_1234": ("1234", "lovelaceada", "Canvas marks it as late.", "", {"helper.py"}),
         "王小明_77": ("77", "王小明", "", "", set()), "smithjohn_5": ("5", "smithjohn", "", "", set()),
         "smithjohn_6": ("6", "smithjohn", "", "", set()), "anon_aB3d9": ("anon_aB3d9", "", "", "", set()),
         "turing_8": "nothing but a link"},
    ),
    "moodle": (
        {"Ada Lovelace_12345_assignsubmission_file_/mini.py": SOLVED, "Ada Lovelace_12345_assignsubmission_file_/lib/a.py": b"",
         "Ada Lovelace_12345_assignsubmission_onlinetext_/onlinetext.html": b"<p>see file</p>",
         "Bo B_2_assignsubmission_file/mini.py": SOLVED, "C_3_assignsubmission_file_mini.py": SOLVED,
         "C_3_assignsubmission_file_helper.py": b"", "D_4_assignsubmission_onlinetext_/onlinetext.html": b"<p>I did it</p>"},
        {"Ada Lovelace_12345": ("12345", "Ada Lovelace", "", "", {"lib/a.py"}), "Bo B_2": ("2", "Bo B", "", "", set()),
         "C_3": ("3", "C", "", "", {"helper.py"}), "D_4": "only a text that was typed in"},
    ),
    "gradescope": (
        {"assignment_7_export/submission_metadata.yml": METADATA.encode(), "assignment_7_export/submission_101/mini.py": SOLVED,
         "assignment_7_export/submission_102/src/mini.py": SOLVED},
        {"Ada Lovelace_0123": ("0123", "Ada Lovelace", "", "2026-11-29T10:15:20+00:00", set()),
         "王小明": ("", "王小明", "Handed in together with Bo.", "2026-11-30T00:00:01+00:00", set()),
         "Bo_9": ("9", "Bo", "Handed in together with 王小明.", "2026-11-30T00:00:01+00:00", set())},
    ),
    "blackboard": (
        {"HW_1_al1_attempt_2026-11-29-10-15-20.txt": BLACKBOARD, "HW_1_al1_attempt_2026-11-29-10-15-20_mini.py": SOLVED,
         "HW_1_al1_attempt_2026-11-28-09-00-00_mini.py": OLD, "HW_1_al1_attempt_2026-11-28-09-00-00.txt": BLACKBOARD,
         "HW_1_bo_attempt_2026-11-29-10-15-20.txt": b"Name: Bo (bo)\n"},
        {"al1": ("al1", "Ada Lovelace", "2 attempts were handed in; the newest is graded, of 2026-11-29 10:15:20.",
                 "2026-11-29T10:15:20", set()),
         "bo": "only a text that was typed in"},
    ),
    "nbgrader": (
        {"submitted/ada/01_mini/mini.py": SOLVED, "submitted/ada/01_mini/timestamp.txt": b"2026-11-29 10:15:20.948203 UTC",
         "submitted/ada/02_other/mini.py": OLD, "submitted/ada/02_other/timestamp.txt": b"2026-11-29 10:15:20.948203 UTC",
         "submitted/bo/week 1/mini.py": SOLVED, "submitted/bo/week 1/timestamp.txt": b"2026-11-29 10:15:20 Europe/Berlin"},
        {"ada": ("ada", "", "", "2026-11-29T10:15:20+00:00", {"timestamp.txt"}),
         "bo": ("bo", "", "", "2026-11-29T10:15:20+01:00", {"timestamp.txt"})},
    ),
    "classroom": (
        {"week-1-submissions/week-1-ada/mini.py": SOLVED, "week-1-submissions/week-1-ada/.git/config": b"",
         "week-1-submissions/week-1-ada/venv/pyvenv.cfg": b"", "week-1-submissions/week-1-ada/venv/mini.py": b"",
         "week-1-submissions/week-1-bo-b/homework/mini.py": SOLVED},
        {"ada": ("ada", "", "", "", set()), "bo-b": ("bo-b", "", "", "", set())},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["folder", "zip"])
@pytest.mark.parametrize("platform", EXPORTS)
def test_an_export_has_each_student_once_with_name_time_and_files(tmp_path, platform, kind):
    files, expected = EXPORTS[platform]
    place = tmp_path / ("class" if kind == "folder" else "class.zip")
    if kind == "zip":
        with zipfile.ZipFile(place, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    for name, content in files.items() if kind == "folder" else ():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    told = []
    found = {submission.name: submission for submission in find(place, TOPIC, ["02_other"], told.append)}
    assert set(found) == set(expected)
    for name, seen in expected.items():
        submission = found[name]
        wanted = Wanted.of(TOPIC, submission.others)
        if isinstance(seen, str):
            with pytest.raises(Unusable, match=seen):
                opened(submission.files, submission.form, wanted, submission.changed)
            continue
        beside, note = opened(submission.files, submission.form, wanted, submission.changed)
        assert beside.pop("mini.py") == SOLVED
        assert (submission.person.id, submission.person.name, " ".join(submission.notes), submission.handed_in) == seen[:4]
        assert (set(beside), note) == (seen[4], "")
    assert told == []


def test_a_plain_folder_with_a_time_of_its_own_is_no_export(tmp_path):
    for name in ("ada", "bo", "mallory/01_mini"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "mini.py").write_bytes(SOLVED)
    (tmp_path / "mallory/01_mini/timestamp.txt").write_text("2000-01-01 00:00:00 UTC")
    assert all(submission.handed_in > "2026" for submission in find(tmp_path, TOPIC))


def test_plain_hand_ins_carry_their_newest_files_time(tmp_path):
    (tmp_path / "ada").mkdir()
    for number, path in enumerate([tmp_path / "ada/mini.py", tmp_path / "ada/helper.py", tmp_path / "bo.py"]):
        path.write_bytes(SOLVED)
        os.utime(path, (number * 60, number * 60))
    times = {submission.name: submission.handed_in for submission in find(tmp_path, TOPIC)}
    assert times == {"ada": "1970-01-01T00:01:00+00:00", "bo": "1970-01-01T00:02:00+00:00"}


def written(path, files, link):
    """An archive of the files, and of a link to a place outside; in a tar, one name is not UTF-8."""
    if path.suffix == ".zip":
        info = zipfile.ZipInfo(link)
        info.external_attr = 0o120777 << 16
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files:
                archive.writestr(name, content)
            archive.writestr(info, "/etc/passwd")
        return
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1_700_000_000
            archive.addfile(info, io.BytesIO(content))
        info = tarfile.TarInfo(link)
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)


@pytest.mark.parametrize("form", ["class.zip", "class.tar", "class.tar.gz"])
def test_a_classs_archive_is_unpacked_without_harm(tmp_path, monkeypatch, form):
    files = {
        "hw/ada/mini.py": SOLVED, "../up.py": b"x", "/etc/up.py": b"x", "hw/bo/mini.py": bytes(MAX_BYTES + 9),
        "hw/ada/venv/big.py": b"x", "hw/ada/train.bin": bytes(2 << 20), "hw/ada": b"x", "hw/cy.zip": b"PK\x03\x04 hostile",
        "__MACOSX/hw/._ada": b"", f"hw/{'n' * 300}.py": b"x", "hw/-x.py": SOLVED, "hw/😀.py": SOLVED,
    }  # fmt: skip
    written(tmp_path / form, files.items(), "mal/link.py")
    told = []
    (tmp_path / "out").mkdir()
    class_archive.unpack(tmp_path / form, tmp_path / "out", told.append)
    there = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert there == {"hw/ada/mini.py", "hw/bo/mini.py", "hw/cy.zip", "hw/-x.py", "hw/😀.py"}
    assert (tmp_path / "out/hw/bo/mini.py").stat().st_size == MAX_BYTES + 1
    assert not (tmp_path / "up.py").exists()
    assert f"5 entries of {form} have names that no file can have, or are there twice" in told[0]
    monkeypatch.setattr(class_archive, "MOST_BYTES", 1 << 20)
    (tmp_path / "again").mkdir()
    with pytest.raises(KitError, match="unpacks to more than"):
        class_archive.unpack(tmp_path / form, tmp_path / "again", told.append)


def test_students_whose_names_are_not_utf8_stay_apart_in_a_tar_and_have_their_time(tmp_path):
    written(tmp_path / "class.tar", [("ren\udce9/mini.py", SOLVED), ("ren\udce8/mini.py", OLD)], "x")
    found = {submission.handed_in for submission in find(tmp_path / "class.tar", TOPIC)}
    assert len(find(tmp_path / "class.tar", TOPIC)) == 2
    assert found == {"2023-11-14T22:13:20+00:00"}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("class.zip", b"PK\x03\x04 not really", "not a zip archive"), ("class.zip", b"", "not a zip archive"),
     ("class.zip", None, "there is no such folder"), ("class.tar", b"not really", "not a tar archive"),
     ("class.tgz", gzip.compress(b"not really", mtime=0), "not a tar archive"), ("class.tar.xz", b"", "not a tar archive")],
)  # fmt: skip
def test_a_classs_archive_that_cannot_be_read_is_named(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(KitError, match=words):
        find(tmp_path / name, TOPIC)


def test_a_locked_class_and_damaged_metadata_are_one_line(tmp_path):
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr("ada.py", SOLVED)
    content = (tmp_path / "class.zip").read_bytes()
    (tmp_path / "class.zip").write_bytes(content.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\x01\0"))
    with pytest.raises(KitError, match="encrypted; unpack it with its password"):
        find(tmp_path / "class.zip", TOPIC)
    (tmp_path / "class").mkdir()
    (tmp_path / "class/submission_metadata.yml").write_text("a: [")
    with pytest.raises(KitError, match="not what Gradescope writes"):
        find(tmp_path / "class", TOPIC)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2015-02-02 15:58:23.948203 UTC\n", "2015-02-02T15:58:23+00:00"),
        ("2015-02-02 15:58:23 America/Los_Angeles", "2015-02-02T15:58:23-08:00"),
        ("2015-02-02 15:58 +0100", "2015-02-02T15:58:00+01:00"),
        ("2015-02-02 15:58:23 PST", "2015-02-02T15:58:23"),
        ("2015-02-30 15:58:23 UTC", ""),
        ("2015-02-02 15:58:23 ../../etc", ""),
        ("yesterday", ""),
    ],
)
def test_times_as_platforms_write_them(text, time):
    assert parse_time(text) == time
