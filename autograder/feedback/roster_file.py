"""OUT/roster.json: who should have handed in."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from autograder.errors import KitError
from autograder.files import write_atomically
from autograder.results import Person

SCHEMA = 1
NAME = "roster.json"


def read(out: Path) -> tuple[Person, ...]:
    """The people on the roster; () if OUT has none. KitError if the file is something else."""
    path = out / NAME
    if not path.is_file():
        return ()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError("another schema")
        return tuple(Person(**{str(key): str(value) for key, value in person.items()}) for person in document["people"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise KitError(f"{path}: not written by this kit; give --roster again") from None


def write(out: Path, people: Sequence[Person]) -> None:
    """Keep the roster in OUT; OSError if that cannot be."""
    document = {"schema": SCHEMA, "people": [dataclasses.asdict(person) for person in people]}
    write_atomically(out / NAME, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
