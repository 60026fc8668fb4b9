"""What is said where: the kit's own sentences, those of the exercises, those of the hidden suites, which students do not get."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.language import stubs
from autograder.translating.extract import Source

KIT = Path(__file__).parents[1]
_SAID_BY = (  # what a learner reads comes from these; the rest of the kit speaks to instructors
    "checks", "feedback", "learner", "sandbox/child*.py", "sandbox/ended.py", "sandbox/session.py", "submission",
    "grading/check_run.py", "grading/grade.py", "grading/mutant_diagnosis.py", "grading/policy.py", "results.py",
    "frontends/glance.py", "frontends/hints.py", "frontends/jupyter.py", "frontends/nbgrader/source.py", "frontends/reset.py",
    "frontends/watch*.py",
)  # fmt: skip
_WORDS = Source(
    KIT / "learner/explain.py", "words", ("imported", "run", "done", "right", "checking …", "Also:", "expected", "yours", "wrong")
)
_NOT_SAID = (
    "known_messages.py",  # patterns of what Python and PyTorch say
    "class_archive.py", "exports.py", "gradescope.py", "roster.py", "topics.py",  # to instructors
)  # fmt: skip


@dataclass(frozen=True)
class Domain:
    """The sentences of one kind, and the folder of their catalogues."""

    name: str
    locale: Path
    sources: tuple[Source, ...]


def domains(root: Path) -> list[Domain]:
    """The domains of the course at `root`, and the kit's."""
    course = [Source(root / "course.yaml", "course"), *_files(root / "exercises", "*/test_*.py", "suite")]
    hidden = [*_files(root / "tests/hidden", "*/test_*.py", "suite"), *_files(root / "tests/hidden", "*/[!t]*.py", "code")]
    return [
        Domain("kit", KIT / "language/locale", (_WORDS, *_of_kit(), *_files(KIT / "feedback/templates", "*.html", "template"))),
        Domain("exercises", root / "exercises/locale", tuple(course)),
        Domain(stubs.DOMAIN, stubs.locale(root), tuple(_of_stubs(root / "exercises"))),
        Domain("grading", root / "tests/hidden/locale", (*hidden, *_files(root / "solutions", "*/mutants.py", "mutants"))),
    ]


def _of_kit() -> Iterator[Source]:
    for place in _SAID_BY:
        files = _files(KIT, place if place.endswith(".py") else f"{place}/*.py", "code")
        yield from (source for source in files if source.path.name not in _NOT_SAID)


def _of_stubs(exercises: Path) -> list[Source]:
    return [source for source in _files(exercises, "*/*.py", "stub") if not source.path.name.startswith("test_")]


def _files(folder: Path, wanted: str, kind: str) -> list[Source]:
    return [Source(path, kind) for path in sorted(folder.glob(wanted))]
