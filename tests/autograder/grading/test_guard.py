"""OUT is one grading's at a time, and what cannot be written is said before the work."""

import os
import subprocess
import sys
from collections import namedtuple

import pytest

from autograder.errors import KitError
from autograder.grading import guard


def test_a_second_grader_is_refused_until_the_first_has_ended(tmp_path):
    busy = "another grading is at work in it: wait until it has ended"
    with guard.claimed(tmp_path), pytest.raises(KitError, match=busy), guard.claimed(tmp_path):
        pass
    with guard.claimed(tmp_path):
        pass


def test_a_grader_that_was_killed_keeps_nobody_out(tmp_path):
    source = (
        "import os, pathlib, sys\nfrom autograder.grading import guard\n"
        "with guard.claimed(pathlib.Path(sys.argv[1])):\n os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", source, tmp_path], check=False)
    assert ended.returncode < 0
    with guard.claimed(tmp_path):
        pass


def test_an_out_that_was_made_for_nothing_vanishes_and_any_other_stays(tmp_path):
    with guard.claimed(tmp_path / "new"):
        guard.require_room(tmp_path / "new", 3)
        (tmp_path / "new/secret").write_text("drawn")
    assert not (tmp_path / "new").exists()
    with guard.claimed(tmp_path / "new"):
        (tmp_path / "new/notes.txt").write_text("an instructor's")
    with guard.claimed(tmp_path / "new"):
        pass
    assert (tmp_path / "new/notes.txt").exists()
    with guard.claimed(tmp_path / "kept"):
        (tmp_path / "kept/results").mkdir()
        (tmp_path / "kept/results/amira.json").write_text("{}")
    assert (tmp_path / "kept/results/amira.json").exists()


def test_an_out_that_cannot_be_made_or_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(KitError, match="the results cannot be written"), guard.claimed(tmp_path / "file/out"):
        pass
    (tmp_path / "out").mkdir()
    (tmp_path / "out/results").symlink_to("/proc/1/fdinfo")  # a folder that takes no file from anybody
    with pytest.raises(KitError, match="the results cannot be written"):
        guard.require_room(tmp_path / "out", 1)


def test_too_little_room_is_said_with_what_is_needed(tmp_path, monkeypatch):
    disk = namedtuple("disk", "f_bavail f_frsize")
    monkeypatch.setattr(os, "statvfs", lambda _: disk(512, 4096))
    guard.require_room(tmp_path, 1)
    with pytest.raises(
        KitError, match=r"there are 2\.0 MB free, and 300 results may need 19\.8 MB: make room, or give another OUT"
    ):
        guard.require_room(tmp_path, 300)
    assert list(tmp_path.iterdir()) == []
