"""OUT/grading.json: of what its results are, how they were graded, and which submissions they are to be of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from autograder import results
from autograder.errors import KitError
from autograder.files import NOT_WRITTEN, refusal, write_atomically
from autograder.results import Report, SubmissionStatus

NAME = "grading.json"


@dataclass(frozen=True)
class Settings:
    """How a grading was asked for; "" and None stand for what the course says, and for a secret that was drawn."""

    data: str = ""
    budget: str = ""
    isolation: str = "full"
    device: str = "simulated"
    seed: int | None = None


@dataclass(frozen=True)
class Record:
    """What a place of OUT holds.

    `submissions` has for each folder of submissions, by its path, the digest of each submission in it: a result is up to
    date if it has the same. `cleared` has the submissions that a person has looked at, each with a digest of what was seen.
    `zero_unreadable` is whether what cannot be read counts as zero. `settings` is None where a version of the kit that kept
    none has written.
    """

    topic: str
    course: str = ""
    settings: Settings | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    submissions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    zero_unreadable: bool = False
    cleared: Mapping[str, str] = field(default_factory=dict)

    @property
    def digests(self) -> dict[str, str]:
        """The digest of each submission that is to be graded."""
        return {name: digest for found in self.submissions.values() for name, digest in found.items()}

    def with_submissions(self, folder: Path, digests: Mapping[str, str]) -> Record:
        """The same with what is in that folder now; a name that another folder had is this one's."""
        path = str(folder.resolve())
        others = {
            each: {name: digest for name, digest in found.items() if name not in digests}
            for each, found in self.submissions.items()
            if each != path
        }
        return replace(self, submissions={**{each: found for each, found in others.items() if found}, path: dict(digests)})

    def state(self, reports: Sequence[Report]) -> str:
        """How many of the submissions have a result that is up to date, in a few words; "" if all have one."""
        wanted = self.digests
        done = sum(is_current(report, wanted.get(report.submission, "")) for report in reports)
        return f"{done} of {len(wanted)} graded so far" if done < len(wanted) else ""


def is_current(report: Report, digest: str) -> bool:
    """Whether a result is that of the submission with this digest, and need not be found again."""
    return bool(digest) and report.digest == digest and report.status is not SubmissionStatus.BROKEN


def difference(before: Record, course: str, settings: Settings) -> str:
    """What keeps results of this course, graded this way, from those of `before`, in a few words; "" if nothing does.

    Without a seed the secret is the one that is there, whatever it came from.
    """
    if before.settings is None:
        return ""
    was = {"course": before.course} | asdict(before.settings)
    now = {"course": course} | asdict(settings)
    if settings.seed is None:
        now["seed"] = was["seed"]
    return "; ".join(f"{name}: {_shown(was[name])}, now {_shown(now[name])}" for name in was if was[name] != now[name])


def _shown(value: object) -> str:
    return "as the course says" if value == "" else "drawn" if value is None else str(value)


def read(out: Path) -> Record | None:
    """What is written there; None if nothing is. KitError for what this kit has not written."""
    path = out / NAME
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KitError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise KitError(_foreign(path)) from None
    try:
        settings = dict(found["settings"]) if "settings" in found else None
        zero = bool(settings.pop("zero_unreadable", False)) if settings else False
        submissions = {str(folder): {str(name): str(digest) for name, digest in each.items()}
                       for folder, each in found.get("submissions", {}).items()}  # fmt: skip
        versions = {str(name): str(version) for name, version in found.get("versions", {}).items()}
        cleared = found.get("cleared", {})
        cleared = cleared if isinstance(cleared, dict) else {}  # an earlier version kept names, and not what was seen
        return Record(str(found["topic"]), str(found.get("course", "")), Settings(**settings) if settings else None, versions,
                      submissions, zero, cleared)  # fmt: skip
    except (KeyError, TypeError, AttributeError, ValueError):
        raise KitError(_foreign(path)) from None


def write(out: Path, record: Record) -> None:
    """Write it, whole; KitError if that cannot be."""
    document: dict[str, Any] = {"schema": results.SCHEMA, "topic": record.topic}
    if record != Record(record.topic):  # which is all that is known of results that no grading has put there
        settings = (asdict(record.settings) if record.settings else {}) | {"zero_unreadable": record.zero_unreadable}
        document |= {"course": record.course, "versions": dict(record.versions), "settings": settings,
                     "cleared": dict(record.cleared), "submissions": record.submissions}  # fmt: skip
    with refusal(out, NOT_WRITTEN):
        write_atomically(out / NAME, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _foreign(path: Path) -> str:
    return f"{path}: not written by this kit; remove it to start afresh"
