"""A zip or tar archive → the files in it that may count: read in the submission's own process, entry by entry, within limits."""

from __future__ import annotations

import bz2
import contextlib
import datetime as dt
import gzip
import io
import lzma
import stat
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from autograder.submission import choosing, names
from autograder.submission.bounds import MAX_BYTES, MAX_FILES, Unusable, require_plain, require_within
from autograder.submission.choosing import Wanted
from autograder.submission.magic import kind_of
from autograder.text import clean, one_line

MAX_UNPACKED = 256 << 20  # bytes of a tar archive without its compression, with what does not count
_MAX_ENTRIES = 10_000  # of an archive, with those that do not count
_ENTRY = b"PK\x01\x02"  # what each entry of a zip archive's list of contents begins with
_COMPRESSED: dict[str, Callable[[IO[bytes]], Any]] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
_FOREIGN = {"RAR", "7z"}  # archives that Python does not open


@dataclass(frozen=True)
class _Entry:
    """One entry of an archive; `read` gives at most so many bytes of it, whatever its size is said to be."""

    name: str
    size: int
    time: float
    is_file: bool
    is_locked: bool
    read: Callable[[int], bytes]


def require_known(content: bytes, name: str) -> None:
    """Unusable if a file is an archive of a kind that cannot be opened."""
    kind = kind_of(content)
    if kind in _FOREIGN:
        raise Unusable(f"{clean(name, 60)} is a {kind} archive, which cannot be opened here: pack your files as a .zip.")


def unpack(content: bytes, name: str, wanted: Wanted, changed: dict[str, float]) -> Iterator[tuple[str, bytes]]:
    """The files of an archive that may be code, or small; `changed` gets each one's time. What it is, its first bytes say.

    Raises:
        Unusable: it cannot be opened, or holds what no submission should.
    """
    kind = kind_of(content)
    shown = clean(name, 60)
    require_known(content, name)
    if kind in ("HTML", "PDF", "PNG", "JPEG"):
        raise Unusable(f"{shown} is no archive but {kind}, whatever its name says: look into it, and hand in your files.")
    tar = kind in _COMPRESSED or kind == "tar" or (kind != "zip" and ".t" in name.lower())
    form = "tar" if tar else "zip"
    try:
        yield from _kept(_of_tar(content, kind, shown) if tar else _of_zip(content), shown, wanted, changed)
    except Unusable:
        raise
    except Exception as error:  # noqa: BLE001  each compression has errors of its own
        raise Unusable(f"{shown} is not a {form} archive that can be read: {one_line(error) or type(error).__name__}.") from None


def _kept(entries: Iterable[_Entry], archive: str, wanted: Wanted, changed: dict[str, float]) -> Iterator[tuple[str, bytes]]:
    found = list(entries)
    clones = [entry.name.removesuffix("course.yaml") for entry in found if entry.name.endswith("course.yaml")]
    left, count = MAX_BYTES, 0
    for entry in found:
        if any(entry.name.startswith(at) and not entry.name.startswith(f"{at}exercises/") for at in clones):
            continue  # the course's own files
        parts = entry.name.replace("\\", "/").split("/")
        if ".." in parts or not parts[0]:
            raise Unusable(f"{archive} holds a file that would land outside its folder ({clean(entry.name, 60)}): "
                           "pack your files again, from inside their folder.")  # fmt: skip
        parts = [part for part in parts if part not in ("", ".")]
        if not parts or parts[-1].startswith(".") or not all(choosing.is_code_folder(part, wanted.others) for part in parts[:-1]):
            continue
        code = choosing.is_code(parts[-1])
        if not entry.is_file:
            if code:
                raise Unusable(f"{archive} holds a link or a device ({clean(parts[-1], 60)}): put the file itself into it.")
            continue
        if not code and (entry.size > choosing.SMALL or count >= MAX_FILES):
            continue
        if entry.is_locked:
            raise Unusable(f"{archive} is encrypted: hand it in without a password.")
        count += 1
        require_within(left, count)
        path = "/".join(parts)
        require_plain(path)
        body = entry.read(left + 1)  # its stated size may be a lie
        left -= len(body)
        require_within(left, count)
        changed[path] = entry.time
        yield path, body


def _of_zip(content: bytes) -> Iterator[_Entry]:
    if content.count(_ENTRY) > _MAX_ENTRIES:
        require_within(0, MAX_FILES + 1)
    archive = zipfile.ZipFile(io.BytesIO(content))
    for info in archive.infolist():
        if info.is_dir():
            continue

        def read(most: int, info: zipfile.ZipInfo = info) -> bytes:
            with archive.open(info) as file:
                return file.read(most)

        yield _Entry(name_of(info), info.file_size, _time(info), not is_special(info), bool(info.flag_bits & 1), read)


def is_special(info: zipfile.ZipInfo) -> bool:
    """Whether an entry is a link or a device."""
    mode = info.external_attr >> 16
    return bool(stat.S_IFMT(mode)) and not stat.S_ISREG(mode)


def name_of(info: zipfile.ZipInfo) -> str:
    """The entry's name; without the flag for UTF-8, zipfile takes it for CP437, as is right for western letters alone."""
    name = unicodedata.normalize("NFC", info.filename)
    if info.flag_bits & 0x800 or name.isascii():
        return name
    western = all(c.isascii() or c.isalpha() for c in name)  # GBK has signs that draw frames there
    raw = info.filename.encode("cp437")
    return name if western and not _is_utf8(raw) else names.of_file(raw)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _time(info: zipfile.ZipInfo) -> float:
    with contextlib.suppress(ValueError, OverflowError):
        return dt.datetime(*info.date_time, tzinfo=dt.UTC).timestamp()
    return 0.0


def _of_tar(content: bytes, kind: str, name: str) -> Iterator[_Entry]:
    if kind in _COMPRESSED:
        with _COMPRESSED[kind](io.BytesIO(content)) as file:
            content = file.read(MAX_UNPACKED + 1)
    if len(content) > MAX_UNPACKED:
        raise Unusable(f"{name} unpacks to more than {MAX_UNPACKED >> 20} MB: hand in your own files only.")
    archive = tarfile.TarFile(fileobj=io.BytesIO(content))
    for number, info in enumerate(archive):
        if number == _MAX_ENTRIES:
            require_within(0, MAX_FILES + 1)
        if info.isdir():
            continue

        def read(most: int, info: tarfile.TarInfo = info) -> bytes:
            file = archive.extractfile(info)
            return file.read(most) if file else b""

        shown = names.of_file(info.name.encode("utf-8", "surrogateescape"))
        yield _Entry(shown, info.size, float(info.mtime), info.isreg(), False, read)  # noqa: FBT003  no password in a tar
