"""What was handed in → the files beside the module: an archive unpacked, the module chosen, a notebook made a module.

All of this works on bytes that a student chose, so in a grading it runs in the submission's own confined process, under its
limits, before the submission's first line. The process that decides has never looked into them.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import PurePosixPath

import charset_normalizer

from autograder.submission import choosing
from autograder.submission.choosing import Wanted
from autograder.submission.notebook import module_of_notebook, module_of_script
from autograder.text import clean, one_line

MAX_BYTES = 16 << 20
MAX_FILES = 200
MAX_DEPTH = 40  # folders around a file
MAX_PATH = 1000  # bytes of a file's path, and
MAX_NAME = 255  # of each part of it: what a file system takes
_MAX_ENTRIES = 10_000  # of an archive, with those that do not count
_NESTED = 3  # archives in an archive, in that depth
_ENTRY = b"PK\x01\x02"  # what each entry of an archive's list of contents begins with
_SAMPLE = 1 << 16  # bytes are enough to guess an encoding
_LINE_END = re.compile(rb"\r\n?|\n")
_CODING = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*[-\w.]")
_NO_CODE = re.compile(rb"[ \t\f]*(?:#.*)?")
_LIKELY_ENCODINGS = ["gb18030", "big5", "shift_jis", "euc_kr", "cp1251", "cp1252", "utf_16"]


class Form(StrEnum):
    """In which form a submission's files are.

    READY: beside the module, and nothing is to be done with them. FILES: as they were handed in, an archive among them or
    alone. NOTEBOOK: as READY, but the module is still a notebook.
    """

    READY = "ready"
    FILES = "files"
    NOTEBOOK = "notebook"


class Unusable(Exception):
    """The submission cannot be graded; the text says why, for the student."""


def opened(files: Mapping[str, bytes], form: str, wanted: Wanted, changed: Mapping[str, float]) -> tuple[dict[str, bytes], str]:
    """The files beside the module, by their path, ready for its import; besides, a sentence if another file holds work too.

    Args:
        files: what was handed in, by path.
        form: one of Form.
        wanted: what is looked for.
        changed: the time of each file.

    Raises:
        Unusable: the submission cannot be graded.
    """
    if form == Form.READY:
        return dict(files), ""
    if form == Form.NOTEBOOK:
        module = wanted.module
        return {**files, module: of_notebook(files[module], f"{PurePosixPath(module).stem}.ipynb")}, ""
    times = dict(changed)
    return beside_module(unpacked(dict(files), wanted, times), wanted, times)


def require_within(left: int, count: int) -> None:
    """Unusable if there are too many files, or if less than no byte is `left`."""
    if left < 0 or count > MAX_FILES:
        raise Unusable(f"The submission has more than {MAX_FILES} files or {MAX_BYTES >> 20} MB: hand in your own files only.")


def require_plain(path: str) -> None:
    """Unusable if a file has a path that is too long or too deep to be used."""
    parts = path.split("/")
    if len(parts) > MAX_DEPTH:
        raise Unusable(f"The submission has folders nested more than {MAX_DEPTH} deep: hand in your own files only.")
    if len(path.encode("utf-8", "replace")) > MAX_PATH or any(len(p.encode("utf-8", "replace")) > MAX_NAME for p in parts):
        raise Unusable(f"The submission has a file with too long a name: {clean(path, 60)}: rename it.")


def unzip(content: bytes, name: str, wanted: Wanted, changed: dict[str, float]) -> Iterator[tuple[str, bytes]]:
    """The files of an archive that may be code, or small; `changed` gets each one's time.

    Hidden files, and those that would land outside its folder, are left out.
    """
    left, count = MAX_BYTES, 0
    if content.count(_ENTRY) > _MAX_ENTRIES:
        require_within(left, MAX_FILES + 1)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            clones = [name.removesuffix("course.yaml") for name in archive.namelist() if name.endswith("course.yaml")]
            for info in archive.infolist():
                if any(info.filename.startswith(at) and not info.filename.startswith(f"{at}exercises/") for at in clones):
                    continue  # the course's own files
                parts = _name(info).replace("\\", "/").split("/")
                if not parts[0] or info.is_dir():
                    continue
                parts = [part for part in parts if part]
                if parts[-1].startswith(".") or not all(choosing.is_code_folder(part, wanted.others) for part in parts[:-1]):
                    continue
                code = choosing.is_code(parts[-1])
                if not code and (info.file_size > choosing.SMALL or count >= MAX_FILES):
                    continue
                count += 1
                require_within(left, count)
                path = "/".join(parts)
                require_plain(path)
                with archive.open(info) as file:  # its stated size may be a lie: read no more than is left
                    body = file.read(left + 1)
                left -= len(body)
                require_within(left, count)
                changed[path] = _time(info)
                yield path, body
    except Unusable:
        raise
    except Exception as error:  # noqa: BLE001  each compression has errors of its own
        raise Unusable(f"{name} is not a zip archive that can be read: {one_line(error) or type(error).__name__}.") from None


def unpacked(files: dict[str, bytes], wanted: Wanted, changed: dict[str, float]) -> dict[str, bytes]:
    """The files, with what is in the archives among them if nothing else can be the module: as an LMS packs a download."""
    for _ in range(_NESTED):
        archives = [name for name in files if name.lower().endswith(".zip")]
        if wanted.candidates(files) or not archives:
            break
        files = {name: content for name, content in files.items() if name not in archives} | {
            f"{name[:-4]}/{path}" if len(archives) > 1 else path: body
            for name in archives
            for path, body in unzip(files[name], PurePosixPath(name).name, wanted, changed)
        }
        require_within(MAX_BYTES - sum(map(len, files.values())), len(files))
    return files


def _name(info: zipfile.ZipInfo) -> str:
    """The entry's name; without the flag for UTF-8, zipfile takes it for CP437, in which nobody writes Chinese."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.filename
    raw = info.filename.encode("cp437")
    for encoding in ("utf-8", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return info.filename


def _time(info: zipfile.ZipInfo) -> float:
    with contextlib.suppress(ValueError, OverflowError):
        return dt.datetime(*info.date_time, tzinfo=dt.UTC).timestamp()
    return 0.0


def beside_module(files: Mapping[str, bytes], wanted: Wanted, changed: Mapping[str, float]) -> tuple[dict[str, bytes], str]:
    """The files of the folder that holds the module (or its notebook), relative to that folder, the module's text checked.

    Besides, a sentence if another file holds work too.

    Raises:
        Unusable: there is no module, or one that cannot be read.
    """
    module = wanted.module
    chosen, note = _chosen(files, wanted, changed)
    folder = PurePosixPath(chosen).parent
    beside = {
        PurePosixPath(name).relative_to(folder).as_posix(): content
        for name, content in files.items()
        if PurePosixPath(name).is_relative_to(folder) and not name.lower().endswith(".zip")
    }
    if chosen.endswith(".ipynb"):
        beside[module] = of_notebook(files[chosen], PurePosixPath(chosen).name)
    _require_text(beside[module], module)
    with contextlib.suppress(UnicodeDecodeError):  # it names another encoding, and marimo writes UTF-8
        beside[module] = module_of_script(beside[module].decode()).encode()
    return beside, note


def of_notebook(content: bytes, name: str) -> bytes:
    """The module that a notebook makes."""
    try:
        return module_of_notebook(content).encode()
    except ValueError as error:
        raise Unusable(f"{name} is not a notebook that can be read: {error}.") from None


def _chosen(files: Mapping[str, bytes], wanted: Wanted, changed: Mapping[str, float]) -> tuple[str, str]:
    if not files:
        raise Unusable(f"The submission is empty: expected {wanted.module}.")
    candidates = wanted.candidates(files)
    if not candidates:
        found = ", ".join(sorted(files)[:5])
        raise Unusable(f"There is no {wanted.module} in the submission; found {clean(found, 200)}.")
    if len(candidates) == 1:
        return candidates[0], ""
    return wanted.choose({name: _text(name, files[name]) for name in candidates}, changed)


def _text(name: str, content: bytes) -> str:
    """The source text, or something like it if it cannot be read: to compare it with other candidates."""
    if name.endswith(".ipynb"):
        with contextlib.suppress(ValueError):
            return module_of_notebook(content)
        return ""
    return content.decode("utf-8", "replace")


def _require_text(content: bytes, name: str) -> None:
    if _declares_encoding(content):
        return  # its import will say what is wrong with it
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        best = charset_normalizer.from_bytes(content[:_SAMPLE], cp_isolation=_LIKELY_ENCODINGS).best()
        guess = f"; it looks like {_common_name(best.encoding)}" if best else ""
        raise Unusable(f"{name} is not UTF-8{guess}: save it again as UTF-8.") from None


def _declares_encoding(content: bytes) -> bool:
    """Whether the first line, or the second below a comment or nothing, names an encoding (PEP 263)."""
    first, *second = _LINE_END.split(content, maxsplit=2)[:2]
    return bool(_CODING.match(first) or (_NO_CODE.fullmatch(first) and second and _CODING.match(second[0])))


def _common_name(encoding: str) -> str:
    return {"gb18030": "GBK (GB18030)", "utf_16": "UTF-16"}.get(encoding, encoding.replace("_", "-"))
