"""The names that submissions go by: as people write them, fit for files and pages, and no two that anybody could mix up."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from autograder.text import clean

MAX_NAME = 200  # bytes of a name: files are named after it, with an ending
_MARK = re.compile("…[0-9a-f]{12}$")  # only ours, or a student could take another's name
_UNSEEN = {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), *range(0x180B, 0x1810), 0x034F, 0x115F, 0x1160, 0x3164, 0xFFA0}
# Letters of Cyrillic and Greek that nobody can tell from Latin ones, as Unicode's report 39 on security lists them.
_TWINS = str.maketrans("АВЕЅІЈКМНОРСТУХԀԚԜаеѕіјорсухԁһԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABESIJKMHOPCTYXDQWaesijopcyxdhqwABEZHIKMNOPTYXo")
_JOINERS = "\u200c\u200d"  # they shape letters of Persian or Hindi, and make one emoji of several


def distinct(named: Sequence[tuple[str, str]], tell: Callable[[str], None]) -> list[str]:
    """The name of each entry, of which `named` has the short name and the full one, which is used where the short one is taken.

    Names that look the same, or that a file system may take for the same, all get a mark, which does not depend on who else
    is there; `tell` is called with a sentence about them.
    """
    taken = Counter(_likeness(short) for short, _ in named)
    names = [short if taken[_likeness(short)] == 1 else full for short, full in named]
    alike = Counter(map(_likeness, names))
    found = [printable(name, mark=alike[_likeness(name)] > 1) for name in names]
    for likeness, count in alike.items():
        if count > 1:
            group = [printed for name, printed in zip(names, found, strict=True) if _likeness(name) == likeness]
            tell(f"{count} names look the same and got a mark: {', '.join(group)}")
    return found


def printable(name: str, *, mark: bool = False) -> str:
    """A file's name as text that JSON, a page and another file's name can hold.

    One that is cut, or that gets a `mark`, ends with a digest of the whole, so that two names stay two.
    """
    raw = os.fsencode(name)
    shown = _shown(raw)
    if len(shown.encode()) <= MAX_NAME and not mark and not _MARK.search(shown):
        return shown
    digest = hashlib.sha256(raw).hexdigest()[:12]
    return f"{shown.encode()[: MAX_NAME - 16].decode('utf-8', 'ignore')}…{digest}"


def of_file(raw: bytes) -> str:
    """A file's name as its import has it: UTF-8 or what Windows writes in China, and with its accents put together."""
    for encoding in ("utf-8", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return unicodedata.normalize("NFC", raw.decode(encoding))
    return raw.decode("utf-8", "replace")


def _shown(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    letters = [
        c if c in _JOINERS and _joins(text[i - 1 : i], text[i + 1 : i + 2]) else clean(c).replace("\n", "\ufffd")
        for i, c in enumerate(text)
    ]
    return "".join(letters)


def _joins(before: str, after: str) -> bool:
    """Whether a joiner between these two can be seen: not between letters of an alphabet that does not join."""
    return all(c and not c.isascii() and unicodedata.category(c)[0] in "LMS" and "LATIN" not in unicodedata.name(c, "") for c in
               (before, after))  # fmt: skip


def _likeness(name: str) -> str:
    """The same for names that people, or file systems, may take for the same."""
    text = "".join(c for c in _shown(os.fsencode(name)) if c not in _JOINERS and ord(c) not in _UNSEEN)
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).translate(_TWINS).casefold())
    return " ".join(text.split()).rstrip(". ") if len(text.encode()) <= MAX_NAME else name
