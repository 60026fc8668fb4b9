"""What students hand in, without grading it: every odd entry is that one's own, and the others are found as they are."""

import gzip
import io
import json
import os
import socket
import stat
import tarfile
import unicodedata
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from autograder.errors import KitError
from autograder.submission import archives, handed_in
from autograder.submission.bounds import Unusable
from autograder.submission.choosing import Wanted
from autograder.submission.handed_in import find, read
from autograder.submission.names import printable
from autograder.submission.notebook import module_of_notebook
from autograder.submission.opening import Form, opened

STUB = Path(__file__).parents[1] / "mini_course/exercises/01_mini/mini.py"
TOPIC = SimpleNamespace(name="01_mini", module="mini.py", stub=STUB)
TEXT = b"x = 1\n"


def seen(submission):
    """The files beside the module, and why there are none, as a submission's own process finds out."""
    found = SimpleNamespace(name=submission.name, files={}, note="", problem=submission.problem)
    if not found.problem:
        try:
            wanted = Wanted.of(TOPIC, submission.others)
            found.files, found.note = opened(submission.files, submission.form, wanted, submission.changed)
        except Unusable as error:
            found.problem = str(error)
    return found


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
    "climbing_zip": (archive(("../up.py", "x")), "would land outside its folder (../up.py)"),
    "absolute_zip": (archive(("/etc/up.py", "x")), "would land outside its folder"),
    "names_zip": (archive(*[(f"{i}" + "n" * 60_000, "") for i in range(100)]), "too long a name: 0nnn"),
    "path_zip": (archive(("/".join(["n" * 200] * 9), "")), "too long a name"),
    "entries_zip": (archive(change=lambda content: b"PK\x01\x02" * 10_001 + content), "more than 200 files"),
    "overlap_zip": (archive(("b.bin", bytes(1 << 20)), change=overlapping), "more than 200 files or 16 MB"),
    "secret_zip": (archive(change=lambda content: content.replace(b"\x14\0\0\0\x08", b"\x14\0\x01\0\x08")), "encrypted"),
    "method_zip": (archive(change=lambda content: content.replace(b"\x14\0\0\0\x08", b"\x14\0\0\0\x63")), "not supported"),
    "no_zip": (lambda path: path.with_name("no_zip.zip").mkdir(), "empty"),
    "many_folders": (folder(inside=lambda path: [(path / f"d{i}").mkdir() for i in range(5001)]), "more than 200 files"),
    "many_hidden": (folder({f".{i}": b"" for i in range(5001)}), "more than 200 files"),
    "many_files": (folder({f"x{i}.py": b"" for i in range(201)}), "more than 200 files"),
    "long_path": (folder({"/".join(["n" * 200] * 6): b""}), "too long a name"),
    "large": (folder({"table.py": bytes((16 << 20) + 1)}), "larger than 16 MB"),
    "larger_together": (folder({f"x{i}.py": bytes(9 << 20) for i in range(2)}), "16 MB"),
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
    long = [printable("y" * 200 + "2"), printable("\x01", mark=True)]  # which an entry may already be called
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


MARIMO = b"""import marimo
__generated_with = "0.23.6"
app = marimo.App()

@app.cell
def _():
    def row_means(t):
        return 7
    return (row_means,)
"""
SOLVED = STUB.with_name("mini.py").read_bytes().replace(b"raise NotImplementedError", b"return 7")
OTHER = b"import torch\n\nclass ResNet(torch.nn.Module):\n    pass\n"


def nb(source):
    cell = {"cell_type": "code", "metadata": {}, "source": source.decode(), "outputs": [], "execution_count": None}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def packed(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return buffer.getvalue()


# files → the one that is taken, those that are named as left aside
CHOICES = {
    "a_notebook_that_only_sounds_alike": (
        {"mininet.ipynb": nb(OTHER), "01_mini/01_mini.ipynb": nb(SOLVED)}, "01_mini/01_mini.ipynb", []),
    "an_untouched_stub_beside_the_notebook": ({"mini.py": STUB.read_bytes(), "01_mini.ipynb": nb(SOLVED)}, "01_mini.ipynb", []),
    "an_untouched_notebook_beside_the_module": ({"mini.py": SOLVED, "01_mini.ipynb": nb(STUB.read_bytes())}, "mini.py", []),
    "a_copy_of_the_notebook": (
        {"01_mini.ipynb": nb(SOLVED), "01_mini-Copy1.ipynb": nb(SOLVED + b"x = 1\n")}, "01_mini.ipynb", ["01_mini-Copy1.ipynb"]),
    "the_same_twice": ({"mini.py": SOLVED, "backup/mini.py": SOLVED}, "mini.py", []),
    "another_notebook": ({"01_mini.ipynb": nb(SOLVED), "scratch.ipynb": nb(OTHER)}, "01_mini.ipynb", []),
    "only_a_copy_is_done": ({"01_mini.ipynb": nb(STUB.read_bytes()), "01_mini (1).ipynb": nb(SOLVED)}, "01_mini (1).ipynb", []),
    "two_that_hold_work": ({"old/mini.py": SOLVED + b"x = 1\n", "new/mini.py": SOLVED}, "new/mini.py", ["old/mini.py"]),
    "the_topics_folder": ({"mini.py": SOLVED + b"x = 1\n", "01_mini/mini.py": SOLVED}, "01_mini/mini.py", ["mini.py"]),
    "a_clone_of_the_course": (
        {"course.yaml": b"", "exercises/01_mini/mini.py": SOLVED, "solutions/01_mini/mini.py": SOLVED + b"x = 1\n",
         **{f"autograder/x{i}.py": b"" for i in range(300)}}, "exercises/01_mini/mini.py", []),
    "a_checkpoint": (
        {"01_mini.ipynb": nb(SOLVED), ".ipynb_checkpoints/01_mini-checkpoint.ipynb": nb(OTHER)}, "01_mini.ipynb", []),
    "a_half_damaged_notebook": ({"01_mini.ipynb": nb(SOLVED), "mini.ipynb": b"{"}, "01_mini.ipynb", []),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["folder", "zip", "zip_in_folder", "zip_in_zip"])
@pytest.mark.parametrize("name", CHOICES)
def test_the_file_with_the_work_is_taken_and_what_is_left_aside_is_named(tmp_path, name, kind):
    files, taken, left = CHOICES[name]
    if kind == "folder":
        for number, (file, content) in enumerate(files.items()):
            path = tmp_path / "in/s" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            os.utime(path, (number, number))
    elif kind == "zip_in_folder":
        (tmp_path / "in/s").mkdir(parents=True)
        (tmp_path / "in/s/homework.zip").write_bytes(packed(files))
    else:
        (tmp_path / "in").mkdir()
        content = packed(files)
        (tmp_path / "in/s.zip").write_bytes(content if kind == "zip" else packed({"homework.zip": content}))
    (found,) = map(seen, find(tmp_path / "in", TOPIC, ["02_other"]))
    assert (found.name, found.problem) == ("s", "")
    if name == "two_that_hold_work" and kind != "folder":  # packed in the same second
        return
    raw = files[taken]
    text = module_of_notebook(raw).encode() if taken.endswith(".ipynb") else raw
    assert found.files["mini.py"] == text
    assert bool(found.note) == bool(left)
    assert all(file in found.note for file in (*left, taken) if left)


def tarred(files, mode="gz", special=None):
    """A tar archive of the files, and of one entry of a `special` type."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{mode}") as file:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
        if special:
            info = tarfile.TarInfo(special[0])
            info.type, info.linkname = special[1], "../../solutions/01_mini/mini.py"
            file.addfile(info)
    return buffer.getvalue()


OLD = SOLVED + b"x = 1\n"
PACKED = tarred({"./hw/mini.py": SOLVED, "hw/venv/a.py": b""}, special=("hw/venv/python", tarfile.SYMTYPE))
PNG, HTML = b"\x89PNG\r\n\x1a\n" + bytes(50), b"<!DOCTYPE html>\n<html><title>mini.py at main</title></html>"
MERGE = b"x = 1\n<<<<<<< HEAD\nx = 2\n=======\nx = 3\n>>>>>>> main\n"
LINK = b"My homework: https://colab.research.google.com/drive/1abc?usp=sharing"
# what was handed in → what is said of it; True: it is the module, without a word
HANDED_IN = {
    "tar.gz": ({"hw.tar.gz": PACKED},
               True),
    "tgz named zip": ({"hw.zip": PACKED}, True),
    "tar": ({"hw.tar": tarred({"mini.py": SOLVED}, "")}, True),
    "tar.xz": ({"hw.tar.xz": tarred({"mini.py": SOLVED}, "xz")}, True),
    "a climbing tar": ({"hw.tgz": tarred({"a/../../mini.py": SOLVED})}, "would land outside its folder"),
    "an absolute tar": ({"hw.tgz": tarred({"/tmp/mini.py": SOLVED})}, "would land outside its folder"),
    "a link in a tar": ({"hw.tgz": tarred({}, special=("mini.py", tarfile.SYMTYPE))}, "holds a link or a device (mini.py)"),
    "a hard link in a tar": ({"hw.tgz": tarred({}, special=("mini.py", tarfile.LNKTYPE))}, "holds a link or a device"),
    "a device in a tar": ({"hw.tgz": tarred({}, special=("mini.py", tarfile.CHRTYPE))}, "holds a link or a device"),
    "a bomb": ({"hw.tgz": gzip.compress(bytes(9 << 20), 1)}, "unpacks to more than 8 MB"),
    "half a tar": ({"hw.tgz": PACKED[:60]}, "not a tar archive that can be read"),
    "RAR": ({"hw.zip": b"Rar!\x1a\x07\x01\0" + bytes(99)}, "hw.zip is a RAR archive, which cannot be opened here: pack"),
    "7z": ({"hw.zip": b"7z\xbc\xaf\x27\x1c" + bytes(99)}, "hw.zip is a 7z archive"),
    "a page as zip": ({"hw.zip": HTML}, "hw.zip is no archive but HTML"),
    "other letters": ({"Mini.PY": SOLVED}, "Mini.PY was read as mini.py: name it so next time."),
    "a text": ({"mini.py.txt": SOLVED}, "mini.py.txt was read as mini.py"),
    "another name": ({"my_mini.py": SOLVED, "test_mini.py": b"def row_means(): pass\n"}, "my_mini.py was read as mini.py"),
    "another name beside helpers": ({"my_mini.py": SOLVED, "helper.py": b"def f(): pass\n"}, "my_mini.py was read as mini.py"),
    "the topic's name": ({"01_mini.py": SOLVED, "helper.py": b"def f(): pass\n"}, "01_mini.py was read as mini.py"),
    "a notebook of marimo by the topic's name": ({"01_mini.py": MARIMO}, "01_mini.py was read as mini.py"),
    "a helper alone": ({"helper.py": b"def f(): pass\n"}, "There is no mini.py in the submission; found helper.py."),
    "an attempt": ({"mini-3.py": SOLVED}, True),
    "two attempts": ({"mini.py": OLD, "mini-1.py": OLD, "mini-2.py": SOLVED},
                     "Taken: mini-2.py. Left aside, though there is work in it: mini-1.py, mini.py."),
    "a second download": ({"mini.py": OLD, "mini (1).py": SOLVED}, "Taken: mini (1).py. Left aside"),
    "a zip beside the stub": ({"mini.py": STUB.read_bytes(), "hw.zip": packed({"mini.py": SOLVED})}, True),
    "a RAR beside the stub": ({"mini.py": STUB.read_bytes(), "hw.rar": b"Rar!\x1a\x07\x01\0" + bytes(99)},
                             "hw.rar is a RAR archive, which cannot be opened here: pack"),
    "a RAR beside the module": ({"mini.py": SOLVED, "notes.rar": b"Rar!\x1a\x07\x01\0" + bytes(99)}, True),
    "a zip beside another notebook": ({"notes.ipynb": nb(b"y = 1\n"), "hw.zip": packed({"hw/mini.py": SOLVED})}, True),
    "a zip beside the module": ({"mini.py": SOLVED, "later.zip": packed({"mini.py": OLD})},
                                "Taken: mini.py. Left aside, though there is work in it: later.zip/mini.py."),
    "the same in a zip": ({"mini.py": SOLVED, "hw.zip": packed({"hw/mini.py": SOLVED}), "data.zip": b"PK no zip"}, True),
    "a copy beside the stub": ({"mini.py": STUB.read_bytes(), "mini - Copy.py": SOLVED},
                               "mini - Copy.py was read as mini.py: name it so next time."),
    "two versions beside the stub": ({"mini.py": STUB.read_bytes(), "mini_1_old.py": OLD, "mini_2_new.py": SOLVED},
                                     "Taken: mini_2_new.py. Left aside, though there is work in it: mini_1_old.py."),
    "a module that a cell writes": ({"01_mini.ipynb": nb(b"%%writefile mini.py\n" + SOLVED)}, True),
    "a second download of the stub": ({"mini.py": SOLVED, "mini (1).py": STUB.read_bytes()}, True),
    "a notebook as text": ({"01_mini.ipynb.txt": nb(SOLVED)}, True),
    "a notebook as module": ({"mini.py": nb(SOLVED)}, True),
    "a picture": ({"mini.py": PNG}, "mini.py is a picture (PNG), whatever its name says"),
    "a page": ({"mini.py": HTML}, "mini.py is a web page (HTML) that was saved under this name"),
    "a page as notebook": ({"mini.ipynb": HTML}, "mini.ipynb is a web page (HTML)"),
    "rich text": ({"mini.py": b"{\\rtf1 x = 1}"}, "mini.py is a document (RTF)"),
    "an archive as module": ({"mini.py": packed({"mini.py": SOLVED})}, "mini.py is an archive (zip)"),
    "a merge": ({"mini.py": MERGE}, "mini.py holds an unfinished merge of Git, from line 2"),
    "a merge in a notebook": ({"mini.ipynb": b'{"cells": [\n' + MERGE}, "unfinished merge of Git, from line 3"),
    "a line of equal signs": ({"mini.py": SOLVED + b"# title\nt = \'\'\'\n=======\n\'\'\'\n"}, True),
    "a link": ({"hand-in.txt": LINK}, "nothing but a link (hand-in.txt): hand in the file mini.py itself."),
    "a shortcut": ({"mini.url": b"[InternetShortcut]\nURL=https://x.org"}, "nothing but a link"),
    "a report with a link": ({"report.txt": LINK + b" word" * 50}, "There is no mini.py in the submission; found report.txt"),
    "the other topic's module": ({"other.py": b"def alpha(): pass\n"}, "other.py is the module of 02_other: hand in mini.py for"),
    "the other topic's work": ({"mini.py": b"def alpha(): pass\ndef beta(): pass\n"},
                               "mini.py holds the work for 02_other, not for 01_mini: hand in mini.py of 01_mini."),
    "three generations": ({"mini.ipynb": json.dumps({"worksheets": [{"cells": [{"cell_type": "code", "input": SOLVED.decode()}]}],
                                                     "nbformat": 3}).encode()}, True),
    "Kaggle": ({"notebook1a2b.ipynb": json.dumps({**json.loads(nb(SOLVED)), "metadata": {
        "kaggle": {"accelerator": "gpu", "dataSources": [], "isInternetEnabled": True}}}).encode()}, True),
}  # fmt: skip


@pytest.mark.parametrize("name", HANDED_IN)
def test_what_was_handed_in_is_read_or_named_with_cause_and_cure(tmp_path, monkeypatch, name):
    monkeypatch.setattr(archives, "MAX_UNPACKED", 8 << 20)
    files, said = HANDED_IN[name]
    (tmp_path / "s").mkdir()
    for file, content in files.items():
        (tmp_path / "s" / file).write_bytes(content)
    (found,) = map(seen, find(tmp_path, TOPIC, {"02_other": ("other.py", ("alpha", "beta"))}))
    if said is True:
        assert (found.note, found.problem) == ("", "")
    else:
        assert said in (found.note or found.problem)
        assert (found.note or found.problem).endswith(".")
    if said is True or found.note:
        assert b"return 7" in found.files["mini.py"]
        assert b"x = 1" not in found.files["mini.py"]


def test_what_no_module_imports_is_left_out_and_does_not_count(tmp_path):
    extra = {"data/train.bin": bytes(31 << 20), "venv/pyvenv.cfg": b"", "myenv/pyvenv.cfg": b"", "02_other/net.py": b"x",
             "__pycache__/mini.pyc": b"", ".git/config": b"", "cifar.zip": bytes(17 << 20), "helper.py": b"y = 1",
             "small.json": b"{}", **{f"logs/{i}.log": b"x" for i in range(210)},
             **{f"{env}/lib/x{i}.py": b"" for env in ("venv", "myenv") for i in range(201)}}  # fmt: skip
    folder(extra)(tmp_path / "s")
    found = seen(read(tmp_path / "s", "s", TOPIC, ["02_other"]))
    assert found.problem == ""
    assert {name for name in found.files if not name.startswith("logs/")} == {"mini.py", "helper.py", "small.json"}


def test_a_zip_whose_names_are_gbk_without_a_flag_has_its_helpers(tmp_path):
    content = packed({"mini.py": TEXT, "AAAA.py": b"x = 1", "BB/C.py": b""})
    content = content.replace(b"AAAA.py", "工具.py".encode("gbk")).replace(b"BB/C.py", "包/C.py".encode("gbk"))
    (tmp_path / "s.zip").write_bytes(content)
    assert set(seen(read(tmp_path / "s.zip", "s", TOPIC)).files) == {"mini.py", "工具.py", "包/C.py"}


@pytest.mark.parametrize(
    ("raw", "name", "kind"),
    [(raw, name, kind) for raw, name in (("工具.py".encode("gbk"), "工具.py"), ("mode\u0300le.py".encode(), "modèle.py"))
     for kind in ("folder", "tar.gz", "zip")] + [("größe.py".encode("cp437"), "größe.py", "zip")],
)  # fmt: skip
def test_a_helpers_name_is_the_one_that_its_import_has(tmp_path, raw, name, kind):
    if kind == "folder":
        folder({os.fsdecode(raw): b"x = 1"})(tmp_path / "s")
    elif kind == "zip":
        content = packed({"mini.py": TEXT, "A" * (len(raw) - 3) + ".py": b"x = 1"})
        (tmp_path / "s.zip").write_bytes(content.replace(b"A" * (len(raw) - 3) + b".py", raw))
    else:
        (tmp_path / "s.tar.gz").write_bytes(tarred({"mini.py": TEXT, os.fsdecode(raw): b"x = 1"}))
    (found,) = map(seen, find(tmp_path, TOPIC))
    assert (set(found.files), found.problem) == ({"mini.py", name}, "")


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_helpers_above_the_modules_folder_are_found_beside_it(tmp_path, kind):
    files = {"01_mini/mini.py": SOLVED, "01_mini/near.py": b"x = 1", "near.py": b"x = 2", "helper.py": b"y = 1",
             "common/tools.py": b"z = 1", "types.py": b"t = 1", "mini.py": STUB.read_bytes(), "notes.txt": b"n"}  # fmt: skip
    if kind == "zip":
        (tmp_path / "s.zip").write_bytes(packed(files))
    else:
        for name, content in files.items():
            (tmp_path / "s" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "s" / name).write_bytes(content)
    (found,) = map(seen, find(tmp_path, TOPIC))
    assert found.files["mini.py"] == SOLVED
    assert {name: found.files[name] for name in ("near.py", "helper.py", "common/tools.py")} == {
        "near.py": b"x = 1", "helper.py": b"y = 1", "common/tools.py": b"z = 1"}  # fmt: skip
    assert {"types.py", "notes.txt"}.isdisjoint(found.files)


def test_names_that_look_the_same_stay_apart_and_the_instructor_is_told(tmp_path):
    raw = [b"ren\xe9", b"ren\xe8", "re\u200bne".encode(), "re\u200cne".encode(), "José".encode(),
           "Jose\u0301".encode(), b"Bo", b"bo", b"chen", b"chen.", b"dana", b"dana ",
           "ma\u034fx".encode(), b"max", "li\u3164".encode(), b"li",
           "\u0430nna".encode(), b"anna", "\u0420\u0410UL".encode(), b"paul", "\u03a1ita".encode(), b"Pita",
           "\uff4dia".encode(), b"mia"]  # fmt: skip
    kept = ["علی\u200cرضا", "👩\u200d💻", "Zoë", "王小明", "a b", "-x", "=1+1", "amira", "Ольга", "Νίκος"]
    for name in [*raw, *(name.encode() for name in kept)]:
        folder()(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)))
    told = []
    names = [submission.name for submission in find(tmp_path, TOPIC, (), told.append)]
    assert len(set(names)) == len(names) == len(raw) + len(kept)
    assert set(kept) <= set(names)
    assert sum("…" in name for name in names) == len(raw)
    assert len({unicodedata.normalize("NFC", name).casefold().rstrip(" .") for name in names}) == len(names)
    assert len(told) == 12
    assert all("2 names look the same" in text for text in told)


def test_whatever_lies_there_is_named_with_the_reason(tmp_path):
    for name in ("a.tar.zst", "b.7z", "c.rar", "d.txt", "e", ".DS_Store"):
        (tmp_path / name).write_bytes(b"")
    for name in (".hidden", "__name", "__MACOSX", "good"):
        folder()(tmp_path / name)
    told = []
    found = {submission.name: submission.problem for submission in find(tmp_path, TOPIC, (), told.append)}
    assert found.pop("good") == ""
    assert set(found) == {"a.tar.zst", "b.7z", "c.rar", "d.txt", "e", ".hidden", "__name"}
    assert "A .tar.zst file is not read: hand in a folder, .zip" in found["a.tar.zst"]
    assert "begins with a dot or two underscores" in found["__name"]
    assert len(told) == len(found)


def test_the_helpers_beside_a_notebook_are_there_whatever_else_is(tmp_path):
    extra = {"01_mini.ipynb": nb(SOLVED), "01_mini-Copy1.ipynb": nb(SOLVED), "data.bin": bytes(31 << 20), "helper.py": b"x = 1"}
    folder(extra)(tmp_path / "s")
    assert handed_in.beside_notebook(tmp_path / "s", "01_mini.ipynb", TOPIC)["helper.py"] == b"x = 1"
    assert handed_in.beside_notebook(tmp_path / "s", "other.ipynb", TOPIC) == {}


@pytest.mark.parametrize(
    ("name", "content"), [("s.zip", b"PK\x03\x04 not really"), ("s.ipynb", b"[" * 100_000), ("s.py", b"\xff\0")]
)
def test_the_process_that_decides_looks_into_nothing(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    found = read(tmp_path / name, "s", TOPIC)
    assert (list(found.files.values()), found.problem, found.form) == ([content], "", Form.FILES)
    assert seen(found).problem
