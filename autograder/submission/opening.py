"""What was handed in → the files beside the module: an archive unpacked, the module chosen, a notebook made a module.

All of this works on bytes that a student chose, so in a grading it runs in the submission's own confined process, under its
limits, before the submission's first line. The process that decides has never looked into them.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePosixPath

import charset_normalizer

from autograder.submission import archives, choosing, mistaken
from autograder.submission.bounds import MAX_BYTES, Unusable, require_within
from autograder.submission.choosing import Wanted
from autograder.submission.notebook import module_of_notebook, module_of_script
from autograder.text import clean

_NESTED = 3  # archives in an archive, in that depth
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
        return {**files, module: of_notebook(files[module], f"{PurePosixPath(module).stem}.ipynb", module)}, ""
    times = dict(changed)
    return beside_module(unpacked(dict(files), wanted, times), wanted, times)


def unpacked(files: dict[str, bytes], wanted: Wanted, changed: dict[str, float]) -> dict[str, bytes]:
    """The files, with what is in the archives among them if nothing else holds work: as an LMS packs a download."""
    for _ in range(_NESTED):
        packed = [name for name in files if choosing.is_archive(name)]
        beside = wanted.candidates(files)
        if not packed or wanted.hold_work({name: _text(name, files[name], wanted) for name in beside}):
            break
        files = {name: content for name, content in files.items() if name not in packed} | {
            f"{choosing.without_ending(name)}/{path}" if len(packed) > 1 or beside else path: body
            for name in packed
            for path, body in archives.unpack(files[name], PurePosixPath(name).name, wanted, changed)
        }
        require_within(MAX_BYTES - sum(map(len, files.values())), len(files))
    return files


def beside_module(files: Mapping[str, bytes], wanted: Wanted, changed: Mapping[str, float]) -> tuple[dict[str, bytes], str]:
    """The files of the folder that holds the module (or its notebook), relative to that folder, the module's text checked.

    Besides, a sentence if another file holds work too.

    Raises:
        Unusable: there is no module, or one that cannot be read.
    """
    module = wanted.module
    chosen, note = _chosen(files, wanted, changed)
    path, content = PurePosixPath(chosen), files[chosen]
    beside = {
        PurePosixPath(name).relative_to(path.parent).as_posix(): body
        for name, body in files.items()
        if PurePosixPath(name).is_relative_to(path.parent) and not choosing.is_archive(name)
    }
    for name, body in files.items():  # `sys.path.append("..")`, and a package's own name
        if name != chosen and choosing.is_script(name) and PurePosixPath(name).stem not in sys.stdlib_module_names:
            beside.setdefault(name, body)
    mistaken.require_source(content, path.name)
    if choosing.is_notebook(chosen) or _is_notebook_inside(content):
        beside[module] = of_notebook(content, path.name, module)
    else:
        del beside[path.name]  # which may be another name than the module's
        beside[module] = content
    _require_text(beside[module], module)
    with contextlib.suppress(UnicodeDecodeError):  # it names another encoding, and marimo writes UTF-8
        beside[module] = module_of_script(beside[module].decode()).encode()
    mistaken.require_this_topic(beside[module].decode("utf-8", "replace"), wanted, path.name)
    return beside, note


def _is_notebook_inside(content: bytes) -> bool:
    """Whether a file that should be Python is a notebook, as one is that was renamed."""
    return content.lstrip().startswith(b"{") and b'"nbformat"' in content


def of_notebook(content: bytes, name: str, module: str) -> bytes:
    """The module that a notebook makes, or that one of its cells writes."""
    try:
        return module_of_notebook(content, module).encode()
    except ValueError as error:
        raise Unusable(f"{name} is not a notebook that can be read: {error}.") from None


def _chosen(files: Mapping[str, bytes], wanted: Wanted, changed: Mapping[str, float]) -> tuple[str, str]:
    if not files:
        raise Unusable(f"The submission is empty: expected {wanted.module}.")
    candidates = wanted.candidates(files)
    if not candidates:
        if only := wanted.only_module({name: _text(name, files[name], wanted) for name in files if choosing.is_script(name)}):
            return only, _renamed(only, wanted)
        raise Unusable(mistaken.nothing_usable(files, wanted))
    sources = {name: _text(name, files[name], wanted) for name in candidates}
    if not wanted.hold_work(sources):  # an untouched stub, and the work under another name
        scripts = {name: _text(name, files[name], wanted) for name in files if choosing.is_script(name)}
        sources = {name: scripts[name] for name in wanted.hold_work(scripts)} or sources
        if not wanted.hold_work(sources):
            for name, content in files.items():  # the work may be in there
                archives.require_known(content, PurePosixPath(name).name)
    if len(sources) == 1:
        (chosen,) = sources
        return chosen, _renamed(chosen, wanted) or _packed_work(chosen, files, wanted)
    chosen, note = wanted.choose(sources, changed)
    return chosen, note or _packed_work(chosen, files, wanted)


def _packed_work(chosen: str, files: Mapping[str, bytes], wanted: Wanted) -> str:
    """A sentence on archives that were left packed although other work than the chosen file's is in them, or ""."""
    sources = {chosen: _text(chosen, files[chosen], wanted)}
    for archive in filter(choosing.is_archive, files):
        with contextlib.suppress(Unusable):  # nobody needs it
            inside = dict(archives.unpack(files[archive], PurePosixPath(archive).name, wanted, {}))
            sources |= {f"{archive}/{name}": _text(name, inside[name], wanted) for name in wanted.candidates(inside)}
    return wanted.left_aside(chosen, sources, [name for name in wanted.hold_work(sources) if name != chosen])


def _renamed(name: str, wanted: Wanted) -> str:
    """A sentence on a module under another name than it should have; an attempt's number is none of the student's doing."""
    base, (meant, attempt) = PurePosixPath(name).name, wanted.meant(name)
    if choosing.is_notebook(name) or base == wanted.module or (attempt and meant == wanted.module):
        return ""
    return f"{clean(base, 80)} was read as {wanted.module}: name it so next time."


def _text(name: str, content: bytes, wanted: Wanted) -> str:
    """The source text, or something like it if it cannot be read: to compare it with other candidates."""
    if choosing.is_notebook(name):
        with contextlib.suppress(ValueError):
            return module_of_notebook(content, wanted.module)
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
