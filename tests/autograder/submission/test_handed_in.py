"""What students hand in, without grading it: every odd entry is that one's own, and the others are found as they are."""

import io
import os
import socket
import stat
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from autograder.errors import KitError
from autograder.submission import handed_in
from autograder.submission.handed_in import find, printable, read
from autograder.submission.opening import Unusable, opened

TOPIC = SimpleNamespace(name="01_mini", module="mini.py")
TEXT = b"x = 1\n"


def seen(submission):
    """The files beside the module, and why there are none, as a submission's own process finds out."""
    if submission.problem:
        return SimpleNamespace(files={}, problem=submission.problem)
    try:
        return SimpleNamespace(files=opened(submission.files, submission.form, TOPIC.module, TOPIC.name), problem="")
    except Unusable as error:
        return SimpleNamespace(files={}, problem=str(error))


def folder(files=None, inside=None):
    """Makes a folder with the module, more files, and what `inside(path)` makes."""

    def make(path):
        path.mkdir()
        for name, content in {"mini.py": TEXT, **(files or {})}.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
        if inside:
            inside(path)

    return make


def deep(path):
    """Folders far below where a path still has a name."""
    descriptor = os.open(path, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("a", dir_fd=descriptor)
        below = os.open("a", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)


def archive(*entries, kind=zipfile.ZIP_DEFLATED, change=lambda content: content):
    """Makes an archive with the module and more entries; `change` damages its bytes."""

    def make(path):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", kind) as file:
            for name, content in (("mini.py", TEXT), *entries):
                file.writestr(name, content)
        path.with_name(f"{path.name}.zip").write_bytes(change(buffer.getvalue()))

    return make


def stirred(content):
    """The stream of b.bin damaged."""
    at = content.find(b"b.bin") + 5
    return content[: at + 20] + bytes(byte ^ 0xFF for byte in content[at + 20 : at + 200]) + content[at + 200 :]


def overlapping(content):
    """A list of contents that names the last entry 300 times, as a bomb of few bytes does."""
    at, end = content.rfind(b"PK\x01\x02"), content.rfind(b"PK\x05\x06")
    entry = content[at:end]
    last = bytearray(content[end:])
    last[8:12] = (302).to_bytes(2, "little") * 2
    first = int.from_bytes(last[16:20], "little")
    last[12:16] = (end - first + 300 * len(entry)).to_bytes(4, "little")
    return content[:end] + entry * 300 + bytes(last)


def bind(path):
    with socket.socket(socket.AF_UNIX) as made:
        before = Path.cwd()
        os.chdir(path)  # a socket's path is short
        made.bind("s.py")
        os.chdir(before)


UNREADABLE = {
    "deep_folder": (folder(inside=deep), "nested more than 40 deep"),
    "deep_zip": (archive(("a/" * 1500 + "x.txt", "x")), "nested more than 40 deep"),
    "lzma_zip": (archive(("b.bin", os.urandom(2000)), kind=zipfile.ZIP_LZMA, change=stirred), "zip archive that can be read"),
    "bzip2_zip": (archive(("b.bin", bytes(5000)), kind=zipfile.ZIP_BZIP2, change=stirred), "not a zip archive that can be read"),
    "names_zip": (archive(*[(f"{i}" + "n" * 60_000, "") for i in range(100)]), "too long a name: 0nnn"),
    "path_zip": (archive(("/".join(["n" * 200] * 9), "")), "too long a name"),
    "entries_zip": (archive(change=lambda content: b"PK\x01\x02" * 10_001 + content), "more than 200 files"),
    "overlap_zip": (archive(("b.bin", bytes(1 << 20)), change=overlapping), "more than 200 files or 16 MB"),
    "secret_zip": (archive(change=lambda content: content.replace(b"\x14\0\0\0\x08", b"\x14\0\x01\0\x08")), "encrypted"),
    "method_zip": (archive(change=lambda content: content.replace(b"\x14\0\0\0\x08", b"\x14\0\0\0\x63")), "not supported"),
    "no_zip": (lambda path: path.with_name("no_zip.zip").mkdir(), "empty"),
    "many_folders": (folder(inside=lambda path: [(path / f"d{i}").mkdir() for i in range(5001)]), "more than 200 files"),
    "many_hidden": (folder({f".{i}": b"" for i in range(5001)}), "more than 200 files"),
    "many_files": (folder({f"{i}": b"" for i in range(201)}), "more than 200 files"),
    "long_path": (folder({"/".join(["n" * 200] * 6): b""}), "too long a name"),
    "large": (folder({"weights.bin": bytes((16 << 20) + 1)}), "larger than 16 MB"),
    "larger_together": (folder({f"{i}.bin": bytes(9 << 20) for i in range(2)}), "16 MB"),
    "loop.py": (lambda path: path.symlink_to(path), "a link to somewhere else"),
    "pipe.py": (os.mkfifo, "not an ordinary file"),
    "folder.ipynb": (folder({"mini.py": b"\xff"}), "not UTF-8"),
}  # fmt: skip
USABLE = {
    "socket": folder(inside=bind),
    "loops": folder(inside=lambda path: (path / "again").symlink_to(path)),
    "pipe": folder(inside=lambda path: os.mkfifo(path / "helper.py")),
    "odd_names": folder(inside=lambda path: Path(os.fsdecode(os.fsencode(path) + b"/\xff\xed\xa0\x80.py")).write_bytes(TEXT)),
    "nul_zip": archive(("a.py\0b", "x")),
    "empty_zip": archive(*[(f"d{i}/", "") for i in range(500)]),
    "package_zip": archive(("pack/__init__.py", "x"), ("__MACOSX/._mini.py", "x")),
}


@pytest.fixture
def named(tmp_path):
    """Makes entries as named, between two good ones, and finds them all."""

    def make(entries):
        for name, entry in {"aa": folder(), "zz": folder(), **entries}.items():
            entry(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + os.fsencode(name))))
        return find(tmp_path, TOPIC)

    yield make
    for path in tmp_path.glob("*/a"):  # deeper than Python's own tidying up goes
        os.system(f"rm -rf {path}")


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_that_entrys_own(named, name):
    make, words = UNREADABLE[name]
    first, odd, last = map(seen, named({name: make}))
    assert (first.problem, last.problem, first.files) == ("", "", {"mini.py": TEXT})
    assert words in odd.problem
    assert odd.problem.endswith(".")
    assert odd.files == {}


@pytest.mark.parametrize("name", USABLE)
def test_what_is_odd_beside_the_module_is_left_out_or_harmless(named, name):
    _, odd, _ = map(seen, named({name: USABLE[name]}))
    assert odd.problem == ""
    assert odd.files["mini.py"] == TEXT
    assert ("pack/__init__.py" in odd.files) is (name == "package_zip")
    for path in odd.files:
        path.encode()


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), RecursionError(), MemoryError(), ValueError("x")])
def test_whatever_reading_raises_is_a_problem_of_that_entry(tmp_path, monkeypatch, error):
    folder()(tmp_path / "s1")

    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(handed_in.os, "scandir", refuse)
    assert "cannot be read" in read(tmp_path / "s1", "s1", TOPIC).problem


@pytest.mark.parametrize("change", ["gone", "link"])
def test_a_folder_that_changes_while_it_is_read_shows_nothing_from_elsewhere(tmp_path, monkeypatch, change):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions/answers.py").write_bytes(b"secret")
    folder({"lib/own.py": TEXT})(tmp_path / "s1")
    original = os.scandir

    def scandir(at):
        entries = list(original(at))
        if (tmp_path / "s1/lib/own.py").exists():
            (tmp_path / "s1/lib/own.py").unlink()
            (tmp_path / "s1/lib").rmdir()
            if change == "link":
                (tmp_path / "s1/lib").symlink_to(tmp_path / "solutions")
        return _Entries(entries)

    monkeypatch.setattr(handed_in.os, "scandir", scandir)
    found = read(tmp_path / "s1", "s1", TOPIC)
    assert "cannot be read" in found.problem
    assert b"secret" not in found.files.values()


class _Entries(list):
    def __enter__(self):
        return iter(self)

    def __exit__(self, *_):
        pass


def test_a_device_is_not_even_opened(tmp_path, monkeypatch):
    folder()(tmp_path / "s1")
    module = (tmp_path / "s1/mini.py").stat()
    monkeypatch.setattr(handed_in.os, "lstat", lambda *_, **__: SimpleNamespace(st_mode=stat.S_IFCHR))
    monkeypatch.setattr(handed_in.os, "fdopen", None)
    assert "not an ordinary file" in read(tmp_path / "s1", "s1", TOPIC).problem
    assert (tmp_path / "s1/mini.py").stat().st_atime_ns == module.st_atime_ns


def test_every_entry_keeps_a_name_of_its_own(named):
    names = ["x" * 244, "x" * 255, "y" * 200 + "1", "y" * 200 + "2", "é" * 122, b"m" + b"\xff" * 80, b"m" + b"\xfe" * 80,
             "m" + "\ufffd" * 80, "same", "same.py", "same.zip", "\x01", "\x02"]  # fmt: skip
    long = [printable("y" * 200 + "2"), printable("\x01", 1)]  # which an entry may already be called
    makers = {"same.py": lambda path: path.write_bytes(TEXT), "same.zip": lambda path: archive()(path.with_suffix(""))}
    found = named({name: makers.get(name, folder()) for name in [*names, *long]})
    assert len({submission.name for submission in found}) == len(found) == len(names) + len(long) + 2
    assert max(len(submission.name.encode()) for submission in found) <= 200
    assert {"same", "same.py", "same.zip"} <= {submission.name for submission in found}


def test_a_folder_of_submissions_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    with pytest.raises(KitError, match="there is no such folder"):
        find(tmp_path / "none", TOPIC)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(KitError, match="cannot be read"):
        find(tmp_path / "file", TOPIC)


@pytest.mark.parametrize(
    ("head", "usable"),
    [
        (b"# -*- coding: latin-1 -*-\n", True),
        (b"# My homework\n# -*- coding: latin-1 -*-\n", True),
        (b"#!/usr/bin/python\r\n# vim: set fileencoding=latin-1 :\r\n", True),
        ("# début\n# coding: latin-1\n".encode("latin-1"), True),
        (b"\n# coding: latin-1\n", True),
        (b"\n\n# coding: latin-1\n", False),
        (b"x = 1\n# coding: latin-1\n", False),
        (b'x = "# coding: latin-1"\n', False),
        (b"", False),
    ],
)
def test_an_encoding_counts_where_python_reads_it(tmp_path, head, usable):
    source = head + "# café, naïve, déjà vu\nx = 1\n".encode("latin-1")
    (tmp_path / "mini.py").write_bytes(source)
    found = seen(read(tmp_path / "mini.py", "mini", TOPIC))
    assert (found.files == {"mini.py": source}) is usable
    assert ("not UTF-8" in found.problem) is not usable
    if usable:
        compile(source, "mini.py", "exec")


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [("s.zip", b"PK\x03\x04 not really", "zip"), ("s.ipynb", b"[" * 100_000, "files"), ("s.py", b"\xff\0", "files")],
)
def test_the_process_that_decides_looks_into_nothing(tmp_path, name, content, form):
    (tmp_path / name).write_bytes(content)
    found = read(tmp_path / name, "s", TOPIC)
    assert (list(found.files.values()), found.problem, found.form) == ([content], "", form)
    assert seen(found).problem
