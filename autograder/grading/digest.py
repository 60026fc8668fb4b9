"""What decides a result, in a few letters: a result whose digest is the same need not be found again."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Set
from importlib import metadata
from pathlib import Path
from typing import Any

from autograder import secret
from autograder.course import Topic
from autograder.feedback.record import Settings
from autograder.submission.handed_in import Submission

_KIT = Path(__file__).parents[1]
_DECIDES_NOTHING = ("feedback", "frontends", "language", "samples", "translating")  # of the kit
_PACKAGES = ("torch", "torchvision", "numpy")
_NO_CODE = ("__pycache__", "alternatives")
# Of a topic and of a submission, what no check sees: `lateness.renewed` brings it up to date without another grading.
_NO_CHECK_NEEDS = {"root", "deadline", "timezone", "late", "person", "notes", "handed_in"}
_HEX = 32


@functools.cache
def versions() -> dict[str, str]:
    """The versions of what computes, and the digest of the kit's own source."""
    found = {"python": platform.python_version(), **{name: metadata.version(name) for name in _PACKAGES}}
    source = hashlib.blake2b(digest_size=8)
    for path in sorted(_KIT.rglob("*.py")):
        name = path.relative_to(_KIT)
        if name.parts[0] not in _DECIDES_NOTHING:
            _add(source, str(name).encode(), path.read_bytes())
    return {**found, "kit": source.hexdigest()}


def of_grading(topic: Topic, settings: Settings, key: bytes, data: str = "") -> bytes:
    """What all submissions of a grading share: the topic's files and entry, the settings, the secret, the versions.

    `data` says which images and which GPUs it has, where it has any.
    """
    found = hashlib.blake2b(digest_size=secret.BYTES)
    entry = {item.name: getattr(topic, item.name) for item in dataclasses.fields(topic) if item.name not in _NO_CHECK_NEEDS}
    shared = dataclasses.replace(settings, seed=None)  # the secret says it
    for value in (entry, shared, versions(), data):
        _add(found, _text(value).encode())
    for path in deciding(topic):
        _add(found, str(path.relative_to(topic.root)).encode(), path.read_bytes())
    return secret.derived(key, "digest", found.hexdigest())


def deciding(topic: Topic) -> Iterator[Path]:
    """The files beside the suite, the solution and the stub that can decide a result: code, and what code may read."""
    for folder in (topic.hidden_suite.parent, topic.solution.parent, topic.exercise):
        for path in sorted(folder.rglob("*")):
            parts = path.relative_to(folder).parts
            if path.suffix != ".md" and not any(part.startswith(".") or part in _NO_CODE for part in parts) and path.is_file():
                yield path


def of_submission(shared: bytes, submission: Submission, *, cleared: bool) -> str:
    """The digest of one submission in a grading that shares `of_grading`."""
    found = hashlib.blake2b(digest_size=_HEX // 2, key=shared)
    for name, content in sorted(submission.files.items()):
        _add(found, name.encode("utf-8", "surrogatepass"), content)
    by_age = sorted(submission.changed, key=lambda name: (submission.changed[name], name))  # which of several files counts
    rest = {item.name: getattr(submission, item.name) for item in dataclasses.fields(submission)
            if item.name not in {"files", "changed"} | _NO_CHECK_NEEDS}  # fmt: skip
    _add(found, _text([rest, by_age, cleared]).encode())
    return found.hexdigest()


def _add(found: Any, *parts: bytes) -> None:
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)


def _text(value: object) -> str:
    return json.dumps(value, default=_plain, sort_keys=True)


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    if isinstance(value, Set):
        return sorted(map(str, value))
    return dict(value) if isinstance(value, Mapping) else str(value)
