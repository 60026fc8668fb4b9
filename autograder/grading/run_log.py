"""OUT/log.txt: what each run did and when, a line each, for people and for programs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from autograder.files import NOT_WRITTEN, refusal

NAME = "log.txt"


def add(out: Path, what: str, *more: object) -> None:
    """Add a line of the time, what has happened and to what, with tabs between; KitError if it cannot be written."""
    cells = [datetime.now(UTC).isoformat(timespec="milliseconds"), what, *(" ".join(str(cell).split()) for cell in more)]
    with refusal(out, NOT_WRITTEN), (out / NAME).open("ab", buffering=0) as file:
        file.write(("\t".join(cells) + "\n").encode("utf-8", "replace"))
