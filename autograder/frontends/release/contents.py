"""What is in a student kit: made from a course's public files alone, or read from a kit."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from autograder.course import COURSE_FILE, KIT_FILE, ORIGINALS, Course, Topic
from autograder.errors import KitError
from autograder.frontends.nbgrader import source
from autograder.frontends.release import course_file, wheel
from autograder.language import ENGLISH, catalogues
from autograder.submission.notebook import CHECKS_FILE

LESSONS = ("README.md", "README.zh.md")
SETUP = "requirements.txt"
PINS = "constraints.txt"
_TEMPLATES = Path(__file__).parent / "templates"
_PYTEST = "[pytest]\ntestpaths = exercises\npython_files = test_*.py\naddopts = --import-mode=importlib --strict-markers\n"
_IGNORED = "/.venv/\n__pycache__/\n.pytest_cache/\n.ipynb_checkpoints/\n*.py.kept*\n"
_SCHEMA = 1


@dataclass(frozen=True)
class Kit:
    """A student kit.

    `files` are by their paths below its folder, with `/`; `work` are the paths of those that the student works in. `topics`
    are names of topics; `whole` says that it was to have all of the course's. `language` is that of the docstrings and TODOs in
    the stubs, and of the notebooks.
    """

    files: Mapping[str, bytes]
    work: frozenset[str]
    topics: tuple[str, ...]
    whole: bool
    version: str
    language: str = ENGLISH

    def manifest(self) -> bytes:
        """The text of its kit.json, which tells later what was released."""
        digests = {path: digest(content) for path, content in sorted(self.files.items())}
        found = {"schema": _SCHEMA, "version": self.version, "topics": self.topics, "every_topic": self.whole,
                 "language": self.language, "files": digests, "work": sorted(self.work)}  # fmt: skip
        return (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode()


@dataclass(frozen=True)
class Released:
    """What a folder's kit.json says: the digests of the files as they were released, and which of them are the student's."""

    files: Mapping[str, str]
    work: frozenset[str]
    topics: tuple[str, ...]
    whole: bool
    version: str
    language: str


def digest(content: bytes) -> str:
    """What tells one content of a file from another."""
    return hashlib.sha256(content).hexdigest()


def kept(path: str) -> str:
    """Where a kit keeps a file of the student's as it was released."""
    return f"{ORIGINALS}/{path}"


def of_course(course: Course, names: Sequence[str] = (), language: str = ENGLISH) -> Kit:
    """The kit of these topics, or of all, in this language; reads nothing in the solutions' and hidden suites' folders.

    Raises:
        KitError: there is no such topic, a file is missing or cannot be read, or a module is not a stub.
    """
    chosen = [topic for topic in course.topics if topic.name in [course.topic(name).name for name in names] or not names]
    package = wheel.build()
    try:
        work = {path: text.encode() for topic in chosen for path, text in _work(topic, language)}
        files = {path: content for topic in chosen for path, content in _given(topic)}
        files |= {path: text.encode() for path, text in _around(course, chosen, package).items()}
        files |= {path.relative_to(course.root).as_posix(): path.read_bytes() for path in catalogues(course.root)}
    except OSError as error:
        raise KitError(f"{error.filename}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise KitError(f"a file of the course is no text in UTF-8: {error.object[error.start : error.start + 10]!r}") from None
    files |= {kept(path): content for path, content in work.items()} | work
    files[f"wheel/{package.name}"] = package.content
    return Kit(
        dict(sorted(files.items())), frozenset(work), tuple(topic.name for topic in chosen), not names, package.version, language
    )


def _work(topic: Topic, language: str) -> Iterator[tuple[str, str]]:
    """The files that a student works in: the stub, and the notebook."""
    yield f"notebooks/{topic.name}/{topic.name}.ipynb", source.text(source.notebook(topic, for_students=True, language=language))
    yield f"exercises/{topic.name}/{topic.module}", source.stub_text(topic, language)


def _given(topic: Topic) -> Iterator[tuple[str, bytes]]:
    """The topic's files that the student reads: lessons, what they show, checks."""
    names = [name for name in LESSONS if (topic.exercise / name).is_file()] + [topic.public_checks.name]
    lessons = "".join((topic.exercise / name).read_text(encoding="utf-8") for name in names if name in LESSONS)
    shown = set(re.findall(r"!\[[^]]*\]\(([^:/\\)]+)\)", lessons))
    for name in [*names, *sorted(shown)]:
        if not (topic.exercise / name).is_file():
            raise KitError(f"{topic.exercise / name}: a lesson shows it, and it is not there")
        yield f"exercises/{topic.name}/{name}", (topic.exercise / name).read_bytes()
    yield f"notebooks/{topic.name}/{CHECKS_FILE}", source.public_checks(topic).encode()


def _around(course: Course, topics: Sequence[Topic], package: wheel.Wheel) -> dict[str, str]:
    """The files of no topic."""
    pins = course.root / PINS
    held = {PINS: pins.read_text(encoding="utf-8")} if pins.is_file() else {}
    needed = [*(f"-c {name}" for name in held), f"./wheel/{package.name}"]
    words = {"title": course.title, "first": topics[0].name, "task": topics[0].tasks[0].id,
             "module": f"exercises/{topics[0].name}/{topics[0].module}",
             "topics": "\n".join(_row(topic) for topic in topics)}  # fmt: skip
    texts = {name: (_TEMPLATES / name).read_text(encoding="utf-8") for name in LESSONS}
    return {
        **{name: Template(text).substitute(words) for name, text in texts.items()},
        "smoke.py": (_TEMPLATES / "smoke.py").read_text(encoding="utf-8"),
        COURSE_FILE: course_file.text(course, topics),
        SETUP: "\n".join(needed) + "\n",
        **held,
        "pytest.ini": _PYTEST,
        ".gitignore": _IGNORED,
    }


def _row(topic: Topic) -> str:
    chinese = f" · [中文](exercises/{topic.name}/{LESSONS[1]})" if (topic.exercise / LESSONS[1]).is_file() else ""
    lesson = f"[{topic.title}](exercises/{topic.name}/{LESSONS[0]}){chinese}"
    return f"| {lesson} | `exercises/{topic.name}/{topic.module}` | {topic.max_score:g} |"


def released(folder: Path) -> Released:
    """What the kit in the folder says of itself.

    Raises:
        KitError: it is no kit of this autograder.
    """
    path = folder / KIT_FILE
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"] != _SCHEMA:
            raise KitError(f"{path}: schema {found['schema']!r}, and this autograder knows {_SCHEMA}")
        files = {str(name): str(value) for name, value in found["files"].items()}
        topics = tuple(str(name) for name in found["topics"])
        return Released(files, frozenset(map(str, found["work"])), topics, bool(found["every_topic"]), str(found["version"]),
                        str(found.get("language", ENGLISH)))  # fmt: skip
    except FileNotFoundError:
        raise KitError(f"{folder}: no {KIT_FILE} in it, so it is not a student kit that `autograder release` made") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise KitError(f"{path}: not a {KIT_FILE} that `autograder release` wrote") from None


def of_kit(folder: Path) -> Kit:
    """The kit in the folder, as it was released.

    Raises:
        KitError: it is no kit, or a file of it is gone or changed.
    """
    said = released(folder)
    files = {}
    for path, expected in said.files.items():
        where = folder / (kept(path) if path in said.work else path)
        content = where.read_bytes() if where.is_file() else b""
        if digest(content) != expected:
            raise KitError(f"{where}: not as it was released: unpack the kit once more, and begin there")
        files[path] = content
    return Kit(files, said.work, said.topics, said.whole, said.version, said.language)
