"""A folder, .py, .ipynb or archive → Submission: names and bytes. What they hold is looked at elsewhere: see `opening`."""

from __future__ import annotations

import datetime as dt
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from autograder.course import Topic
from autograder.errors import KitError
from autograder.results import NOBODY, Person
from autograder.submission import bounds, choosing, class_archive, exports, names
from autograder.submission.bounds import MAX_BYTES, Unusable
from autograder.submission.choosing import Others, Wanted
from autograder.submission.exports import HandIn
from autograder.submission.opening import Form
from autograder.text import clean

_MAX_ENTRIES = 5_000  # of a folder and all below it, with those that do not count
_OF_THE_SYSTEM = (".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX", ".keep", ".gitkeep", ".gitignore", ".git", "__pycache__",
                  ".ipynb_checkpoints")  # fmt: skip
_LINK = "The submission is a link to somewhere else: hand in the files themselves."


@dataclass(frozen=True)
class Submission:
    """One student's files, by their path in that `form`; `problem` is a sentence if they cannot be graded.

    Where they are to be chosen from, `others` are the course's other topics, and `changed` has the time of each. `person` is
    who handed them in, as far as their place tells; `notes` are sentences for the instructor; `handed_in` is the time in
    ISO 8601, without an offset where none is known, or "", and `deadline` one that is this student's alone. `own_names` is
    whether the files are called as the student called them. `tasks` are those that it is asked for, and with them those that
    they need; without any it is asked for all.
    """

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    problem: str = ""
    form: Form = Form.READY
    others: Others = field(default_factory=dict)
    changed: Mapping[str, float] = field(default_factory=dict)
    person: Person = NOBODY
    notes: tuple[str, ...] = ()
    handed_in: str = ""
    deadline: str = ""
    own_names: bool = True
    tasks: frozenset[str] = frozenset()


def find(
    place: Path, topic: Topic, others: Iterable[str] | Others = (), tell: Callable[[str], None] = lambda _: None
) -> list[Submission]:
    """Every submission in `place`, one entry a student, by name; KitError if it cannot be read.

    `place` is a folder, or a class's archive as a learning platform makes it. Whatever lies in it is a submission, if only one
    with a problem. `others` are the course's other topics, whose folders are left out; `tell` is called with what the
    instructor should know.
    """
    if not (class_archive.is_one(place) and place.is_file()):
        return _found(place, topic, others, tell)
    with tempfile.TemporaryDirectory(prefix="autograder-class-") as folder:
        class_archive.unpack(place, Path(folder), tell)
        return _found(Path(folder), topic, others, tell, place)


def _found(
    folder: Path, topic: Topic, others: Iterable[str] | Others, tell: Callable[[str], None], archive: Path | None = None
) -> list[Submission]:
    shown = archive or folder
    try:
        entries = _entries(folder)
    except FileNotFoundError:
        raise KitError(f"{shown}: there is no such folder of submissions") from None
    except OSError as error:
        raise KitError(f"{shown}: the folder of submissions cannot be read ({error.strerror})") from None
    folder, entries = exports.inside(folder, entries, _listed, choosing.without_ending(archive.name) if archive else "")
    if not entries:
        raise KitError(f"{shown}: no submission in it (one folder, .py, .ipynb or .zip a student)")
    export = exports.recognised(folder, entries, _listed, topic.name)
    hand_ins = sorted([*export.hand_ins, *map(_plain, export.rest)], key=lambda each: each.full)
    wanted = Wanted.of(topic, others)
    wanted = replace(wanted, others={name: other for name, other in wanted.others.items() if name != topic.name})
    called = names.distinct([(each.name, each.full) for each in hand_ins], tell)
    found = [_read(hand_in, name, wanted) for hand_in, name in zip(hand_ins, called, strict=True)]
    for hand_in, submission in zip(hand_ins, found, strict=True):
        if _not_read(hand_in):
            tell(f"{submission.name} is not graded: {submission.problem}")
    return sorted(found, key=lambda submission: submission.name)


def _entries(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not _is_of_the_system(entry.name))


def _listed(folder: Path) -> list[Path]:
    """A folder's entries; none if they cannot be read."""
    try:
        return _entries(folder)
    except OSError:
        return []


def _is_of_the_system(name: str) -> bool:
    return name in _OF_THE_SYSTEM or name.startswith("._")


def _plain(entry: Path) -> HandIn:
    """An entry that has its student's name."""
    name = entry.name if _is_folder(entry) else choosing.without_ending(entry.name)
    return HandIn(name or entry.name, entry.name, (("", entry),))


def _not_read(hand_in: HandIn) -> str:
    """Why an entry is not read, by its name, or ""."""
    path, entry = hand_in.parts[0]
    if path or len(hand_in.parts) > 1 or choosing.ending(entry.name):
        return ""
    if _is_folder(entry):
        hidden = entry.name.startswith((".", "__")) and hand_in.full == entry.name
        return "A folder whose name begins with a dot or two underscores is not read: rename it." if hidden else ""
    kind = "".join(entry.suffixes[-2:]) if ".tar" in entry.suffixes else entry.suffix
    what = f"A {clean(kind, 20)} file" if kind else "A file without an ending"
    return f"{what} is not read: hand in a folder, .zip, .tar.gz, .py or .ipynb."


def _is_folder(entry: Path) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # what it links to cannot be seen
        return False


def read(entry: Path, name: str, topic: Topic, others: Iterable[str] | Others = ()) -> Submission:
    """One student's entry. What is wrong with it is in `problem`, never raised."""
    return _read(_plain(entry), name, Wanted.of(topic, others))


def beside_notebook(folder: Path, notebook: str, topic: Topic) -> dict[str, bytes]:
    """The files that were handed in beside that notebook, without it; none if it is not there or they cannot be read."""
    try:
        files = dict(_collected((("", folder),), Wanted.of(topic), {}))
    except (Unusable, OSError):
        return {}
    return {name: content for name, content in files.items() if not name.endswith(".ipynb")} if notebook in files else {}


def _read(hand_in: HandIn, name: str, wanted: Wanted) -> Submission:
    changed: dict[str, float] = {}
    files: dict[str, bytes] = {}
    problem = _not_read(hand_in)
    try:
        files = {} if problem else dict(_collected(hand_in.parts, wanted, changed))
    except Unusable as error:
        problem = str(error)
    except OSError as error:
        problem = f"The submission cannot be read: {error.strerror or type(error).__name__}."
    except Exception as error:  # noqa: BLE001  whatever one student's files can raise concerns nobody else
        problem = f"The submission cannot be read ({type(error).__name__}): hand in plain files."
    time = hand_in.handed_in
    if time is None:
        time = _iso(max(changed.values())) if changed else ""
    form = Form.READY if problem else Form.FILES
    path, entry = hand_in.parts[0]
    alone = not path and not _is_folder(entry)
    return Submission(name, {} if problem else files, problem, form, wanted.others, changed, hand_in.person, hand_in.notes, time,
                      own_names=not alone)  # fmt: skip


def _iso(seconds: float) -> str:
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):  # a time that no calendar has
        return ""


def _collected(parts: Iterable[tuple[str, Path]], wanted: Wanted, changed: dict[str, float]) -> Iterator[tuple[str, bytes]]:
    """The bytes that were handed in; `changed` gets their times. No link is followed: it could point at a solution."""
    walk = _Walk(wanted, changed)
    for path, entry in parts:
        if entry.is_symlink():
            raise Unusable(_LINK)
        if entry.is_dir():
            yield from walk.files(os.open(entry, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW), f"{path}/" if path else "")
        else:
            yield walk.file(path or _lone(entry.name, wanted), entry)


def _lone(name: str, wanted: Wanted) -> str:
    """What a file is called in its submission where it lies there under its student's name."""
    if choosing.is_archive(name):
        return f"{names.printable(choosing.without_ending(name))}{choosing.ending(name)}"
    return wanted.module if choosing.is_script(name) else f"{Path(wanted.module).stem}.ipynb"


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

    def file(self, path: str, entry: Path) -> tuple[str, bytes]:
        """One file of which only so much is known, by its path in the submission."""
        bounds.require_plain(path)
        self._count += 1
        content = _bytes(entry.name, str(entry), None)
        self._left -= len(content)
        bounds.require_within(self._left, self._count)
        self._changed[path] = entry.stat().st_mtime
        return path, content

    def files(self, folder: int, prefix: str) -> Iterator[tuple[str, bytes]]:
        """The files below the open `folder`, which is closed at the end; hidden ones, links and what is no code are left out."""
        try:
            with os.scandir(folder) as found:
                entries = sorted(islice(found, _MAX_ENTRIES + 1 - self._entries), key=lambda entry: entry.name)
            beside = {entry.name for entry in entries}
            if prefix and (choosing.is_environment(beside) or self._entries + len(entries) > _MAX_ENTRIES):
                return  # a folder of pictures, or what pip has installed
            self._entries += len(entries)
            if self._entries > _MAX_ENTRIES:
                bounds.require_within(self._left, bounds.MAX_FILES + 1)
            folders = []
            for entry in entries:
                path = f"{prefix}{names.of_file(os.fsencode(entry.name))}"
                if entry.is_dir(follow_symlinks=False):
                    if self._is_wanted(entry.name, beside):
                        folders.append((entry.name, path))
                elif entry.is_file(follow_symlinks=False) and not entry.name.startswith("."):
                    size = entry.stat(follow_symlinks=False).st_size
                    code = choosing.is_code(entry.name) and not (size > MAX_BYTES and choosing.is_archive(entry.name))
                    if not code and (size > min(choosing.SMALL, self._left) or self._count >= bounds.MAX_FILES // 2):
                        continue
                    self._count += 1
                    bounds.require_plain(path)
                    bounds.require_within(self._left, self._count)
                    content = _bytes(path, entry.name, folder)
                    self._left -= len(content)
                    bounds.require_within(self._left, self._count)
                    self._changed[path] = entry.stat(follow_symlinks=False).st_mtime
                    yield path, content
            for name, path in folders:
                bounds.require_plain(f"{path}/")
                below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                yield from self.files(below, f"{path}/")
        finally:
            os.close(folder)

    def _is_wanted(self, name: str, beside: set[str]) -> bool:
        """Whether to look into a folder. Of a clone of the course, only the exercises are the student's."""
        of_course = {"course.yaml", "exercises"} <= beside
        return name == "exercises" if of_course else choosing.is_code_folder(name, self._wanted.others)
