"""What was handed in → the files beside the module: an archive unpacked, the module chosen, a notebook made a module.

All of this works on bytes that a student chose, so in a grading it runs in the submission's own confined process, under its
limits, before the submission's first line. The process that decides has never looked into them.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import PurePosixPath

import charset_normalizer

from autograder.submission.notebook import module_of_notebook
from autograder.text import clean, one_line

MAX_BYTES = 16 << 20
MAX_FILES = 200
MAX_DEPTH = 40  # folders around a file
MAX_PATH = 1000  # bytes of a file's path, and
MAX_NAME = 255  # of each part of it: what a file system takes
_MAX_ENTRIES = 10_000  # of an archive, with those that do not count
_ENTRY = b"PK\x01\x02"  # what each entry of an archive's list of contents begins with
_SAMPLE = 1 << 16  # bytes are enough to guess an encoding
_LINE_END = re.compile(rb"\r\n?|\n")
_CODING = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*[-\w.]")
_NO_CODE = re.compile(rb"[ \t\f]*(?:#.*)?")
_LIKELY_ENCODINGS = ["gb18030", "big5", "shift_jis", "euc_kr", "cp1251", "cp1252", "utf_16"]


class Form(StrEnum):
    """In which form a submission's files are.

    READY: beside the module, and nothing is to be done with them. FILES: as a folder or a file was handed in. ZIP: an
    archive alone. NOTEBOOK: as READY, but the module is still a notebook.
    """

    READY = "ready"
    FILES = "files"
    ZIP = "zip"
    NOTEBOOK = "notebook"


class Unusable(Exception):
    """The submission cannot be graded; the text says why, for the student."""


def opened(files: Mapping[str, bytes], form: str, module: str, topic: str) -> dict[str, bytes]:
    """The files beside the module, by their path, ready for its import.

    Args:
        files: what was handed in, by path.
        form: one of Form.
        module: file name of the module.
        topic: the topic's name, which a folder may have.

    Raises:
        Unusable: the submission cannot be graded.
    """
    if form == Form.READY:
        return dict(files)
    if form == Form.NOTEBOOK:
        return {**files, module: of_notebook(files[module], f"{PurePosixPath(module).stem}.ipynb")}
    if form == Form.ZIP:
        ((name, content),) = files.items()
        files = dict(unzip(content, name))
    return beside_module(files, module, topic)


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


def unzip(content: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """The files of an archive; hidden ones, and those that would land outside its folder, are left out."""
    left, count = MAX_BYTES, 0
    if content.count(_ENTRY) > _MAX_ENTRIES:
        require_within(left, MAX_FILES + 1)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for info in archive.infolist():
                parts = info.filename.replace("\\", "/").split("/")
                if not parts[0] or info.is_dir():
                    continue
                parts = [part for part in parts if part]
                if parts[-1].startswith(".") or any(part.startswith((".", "__")) for part in parts[:-1]):
                    continue
                count += 1
                require_within(left, count)
                path = "/".join(parts)
                require_plain(path)
                with archive.open(info) as file:  # its stated size may be a lie: read no more than is left
                    body = file.read(left + 1)
                left -= len(body)
                require_within(left, count)
                yield path, body
    except Unusable:
        raise
    except Exception as error:  # noqa: BLE001  each compression has errors of its own
        raise Unusable(f"{name} is not a zip archive that can be read: {one_line(error) or type(error).__name__}.") from None


def beside_module(files: Mapping[str, bytes], module: str, topic: str) -> dict[str, bytes]:
    """The files of the folder that holds the module (or its notebook), relative to that folder, the module's text checked.

    Raises:
        Unusable: there is no module, more than one, or one that cannot be read.
    """
    chosen = _chosen(files, module, topic)
    folder = PurePosixPath(chosen).parent
    beside = {
        PurePosixPath(name).relative_to(folder).as_posix(): content
        for name, content in files.items()
        if PurePosixPath(name).is_relative_to(folder)
    }
    if chosen.endswith(".ipynb"):
        beside[module] = of_notebook(files[chosen], PurePosixPath(chosen).name)
    _require_text(beside[module], module)
    return beside


def of_notebook(content: bytes, name: str) -> bytes:
    """The module that a notebook makes."""
    try:
        return module_of_notebook(content).encode()
    except ValueError as error:
        raise Unusable(f"{name} is not a notebook that can be read: {error}.") from None


def _chosen(files: Mapping[str, bytes], module: str, topic: str) -> str:
    if not files:
        raise Unusable(f"The submission is empty: expected {module}.")
    stem = PurePosixPath(module).stem
    candidates = [name for name in files if PurePosixPath(name).name == module]
    notebooks = [name for name in files if name.endswith(".ipynb")]
    in_topic = [name for name in candidates if topic in PurePosixPath(name).parts]
    for group in (in_topic, candidates, [n for n in notebooks if stem in n or topic in n], notebooks):
        if len(group) == 1 or (group and len({name.count("/") for name in group}) > 1):
            return min(group, key=lambda name: name.count("/"))
        if len(group) > 1:
            raise Unusable(f"There is more than one {module}: {clean(', '.join(sorted(group)[:5]), 200)}.")
    found = ", ".join(sorted(files)[:5])
    raise Unusable(f"There is no {module} in the submission; found {clean(found, 200)}.")


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
