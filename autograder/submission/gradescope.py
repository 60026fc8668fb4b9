"""Gradescope's submission_metadata.yml, the one file in an export of it that says whose the folders are.

Its form, which Gradescope describes nowhere, is what public code reads: for each folder, `:submitters:` with `:name:`, `:sid:`
and `:email:`, and `:created_at:` (github.com/rhattark/SER594, hw2/hw2q3_Hattarki.py; several submitters are a group).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from autograder.errors import KitError
from autograder.results import Person
from autograder.text import clean, one_line

FILE = "submission_metadata.yml"
_MOST = 64 << 20  # bytes


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the one in C is not everywhere
    """YAML as Ruby writes it, whose own classes are plain values here."""


def _plain(loader: Any, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node)
    return loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else loader.construct_scalar(node)


_Loader.add_multi_constructor("!", _plain)


def read(path: Path) -> dict[str, tuple[tuple[Person, ...], str]]:
    """Each folder's submitters, and the time in ISO 8601 or ""; KitError if the file is not what Gradescope writes."""
    try:
        if path.stat().st_size > _MOST:
            raise KitError(f"{FILE}: larger than {_MOST >> 20} MB")
        found = yaml.load(path.read_bytes(), _Loader)  # noqa: S506  a safe loader
    except OSError as error:
        raise KitError(f"{FILE}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise KitError(f"{FILE}: not what Gradescope writes ({one_line(error)}); download the submissions again") from None
    if not isinstance(found, Mapping):
        raise KitError(f"{FILE}: not what Gradescope writes; download the submissions again")
    return {str(name): (_people(entry), _time(entry)) for name, entry in found.items() if isinstance(entry, Mapping)}


def _people(entry: Mapping[str, Any]) -> tuple[Person, ...]:
    listed = entry.get(":submitters")
    people = [person for person in listed if isinstance(person, Mapping)] if isinstance(listed, list) else []
    return tuple(Person(*(clean(str(person.get(key) or ""), 200) for key in (":sid", ":name", ":email"))) for person in people)


def _time(entry: Mapping[str, Any]) -> str:
    time = entry.get(":created_at")
    if not isinstance(time, dt.datetime):
        return ""
    return (time if time.tzinfo else time.replace(tzinfo=dt.UTC)).isoformat(timespec="seconds")
