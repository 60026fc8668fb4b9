"""A folder, .py, .ipynb or .zip → Submission: names and bytes. What they hold is looked at elsewhere: see `opening`."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from autograder.course import Topic
from autograder.errors import KitError
from autograder.submission import opening
from autograder.submission.opening import MAX_BYTES, Form, Unusable
from autograder.text import clean

MAX_NAME = 200  # bytes of a submission's name: files are named after it, with an ending
_MAX_ENTRIES = 5_000  # of a folder and all below it, with those that do not count
_SUFFIXES = (".py", ".ipynb", ".zip")
_LINK = "The submission is a link to somewhere else: hand in the files themselves."


@dataclass(frozen=True)
class Submission:
    """One student's files, by their path in that `form`; `problem` is a sentence if they cannot be graded."""

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    problem: str = ""
    form: Form = Form.READY


def find(folder: Path, topic: Topic) -> list[Submission]:
    """Every submission in `folder`, one entry a student, by name; KitError if there is no such folder."""
    try:
        entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "__")))
    except FileNotFoundError:
        raise KitError(f"{folder}: there is no such folder of submissions") from None
    except OSError as error:
        raise KitError(f"{folder}: the folder of submissions cannot be read ({error.strerror})") from None
    found: dict[str, Submission] = {}
    for entry in entries:
        suffix, is_folder = entry.suffix.lower(), _is_folder(entry)
        if not is_folder and suffix not in _SUFFIXES:
            continue
        name = printable(entry.stem if suffix in _SUFFIXES and not is_folder else entry.name)
        mark = 0
        while name in found:  # of another suffix, or one that looks the same
            name, mark = printable(entry.name, mark), mark + 1
        found[name] = read(entry, name, topic)
    if not found:
        raise KitError(f"{folder}: no submission in it (one folder, .py, .ipynb or .zip a student)")
    return list(found.values())


def _is_folder(entry: Path) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # what it links to cannot be seen
        return False


def printable(name: str, mark: int = 0) -> str:
    """A file's name as text that JSON, a page and another file's name can hold.

    One that is cut ends with a digest of the whole, so that two names stay two. With a `mark` every name does, and with
    another mark it is another digest.
    """
    raw = os.fsencode(name)
    shown = clean(raw.decode("utf-8", "replace"), len(raw)).replace("\n", "\ufffd")
    if len(shown.encode()) <= MAX_NAME and not mark:
        return shown
    digest = hashlib.sha256(raw + b"\0" * mark).hexdigest()[:12]
    return f"{shown.encode()[: MAX_NAME - 16].decode('utf-8', 'ignore')}…{digest}"


def read(entry: Path, name: str, topic: Topic) -> Submission:
    """One student's entry. Why it cannot be read is in `problem`, never raised."""
    try:
        form = Form.ZIP if entry.suffix.lower() == ".zip" and not entry.is_dir() else Form.FILES
        return Submission(name, dict(_collected(entry, topic)), form=form)
    except Unusable as error:
        problem = str(error)
    except OSError as error:
        problem = f"The submission cannot be read: {error.strerror or type(error).__name__}."
    except Exception as error:  # noqa: BLE001  whatever one student's files can raise concerns nobody else
        problem = f"The submission cannot be read ({type(error).__name__}): hand in plain files."
    return Submission(name, problem=problem)


def _collected(entry: Path, topic: Topic) -> Iterator[tuple[str, bytes]]:
    """The bytes that were handed in. No link is followed: it could point at a solution."""
    if entry.is_symlink():
        raise Unusable(_LINK)
    if entry.is_dir():
        yield from _Walk().files(os.open(entry, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW), "")
    elif entry.suffix.lower() == ".py":
        yield topic.module, _bytes(entry.name, str(entry), None)
    elif entry.suffix.lower() == ".ipynb":
        yield f"{Path(topic.module).stem}.ipynb", _bytes(entry.name, str(entry), None)
    else:
        yield printable(entry.name), _bytes(entry.name, str(entry), None)


def _bytes(name: str, path: str, folder: int | None) -> bytes:
    """Content of the regular file at `path`, in the open `folder` if there is one."""
    if not stat.S_ISREG(os.lstat(path, dir_fd=folder).st_mode):  # to open a device could act
        raise Unusable(f"{clean(name, 60)} is not an ordinary file.")
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unusable(f"{clean(name, 60)} is not an ordinary file.")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise Unusable(f"{clean(name, 60)} is larger than {MAX_BYTES >> 20} MB.")
    return content


class _Walk:
    """Reads a folder's regular files, and counts them on the way.

    Each folder is opened within the one above it, so that none can be exchanged for a link meanwhile.
    """

    def __init__(self) -> None:
        self._left, self._count, self._entries = MAX_BYTES, 0, 0

    def files(self, folder: int, prefix: str) -> Iterator[tuple[str, bytes]]:
        """The files below the open `folder`, which is closed at the end; hidden ones and links are left out."""
        try:
            with os.scandir(folder) as found:
                entries = sorted(islice(found, _MAX_ENTRIES + 1 - self._entries), key=lambda entry: entry.name)
            self._entries += len(entries)
            if self._entries > _MAX_ENTRIES:
                opening.require_within(self._left, opening.MAX_FILES + 1)
            folders = []
            for entry in entries:
                path = f"{prefix}{os.fsencode(entry.name).decode('utf-8', 'replace')}"
                if entry.is_dir(follow_symlinks=False):
                    folders += [] if entry.name.startswith((".", "__")) else [(entry.name, path)]
                elif entry.is_file(follow_symlinks=False) and not entry.name.startswith("."):
                    self._count += 1
                    opening.require_plain(path)
                    opening.require_within(self._left, self._count)
                    content = _bytes(path, entry.name, folder)
                    self._left -= len(content)
                    opening.require_within(self._left, self._count)
                    yield path, content
            for name, path in folders:
                opening.require_plain(f"{path}/")
                below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                yield from self.files(below, f"{path}/")
        finally:
            os.close(folder)
