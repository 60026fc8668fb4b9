"""A folder, .py, .ipynb or .zip → Submission: the files' bytes and what is wrong with them. Never imports any of it."""

from __future__ import annotations

import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import charset_normalizer

from autograder.course import Topic
from autograder.errors import KitError
from autograder.submission.notebook import module_of_notebook
from autograder.text import clean

MAX_BYTES = 16 << 20
MAX_FILES = 200
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)
_LIKELY_ENCODINGS = ["gb18030", "big5", "shift_jis", "euc_kr", "cp1251", "cp1252", "utf_16"]


@dataclass(frozen=True)
class Submission:
    """One student's files, by their path relative to the module; `problem` is a sentence if they cannot be graded."""

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    problem: str = ""


class _Unusable(Exception):
    """The submission cannot be graded; the text says why, for the student."""


def find(folder: Path, topic: Topic) -> list[Submission]:
    """Every submission in `folder`, one entry a student, by name; KitError if there is no such folder."""
    if not folder.is_dir():
        raise KitError(f"{folder}: there is no such folder of submissions")
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "__")))
    found: dict[str, Submission] = {}
    for entry in entries:
        suffix = entry.suffix.lower()
        if not entry.is_dir() and suffix not in (".py", ".ipynb", ".zip"):
            continue
        name = printable(entry.stem if suffix in (".py", ".ipynb", ".zip") and not entry.is_dir() else entry.name)
        if name in found:
            name = printable(entry.name)
        found[name] = read(entry, name, topic)
    if not found:
        raise KitError(f"{folder}: no submission in it (one folder, .py, .ipynb or .zip a student)")
    return list(found.values())


def printable(name: str) -> str:
    """A file's name as text that JSON and a page can hold."""
    return clean(os.fsencode(name).decode("utf-8", "replace"), 200).replace("\n", "\ufffd")


def read(entry: Path, name: str, topic: Topic) -> Submission:
    """One student's entry. What is wrong with it is in `problem`, never raised."""
    try:
        if entry.is_symlink():
            raise _Unusable("The submission is a link to somewhere else: hand in the files themselves.")
        if entry.is_dir():
            files = dict(_walk(entry))
        elif entry.suffix.lower() == ".zip":
            files = dict(_unzip(entry))
        else:
            module = topic.module if entry.suffix.lower() == ".py" else f"{Path(topic.module).stem}.ipynb"
            files = {module: _bytes(entry)}
        files = _beside_module(files, topic)
        _require_text(files[topic.module], topic.module)
    except _Unusable as error:
        return Submission(name, problem=str(error))
    except OSError as error:
        return Submission(name, problem=f"The submission cannot be read: {error.strerror or type(error).__name__}.")
    return Submission(name, files)


def _bytes(path: Path) -> bytes:
    """Content of a regular file; never follows a link, which could point at a solution."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _Unusable(f"{path.name} is not an ordinary file.")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise _Unusable(f"{path.name} is larger than {MAX_BYTES >> 20} MB.")
    return content


def _walk(folder: Path) -> Iterator[tuple[str, bytes]]:
    left, count = MAX_BYTES, 0
    for parent, folders, names in os.walk(folder):  # does not follow links
        folders[:] = sorted(f for f in folders if not f.startswith((".", "__")))
        for name in sorted(names):
            path = Path(parent) / name
            if name.startswith(".") or not stat.S_ISREG(path.lstat().st_mode):
                continue
            count += 1
            content = _bytes(path)
            left -= len(content)
            _within(left, count)
            yield path.relative_to(folder).as_posix(), content


def _unzip(path: Path) -> Iterator[tuple[str, bytes]]:
    left, count = MAX_BYTES, 0
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                parts = PurePosixPath(info.filename.replace("\\", "/")).parts
                if info.is_dir() or any(part.startswith((".", "__")) for part in parts) or not parts or parts[0] == "/":
                    continue
                count += 1
                with archive.open(info) as file:  # its stated size may be a lie: read no more than is left
                    content = file.read(left + 1)
                left -= len(content)
                _within(left, count)
                yield "/".join(parts), content
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError, zlib.error) as error:
        raise _Unusable(f"{path.name} is not a zip archive that can be read: {clean(str(error), 120)}.") from None


def _within(left: int, count: int) -> None:
    if left < 0 or count > MAX_FILES:
        raise _Unusable(f"The submission has more than {MAX_FILES} files or {MAX_BYTES >> 20} MB.")


def _beside_module(files: dict[str, bytes], topic: Topic) -> dict[str, bytes]:
    """The files of the folder that holds the module (or its notebook), relative to that folder."""
    stem = Path(topic.module).stem
    if not files:
        raise _Unusable(f"The submission is empty: expected {topic.module}.")
    candidates = [name for name in files if PurePosixPath(name).name == topic.module]
    notebooks = [name for name in files if name.endswith(".ipynb")]
    in_topic = [name for name in candidates if topic.name in PurePosixPath(name).parts]
    for group in (in_topic, candidates, [n for n in notebooks if stem in n or topic.name in n], notebooks):
        if len(group) == 1 or (group and len({name.count("/") for name in group}) > 1):
            chosen = min(group, key=lambda name: name.count("/"))
            break
        if len(group) > 1:
            raise _Unusable(f"There is more than one {topic.module}: {clean(', '.join(sorted(group)), 200)}.")
    else:
        found = ", ".join(sorted(files)[:5])
        raise _Unusable(f"There is no {topic.module} in the submission; found {clean(found, 200)}.")
    folder = PurePosixPath(chosen).parent
    beside = {
        PurePosixPath(name).relative_to(folder).as_posix(): content
        for name, content in files.items()
        if PurePosixPath(name).is_relative_to(folder)
    }
    if chosen.endswith(".ipynb"):
        try:
            beside[topic.module] = module_of_notebook(files[chosen]).encode()
        except ValueError as error:
            raise _Unusable(f"{PurePosixPath(chosen).name} is not a notebook that can be read: {error}.") from None
    return beside


def _require_text(content: bytes, name: str) -> None:
    if _CODING.match(b"\n".join(content.splitlines()[:2])):
        return
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        best = charset_normalizer.from_bytes(content, cp_isolation=_LIKELY_ENCODINGS).best()
        guess = f"; it looks like {_common_name(best.encoding)}" if best else ""
        raise _Unusable(f"{name} is not UTF-8{guess}: save it again as UTF-8.") from None


def _common_name(encoding: str) -> str:
    return {"gb18030": "GBK (GB18030)", "utf_16": "UTF-16"}.get(encoding, encoding.replace("_", "-"))
