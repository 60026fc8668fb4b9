"""How much a submission may hold, and the exception that says what is wrong with one."""

from __future__ import annotations

from autograder.text import clean

MAX_BYTES = 16 << 20
MAX_FILES = 200
MAX_DEPTH = 40  # folders around a file
MAX_PATH = 1000  # bytes of a file's path, and
MAX_NAME = 255  # of each part of it: what a file system takes


class Unusable(Exception):
    """The submission cannot be graded; the text says why, for the student."""


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
