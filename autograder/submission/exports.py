"""The folders in which learning platforms hand over a class, and whose files are whose in them.

Only names are looked at, and what the platform itself wrote beside the students' files. Where a form is written down:

- Canvas: github.com/instructure/canvas-lms, lib/content_zipper.rb: `NAME[_LATE]_USERID_FILEID_FILE`, all in one folder, with
  `…_text.html` and `…_link.html` for what has no file. The entries' times are those of the download.
- Moodle: github.com/moodle/moodle, mod/assign/classes/downloader.php: `NAME_ID_assignsubmission_file`, as a folder or as the
  beginning of each file's name.
- Blackboard, which describes it nowhere, as public code that reads its downloads has it: `ASSIGNMENT_USER_attempt_TIME_FILE`,
  and a text file of each attempt that begins with `Name: FULL NAME (USER)`.
- nbgrader: nbgrader.readthedocs.io, "The nbgrader philosophy": `submitted/NAME/ASSIGNMENT/`, with the time in timestamp.txt.
- GitHub Classroom: github.com/github/gh-classroom, `clone student-repos`: `ASSIGNMENT-submissions/ASSIGNMENT-USER/`.
"""

from __future__ import annotations

import datetime as dt
import re
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from autograder.results import NOBODY, Person
from autograder.submission import gradescope
from autograder.text import clean

_CANVAS = re.compile(r"(?:(?P<name>.+?)_)??(?:(?P<late>LATE)_)?(?P<id>\d+|anon_[A-Za-z0-9]+)_"
                     r"(?:\d+_(?P<file>.+)|(?P<typed>text|link)\.html)")  # fmt: skip
_MOODLE = re.compile(r"(?P<name>.+?)(?:_(?P<id>\d+))?_assignsubmission_(?P<kind>file|onlinetext)(?:_(?P<file>.*))?")
_BLACKBOARD = re.compile(r".+?_(?P<user>[^_]+)_attempt_(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt)")
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(?: ?(Z|[-+]\d\d:?\d\d|[A-Za-z_/+-]+))?")
_NAMED = re.compile(r"Name: (?P<name>.{1,200}?) \([^()\n]*\)\r?\n")
_WRAPPERS = 4  # folders around the students' own, each alone in the one above it
_READ = 4_000  # bytes of a file that a platform wrote
_HALF = 0.5

Listing = Callable[[Path], list[Path]]


@dataclass(frozen=True)
class HandIn:
    """What one student handed in, before it is read.

    Attributes:
        name: what it goes by, and `full`, where another goes by the same.
        parts: a path in the submission, and where it lies; "" for a whole folder, or a file that is all there is.
        notes: sentences for the instructor.
        handed_in: the time in ISO 8601, without an offset where the platform names none; None: as the files' times say.
    """

    name: str
    full: str
    parts: tuple[tuple[str, Path], ...]
    person: Person = NOBODY
    notes: tuple[str, ...] = ()
    handed_in: str | None = None


@dataclass(frozen=True)
class Export:
    """What a folder of submissions holds: hand-ins of a platform, and entries that are not of its form."""

    hand_ins: list[HandIn]
    rest: list[Path]


def inside(folder: Path, entries: Sequence[Path], listed: Listing, called: str = "") -> tuple[Path, list[Path]]:
    """The folder in which the students' own lie, and its entries: a download often has folders around them.

    `listed` gives a folder's entries; `called` is the name of the archive that was unpacked, or "".
    """
    entries = list(entries)
    for _ in range(_WRAPPERS):
        by_name = {entry.name: entry for entry in entries}
        only = by_name.get("submitted") if "nbgrader_config.py" in by_name else entries[0] if len(entries) == 1 else None
        if only is None or not _is_folder(only):
            break
        below = listed(only)
        wraps = only.name in (called, "submitted") or only.name.endswith("submissions") or _is_export(below)
        if not below or not wraps:
            break
        folder, entries = only, below
    return folder, entries


def _is_export(entries: Iterable[Path]) -> bool:
    names = [entry.name for entry in entries]
    return gradescope.FILE in names or any(_MOODLE.fullmatch(n) or _BLACKBOARD.fullmatch(n) for n in names) or _is_canvas(names)


def _is_canvas(names: Sequence[str]) -> bool:
    return sum(bool(_CANVAS.fullmatch(name)) for name in names) > _HALF * len(names)


def recognised(folder: Path, entries: list[Path], listed: Listing, topic: str) -> Export:
    """The entries of a folder, grouped by whose they are."""
    names = {entry.name for entry in entries}
    if gradescope.FILE in names:
        return _of_gradescope(folder, entries)
    if any(_BLACKBOARD.fullmatch(name) for name in names):
        return _of_blackboard(entries)
    if any(_MOODLE.fullmatch(name) for name in names):
        return _of_moodle(entries)
    if _is_canvas([entry.name for entry in entries if _is_file(entry)]):
        return _of_canvas(entries)
    if found := _of_nbgrader(entries, listed, topic):
        return found
    return _of_classroom(folder, entries)


_Groups = dict[str, list[tuple[re.Match[str], Path]]]


def _groups(entries: Iterable[Path], pattern: re.Pattern[str], keys: Sequence[str]) -> tuple[_Groups, list[Path]]:
    found: _Groups = {}
    rest = []
    for entry in entries:
        match = pattern.fullmatch(entry.name)
        if match:
            found.setdefault("_".join(match[key] for key in keys if match[key]), []).append((match, entry))
        else:
            rest.append(entry)
    return found, rest


def _of_canvas(entries: Iterable[Path]) -> Export:
    groups, rest = _groups([entry for entry in entries if _is_file(entry)], _CANVAS, ("name", "id"))
    rest += [entry for entry in entries if not _is_file(entry)]
    found = []
    for key, files in groups.items():
        first = files[0][0]
        late = ("Canvas marks it as late.",) if any(match["late"] for match, _ in files) else ()
        parts = tuple((match["file"] or f"{match['typed']}.html", entry) for match, entry in files)
        found.append(HandIn(key, key, parts, Person(id=first["id"], name=first["name"] or ""), late, ""))
    return Export(found, rest)


def _of_moodle(entries: Iterable[Path]) -> Export:
    groups, rest = _groups(entries, _MOODLE, ("name", "id"))
    found = []
    for key, files in groups.items():
        first = files[0][0]
        parts = tuple(
            ((match["file"] or "") if match["kind"] == "file" else (match["file"] or "onlinetext"), entry)
            for match, entry in files
            if match["kind"] == "file" or not any(other["kind"] == "file" for other, _ in files)
        )
        found.append(HandIn(key, key, parts, Person(id=first["id"] or "", name=first["name"]), (), ""))
    return Export(found, rest)


def _of_blackboard(entries: Iterable[Path]) -> Export:
    groups, rest = _groups(entries, _BLACKBOARD, ("user",))
    found = []
    for user, files in groups.items():
        times = sorted({match["time"] for match, _ in files})
        newest = [(match["file"], entry) for match, entry in files if match["time"] == times[-1]]
        own = tuple((file, entry) for file, entry in newest if file)
        said = [_head(entry) for file, entry in newest if not file]
        name = next((match["name"] for text in said if (match := _NAMED.match(text))), "")
        day, clock = times[-1][:10], times[-1][11:].replace("-", ":")
        notes = (f"{len(times)} attempts were handed in; the newest is graded, of {day} {clock}.",) if len(times) > 1 else ()
        parts = own or tuple(("text.txt", entry) for _, entry in newest)
        found.append(HandIn(user, user, parts, Person(id=user, name=clean(name, 200)), notes, f"{day}T{clock}"))
    return Export(found, rest)


def _of_gradescope(folder: Path, entries: Iterable[Path]) -> Export:
    known = gradescope.read(folder / gradescope.FILE)
    found, rest = [], []
    for entry in entries:
        if entry.name == gradescope.FILE:
            continue
        people, time = known.get(entry.name, ((), ""))
        if not people:
            rest.append(entry)
        for number, person in enumerate(people):
            name = "_".join(filter(None, (person.name or person.email, person.id))) or entry.name
            together = ", ".join(other.name or other.id for other in people if other is not person)
            notes = (f"Handed in together with {clean(together, 200)}.",) if together else ()
            found.append(HandIn(name, f"{name}_{entry.name}_{number}", (("", entry),), person, notes, time))
    return Export(found, rest)


def _of_nbgrader(entries: list[Path], listed: Listing, topic: str) -> Export | None:
    """What nbgrader has collected, if most folders are of its form: a student's own timestamp.txt is no proof of a time."""
    found, rest = [], []
    for entry in entries:
        below = {folder.name: folder for folder in listed(entry)} if _is_folder(entry) else {}
        timed = {name: folder for name, folder in below.items() if _is_file(folder / "timestamp.txt")}
        own = timed.get(topic) or (next(iter(timed.values())) if len(timed) == 1 else None)
        if own:
            time = parse_time(_head(own / "timestamp.txt"))
            found.append(HandIn(entry.name, entry.name, (("", own),), Person(id=entry.name), (), time or None))
        else:
            rest.append(entry)
    return Export(found, rest) if len(found) > _HALF * len(entries) else None


def _of_classroom(folder: Path, entries: list[Path]) -> Export:
    """Clones of GitHub repositories: their files' times are those of the clone, so nothing is said of when they came."""
    prefix = folder.name.removesuffix("submissions") if folder.name.endswith("-submissions") else ""
    found, rest = [], []
    for entry in entries:
        own = bool(prefix) and _is_folder(entry) and entry.name.startswith(prefix) and entry.name != prefix
        if own or _is_folder(entry / ".git"):
            user = entry.name.removeprefix(prefix) if own else entry.name
            found.append(HandIn(user, entry.name, (("", entry),), Person(id=user) if own else NOBODY, (), ""))
        else:
            rest.append(entry)
    return Export(found, rest)


def parse_time(text: str) -> str:
    """A time as platforms write it, in ISO 8601, without an offset where it names no zone that is known; "" if it is none."""
    found = _TIMESTAMP.fullmatch(text.strip())
    if not found:
        return ""
    day, clock, zone = found.groups()
    try:
        time = dt.datetime.fromisoformat(f"{day}T{clock}")
        if zone in ("Z", "UTC", "GMT"):
            time = time.replace(tzinfo=dt.UTC)
        elif zone and zone[0] in "+-":
            time = dt.datetime.fromisoformat(f"{day}T{clock}{zone}")
        elif zone and "/" in zone:
            time = time.replace(tzinfo=ZoneInfo(zone))
    except (ValueError, OSError):  # a day or a zone that does not exist; a zone's name that is a folder's
        return ""
    return time.isoformat()


def _is_file(path: Path) -> bool:
    return _kind(path) == stat.S_IFREG


def _is_folder(path: Path) -> bool:
    return _kind(path) == stat.S_IFDIR


def _kind(path: Path) -> int:
    """What lies there, no link followed; 0 for nothing that can be seen."""
    try:
        return stat.S_IFMT(path.lstat().st_mode)
    except OSError:
        return 0


def _head(path: Path) -> str:
    """The beginning of a file that a platform wrote; "" if it cannot be read."""
    if not _is_file(path):
        return ""
    try:
        with path.open("rb") as file:
            return file.read(_READ).decode("utf-8-sig", "replace")
    except OSError:
        return ""
