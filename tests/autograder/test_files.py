"""A file is there whole or not at all, whatever happens while it is written."""

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest

from autograder.errors import KitError
from autograder.files import refusal, write_atomically, written_whole, zipped


def test_the_text_is_there_in_folders_that_are_made(tmp_path):
    path = tmp_path / "a/b/text.json"
    write_atomically(path, "Größe 张\r\n")
    assert path.read_bytes() == "Größe 张\r\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_until_the_block_ends_a_reader_sees_what_was_there(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(b"old")
    with written_whole(path) as file:
        file.write(b"new" * 100_000)
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new" * 100_000


def test_a_reader_who_has_the_old_file_open_keeps_it(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_atomically(path, "new")
        assert reader.read() == b"old"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("before", [None, b"old"])
def test_a_block_that_fails_leaves_nothing_behind(tmp_path, error, before):
    path = tmp_path / "data"
    if before:
        path.write_bytes(before)

    def fail():
        with written_whole(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert [p.read_bytes() for p in tmp_path.iterdir()] == ([before] if before else [])


def test_a_file_that_cannot_take_its_place_leaves_nothing_behind(tmp_path):
    path = tmp_path / "folder"
    (path / "in it").mkdir(parents=True)
    with pytest.raises(OSError, match="folder"):
        write_atomically(path, "text")
    assert list(tmp_path.iterdir()) == [path]


def test_a_text_that_cannot_be_encoded_leaves_what_was_there(tmp_path):
    path = tmp_path / "text"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "lone \ud800")
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_others_may_read_it(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "text", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "text").stat().st_mode) == 0o644


def test_two_writers_do_not_meet(tmp_path):
    path = tmp_path / "data"
    with written_whole(path) as first, written_whole(path) as second:
        first.write(b"first")
        second.write(b"second")
    assert path.read_bytes() == b"first"  # the one that ended last, whole
    assert [p.name for p in Path(tmp_path).iterdir()] == ["data"]


def test_a_zip_is_the_same_bytes_each_time_and_says_what_can_be_run():
    files = {"run": b"#!/bin/sh", "b/a.txt": "é".encode()}
    made = zipped(files, programs=["run"])
    assert made == zipped(dict(files), programs={"run"})
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert {info.filename: oct(info.external_attr >> 16) for info in archive.infolist()} == {
            "run": "0o100755",
            "b/a.txt": "0o100644",
        }
        assert {name: archive.read(name) for name in archive.namelist()} == files


def test_what_the_system_refuses_is_one_sentence_with_the_place(tmp_path):
    with pytest.raises(KitError, match=f"^{tmp_path}: cannot be written \\(Is a directory\\)$"), refusal(tmp_path):
        tmp_path.write_bytes(b"")
