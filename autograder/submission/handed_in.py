"""A folder, .py, .ipynb or .zip → Submission: names and bytes. What they hold is looked at elsewhere: see `opening`."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from autograder.course import Topic
from autograder.errors import KitError
from autograder.submission import choosing, names, opening
from autograder.submission.choosing import Wanted
from autograder.submission.opening import MAX_BYTES, Form, Unusable
from autograder.text import clean

_MAX_ENTRIES = 5_000  # of a folder and all below it, with those that do not count
_OF_THE_SYSTEM = (".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX", ".keep", ".gitkeep", ".gitignore", ".git", "__pycache__",
                  ".ipynb_checkpoints")  # fmt: skip
_SUFFIXES = (".py", ".ipynb", ".zip")
_LINK = "The submission is a link to somewhere else: hand in the files themselves."


@dataclass(frozen=True)
class Submission:
    """One student's files, by their path in that `form`; `problem` is a sentence if they cannot be graded.

    Where they are to be chosen from, `others` are the course's other topics, and `changed` has the time of each.
    """

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    problem: str = ""
    form: Form = Form.READY
    others: frozenset[str] = frozenset()
    changed: Mapping[str, float] = field(default_factory=dict)


def find(
    folder: Path, topic: Topic, others: Iterable[str] = (), tell: Callable[[str], None] = lambda _: None
) -> list[Submission]:
    """Every submission in `folder`, one entry a student, by name; KitError if there is no such folder.

    Whatever lies in it is a submission, if only one with a problem. `others` are the course's other topics, whose folders are
    left out; `tell` is called with what the instructor should know.
    """
    try:
        entries = sorted(entry for entry in folder.iterdir() if not _is_of_the_system(entry.name))
    except FileNotFoundError:
        raise KitError(f"{folder}: there is no such folder of submissions") from None
    except OSError as error:
        raise KitError(f"{folder}: the folder of submissions cannot be read ({error.strerror})") from None
    if not entries:
        raise KitError(f"{folder}: no submission in it (one folder, .py, .ipynb or .zip a student)")
    wanted = Wanted.of(topic, set(others) - {topic.name})
    found = []
    for entry, name in names.distinct(entries, _has_suffix, tell):
        if entry.suffix.lower() in _SUFFIXES or (_is_folder(entry) and not entry.name.startswith((".", "__"))):
            found.append(_read(entry, name, wanted))
        else:
            found.append(Submission(name, problem=_not_read(entry)))
            tell(f"{name} is not graded: {found[-1].problem}")
    return found


def _is_of_the_system(name: str) -> bool:
    return name in _OF_THE_SYSTEM or name.startswith("._")


def _has_suffix(entry: Path) -> bool:
    return entry.suffix.lower() in _SUFFIXES and not _is_folder(entry)


def _not_read(entry: Path) -> str:
    if _is_folder(entry):
        return "A folder whose name begins with a dot or two underscores is not read: rename it."
    kind = "".join(entry.suffixes[-2:]) if ".tar" in entry.suffixes else entry.suffix
    what = f"A {clean(kind, 20)} file" if kind else "A file without an ending"
    return f"{what} is not read: hand in a folder, .zip, .py or .ipynb."


def _is_folder(entry: Path) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # what it links to cannot be seen
        return False


def read(entry: Path, name: str, topic: Topic, others: Iterable[str] = ()) -> Submission:
    """One student's entry. What is wrong with it is in `problem`, never raised."""
    return _read(entry, name, Wanted.of(topic, others))


def beside_notebook(folder: Path, notebook: str, topic: Topic) -> dict[str, bytes]:
    """The files that were handed in beside that notebook, without it; none if it is not there or they cannot be read."""
    try:
        files = dict(_collected(folder, Wanted.of(topic), {}))
    except (Unusable, OSError):
        return {}
    return {name: content for name, content in files.items() if not name.endswith(".ipynb")} if notebook in files else {}


def _read(entry: Path, name: str, wanted: Wanted) -> Submission:
    changed: dict[str, float] = {}
    try:
        files = dict(_collected(entry, wanted, changed))
    except Unusable as error:
        problem = str(error)
    except OSError as error:
        problem = f"The submission cannot be read: {error.strerror or type(error).__name__}."
    except Exception as error:  # noqa: BLE001  whatever one student's files can raise concerns nobody else
        problem = f"The submission cannot be read ({type(error).__name__}): hand in plain files."
    else:
        return Submission(name, files, form=Form.FILES, others=wanted.others, changed=changed)
    return Submission(name, problem=problem)


def _collected(entry: Path, wanted: Wanted, changed: dict[str, float]) -> Iterator[tuple[str, bytes]]:
    """The bytes that were handed in; `changed` gets their times. No link is followed: it could point at a solution."""
    if entry.is_symlink():
        raise Unusable(_LINK)
    if entry.is_dir():
        yield from _Walk(wanted, changed).files(os.open(entry, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW), "")
    elif entry.suffix.lower() == ".py":
        yield wanted.module, _bytes(entry.name, str(entry), None)
    elif entry.suffix.lower() == ".ipynb":
        yield f"{Path(wanted.module).stem}.ipynb", _bytes(entry.name, str(entry), None)
    else:
        yield f"{names.printable(entry.stem)}.zip", _bytes(entry.name, str(entry), None)


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

    def __init__(self, wanted: Wanted, changed: dict[str, float]) -> None:
        self._wanted, self._changed = wanted, changed
        self._left, self._count, self._entries = MAX_BYTES, 0, 0

    def files(self, folder: int, prefix: str) -> Iterator[tuple[str, bytes]]:
        """The files below the open `folder`, which is closed at the end; hidden ones, links and what is no code are left out."""
        try:
            with os.scandir(folder) as found:
                entries = sorted(islice(found, _MAX_ENTRIES + 1 - self._entries), key=lambda entry: entry.name)
            names = {entry.name for entry in entries}
            if prefix and (choosing.is_environment(names) or self._entries + len(entries) > _MAX_ENTRIES):
                return  # a folder of pictures, or what pip has installed
            self._entries += len(entries)
            if self._entries > _MAX_ENTRIES:
                opening.require_within(self._left, opening.MAX_FILES + 1)
            folders = []
            for entry in entries:
                path = f"{prefix}{os.fsencode(entry.name).decode('utf-8', 'replace')}"
                if entry.is_dir(follow_symlinks=False):
                    if self._is_wanted(entry.name, names):
                        folders.append((entry.name, path))
                elif entry.is_file(follow_symlinks=False) and not entry.name.startswith("."):
                    size = entry.stat(follow_symlinks=False).st_size
                    code = choosing.is_code(entry.name) and not (size > MAX_BYTES and entry.name.lower().endswith(".zip"))
                    if not code and (size > min(choosing.SMALL, self._left) or self._count >= opening.MAX_FILES // 2):
                        continue
                    self._count += 1
                    opening.require_plain(path)
                    opening.require_within(self._left, self._count)
                    content = _bytes(path, entry.name, folder)
                    self._left -= len(content)
                    opening.require_within(self._left, self._count)
                    self._changed[path] = entry.stat(follow_symlinks=False).st_mtime
                    yield path, content
            for name, path in folders:
                opening.require_plain(f"{path}/")
                below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                yield from self.files(below, f"{path}/")
        finally:
            os.close(folder)

    def _is_wanted(self, name: str, beside: set[str]) -> bool:
        """Whether to look into a folder. Of a clone of the course, only the exercises are the student's."""
        of_course = {"course.yaml", "exercises"} <= beside
        return name == "exercises" if of_course else choosing.is_code_folder(name, self._wanted.others)
