"""A class's zip or tar archive, as a learning platform makes it → its files in a folder.

The instructor brings the archive, but the students chose what is in it. So this, which runs beside the process that decides,
reads its list of contents and copies bytes, and opens nothing that lies in it: no archive in the archive, no notebook.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import io
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from autograder.errors import KitError
from autograder.submission import archives, choosing
from autograder.submission.bounds import MAX_BYTES, MAX_NAME, MAX_PATH
from autograder.text import clean, one_line

MOST_ENTRIES = 200_000
MOST_BYTES = 8 << 30  # of all files together
_ROOM = 256 << 20  # bytes to leave on the disk
_PIECE = 1 << 20


def is_one(place: Path) -> bool:
    """Whether it is an archive by its name."""
    return choosing.is_archive(place.name)


@dataclass(frozen=True)
class _Entry:
    """A file, or what should be none, in the archive; `seconds` is when it was changed, 0 if that is not told."""

    name: str
    size: int
    seconds: float
    is_special: bool
    is_locked: bool
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, folder: Path, tell: Callable[[str], None]) -> None:
    """Copy the archive's files into the empty `folder`, those that no submission needs left out.

    A file that is larger than a submission may be is cut where that shows. `tell` is called with what could not be copied.

    Raises:
        KitError: the archive cannot be read, is encrypted, or holds more than fits.
    """
    form = "zip" if archive.name.lower().endswith(".zip") else "tar"
    try:
        with _opened(archive, form) as entries:
            skipped = _copied(archive, entries, folder)
    except KitError:
        raise
    except OSError as error:
        raise KitError(f"{archive}: cannot be read, or unpacked into {folder} ({error.strerror or error})") from None
    except Exception as error:  # noqa: BLE001  each compression has errors of its own
        raise KitError(f"{archive}: not a {form} archive that can be read ({one_line(error)}); download it again") from None
    if skipped:
        some = clean(", ".join(sorted(skipped)[:3]), 200)
        tell(f"{len(skipped)} entries of {archive.name} have names that no file can have, or are there twice: {some}")


@contextlib.contextmanager
def _opened(archive: Path, form: str) -> Iterator[Iterator[_Entry]]:
    if form == "zip":
        with zipfile.ZipFile(archive) as file:
            yield _of_zip(file)
    else:
        with tarfile.open(archive, "r|*") as stream:
            yield _of_tar(stream)


def _of_zip(file: zipfile.ZipFile) -> Iterator[_Entry]:
    for info in file.infolist():
        if not info.is_dir():
            seconds = 0.0
            with contextlib.suppress(ValueError, OverflowError):
                seconds = dt.datetime(*info.date_time).timestamp()  # noqa: DTZ001  a zip's times are local ones
            yield _Entry(archives.name_of(info), info.file_size, seconds, archives.is_special(info), bool(info.flag_bits & 1),
                         functools.partial(file.open, info))  # fmt: skip


def _of_tar(stream: tarfile.TarFile) -> Iterator[_Entry]:
    """The entries in their order, each to be read before the next is asked for."""
    for info in stream:
        if not info.isdir():
            yield _Entry(info.name, info.size, float(info.mtime), not info.isreg(), False,  # noqa: FBT003
                         functools.partial(stream.extractfile, info))  # fmt: skip


def _copied(archive: Path, entries: Iterable[_Entry], folder: Path) -> list[str]:
    """Copy the files; the names of those that cannot be."""
    left, skipped = min(MOST_BYTES, shutil.disk_usage(folder).free - _ROOM), []
    for number, entry in enumerate(entries):
        if number == MOST_ENTRIES:
            raise KitError(f"{archive}: more than {MOST_ENTRIES:,} files; unpack it, and give the folder")
        path = _path(entry)
        if path is None:
            skipped.append(entry.name)
        elif _is_wanted(path, entry.size):
            if entry.is_locked:
                raise KitError(f"{archive}: it is encrypted; unpack it with its password, and give the folder")
            with entry.open() or io.BytesIO() as source:
                copied = _copy(source, folder / path, min(MAX_BYTES + 1, left))
            if copied is None:
                skipped.append(entry.name)
                continue
            left -= copied
            if left <= 0:
                raise KitError(f"{archive}: it unpacks to more than {MOST_BYTES >> 30} GB, or than the disk has room for; "
                               "unpack it, and give the folder")  # fmt: skip
            if entry.seconds:
                with contextlib.suppress(OverflowError, OSError):
                    os.utime(folder / path, (entry.seconds, entry.seconds))
    return skipped


def _path(entry: _Entry) -> str | None:
    """Where the entry goes, below the folder; None for one that would land elsewhere, or that has no possible name."""
    parts = entry.name.replace("\\", "/").split("/")
    if not parts[0] or ".." in parts or entry.is_special:
        return None
    parts = [part for part in parts if part not in ("", ".")]
    path = "/".join(parts)
    with contextlib.suppress(UnicodeEncodeError):
        if parts and len(os.fsencode(path)) <= MAX_PATH and all(len(os.fsencode(part)) <= MAX_NAME for part in parts):
            return path
    return None


def _is_wanted(path: str, size: int) -> bool:
    _, *below, name = f"/{path}".split("/")
    known = all(choosing.is_code_folder(part, ()) for part in below[1:]) and "__MACOSX" not in below
    return known and (size <= choosing.SMALL or choosing.is_code(name) or name == "submission_metadata.yml")


def _copy(source: IO[bytes], path: Path, most: int) -> int | None:
    """Copy at most so many bytes; None if there is something at `path`, or in the way to it."""
    copied = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path.open("xb")
    except (FileExistsError, NotADirectoryError):
        return None
    with target:
        while copied < most and (piece := source.read(min(_PIECE, most - copied))):
            target.write(piece)
            copied += len(piece)
    return copied
