"""Files that are not what their names say, or not what was asked for: what to tell whoever handed them in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from autograder.submission.bounds import Unusable
from autograder.submission.choosing import Wanted
from autograder.submission.magic import kind_of
from autograder.text import clean

_PICTURES = ("PNG", "JPEG", "GIF", "HEIC")
_MERGE = re.compile(rb"^(?:<{7} |={7}\r?$|>{7} )", re.MULTILINE)
_LINKS = (".url", ".webloc", ".lnk", ".desktop", ".gdoc", ".gsheet", ".gslides")
_TYPED = ("onlinetext.html", "text.html", "text.txt")  # as exports.py names what was typed into an LMS
_TAG = re.compile(rb"<(?:style|script|title)\b.*?</(?:style|script|title)>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_ADDRESS = re.compile(rb"https?://\S+")
_FEW = 100  # letters around an address, as a page has that only leads to it
_LONG = 20_000  # bytes: a page with more is not looked through


def require_source(content: bytes, name: str) -> None:
    """Unusable if a file that should be a program's text, or a notebook, is something else by its bytes."""
    kind, shown = kind_of(content), clean(name, 60)
    if kind in _PICTURES:
        raise Unusable(f"{shown} is a picture ({kind}), whatever its name says: hand in the code itself, as text.")
    if kind == "HTML":
        raise Unusable(f"{shown} is a web page (HTML) that was saved under this name: download the file itself "
                       "(on GitHub: its Raw view).")  # fmt: skip
    if kind in ("RTF", "Word", "PDF"):
        raise Unusable(f"{shown} is a document ({kind}), whatever its name says: save the code as plain text.")
    if kind:
        raise Unusable(f"{shown} is an archive ({kind}), whatever its name says: unpack it, or name it by what it is.")
    marks = list(_MERGE.finditer(content))
    if len({mark[0][:1] for mark in marks}) == len((b"<", b"=", b">")):
        line = content.count(b"\n", 0, marks[0].start()) + 1
        raise Unusable(f"{shown} holds an unfinished merge of Git, from line {line}: choose one of the two versions, and remove "
                       "the other, and the three lines of signs that Git put around them.")  # fmt: skip


def require_this_topic(text: str, wanted: Wanted, name: str) -> None:
    """Unusable if the module defines nothing of what the topic's does, but the names of another topic's."""
    if other := wanted.other_topic(text):
        raise Unusable(f"{clean(name, 60)} holds the work for {other}, not for {wanted.topic}: hand in {wanted.module} of "
                       f"{wanted.topic}.")  # fmt: skip


def nothing_usable(files: Mapping[str, bytes], wanted: Wanted) -> str:
    """Why none of the files can be the module, and what to do."""
    for name in sorted(files):
        for topic, (module, _) in wanted.others.items():
            if module and wanted.meant(name)[0] == module.lower():
                return (f"{clean(PurePosixPath(name).name, 60)} is the module of {topic}: hand in {wanted.module} for "
                        f"{wanted.topic}.")  # fmt: skip
    found = clean(", ".join(sorted(files)[:5]), 200)
    if all(_is_link(name, content) for name, content in files.items()):
        return f"The submission is nothing but a link ({found}): hand in the file {wanted.module} itself."
    if all(PurePosixPath(name).name in _TYPED for name in files):
        return f"The submission is only a text that was typed in, without a file: hand in {wanted.module} as a file."
    return f"There is no {wanted.module} in the submission; found {found}."


def _is_link(name: str, content: bytes) -> bool:
    if name.lower().endswith(_LINKS):
        return True
    if not name.lower().endswith((".txt", ".html", ".htm", ".md")) or len(content) > _LONG:
        return False
    said = _TAG.sub(b" ", content)
    return bool(_ADDRESS.search(content)) and len(b"".join(_ADDRESS.sub(b"", said).split())) < _FEW
