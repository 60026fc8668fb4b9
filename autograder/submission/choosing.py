"""Which of the files that were handed in is the one to grade, and which folders and files are nobody's code at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from autograder.errors import KitError
from autograder.text import clean

_NOT_CODE = frozenset({
    "venv", "env", "virtualenv", "node_modules", "site-packages", "dist-packages", "lightning_logs", "wandb", "mlruns", "runs",
    "CIFAR10", "cifar-10-batches-py", "MNIST", "FashionMNIST", "htmlcov",
})  # fmt: skip
_ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")
_DEFINITION = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)
_BOILERPLATE = re.compile(r"(?:from autograder\b|import autograder\b|check\(|#|%|!|\s*$)")
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_SCRIPTS = (".py", ".py.txt")
_NOTEBOOKS = (".ipynb", ".ipynb.txt", ".ipynb.json")  # as some browsers save them
_NO_MODULE = re.compile(r"(?:test_.*|.*_test|conftest|setup|__\w+__|public_checks)\.py", re.IGNORECASE)
_ATTEMPT = re.compile(r"(?:-(\d{1,3})| ?\((\d{1,3})\))$")  # Canvas counts `net-1.py`, browsers `net (1).py`
_FEW = 2  # names of another topic that are no coincidence
Others = Mapping[str, tuple[str, tuple[str, ...]]]  # topic → its module, and the names that it defines
SMALL = 1 << 20  # bytes of a file that is no code, and yet may be read by some: weights, a table


def is_code_folder(name: str, topics: Iterable[str]) -> bool:
    """Whether a folder may hold the student's own code for the topic; `topics` are the course's others."""
    return not name.startswith((".", "__")) and name not in _NOT_CODE and name not in topics


def is_environment(names: Iterable[str]) -> bool:
    """Whether a folder with these entries is a virtual environment."""
    return any(name in _ENVIRONMENTS for name in names)


def is_code(name: str) -> bool:
    """Whether a file is, or holds, code by its name."""
    return is_script(name) or is_notebook(name) or is_archive(name)


def is_script(name: str) -> bool:
    """Whether a file is Python by its name."""
    return name.lower().endswith(_SCRIPTS)


def is_notebook(name: str) -> bool:
    """Whether a file is a notebook by its name."""
    return name.lower().endswith(_NOTEBOOKS)


def is_archive(name: str) -> bool:
    """Whether a file is an archive that can be opened, by its name."""
    return name.lower().endswith(_ARCHIVES)


def ending(name: str) -> str:
    """The ending that says what a file is, as it is written: "", or one of those of scripts, notebooks and archives."""
    known = (*_SCRIPTS, *_NOTEBOOKS, *_ARCHIVES)
    longest = max((len(end) for end in known if name.lower().endswith(end)), default=0)
    return name[len(name) - longest :]


def without_ending(name: str) -> str:
    """The name without the ending that says what the file is."""
    return name.removesuffix(ending(name))


def others_of(topics: Iterable[Any], but: str) -> Others:
    """The course's other topics; one whose files cannot be read is known by its name alone."""
    found = {}
    for topic in topics:
        try:
            found[topic.name] = topic.module, tuple(_DEFINITION.findall(topic.stub.read_text(encoding="utf-8")))
        except (OSError, KitError):
            found[topic.name] = "", ()
    return {name: other for name, other in found.items() if name != but}


@dataclass(frozen=True)
class Wanted:
    """What is looked for: the module of a topic, which begins as `stub`; `others` are the course's other topics."""

    module: str = ""
    topic: str = ""
    stub: str = ""
    others: Others = field(default_factory=dict)

    @classmethod
    def of(cls, topic: Any, others: Iterable[str] | Others = ()) -> Wanted:
        """The topic's; a stub that cannot be read is like none."""
        try:
            stub = topic.stub.read_text(encoding="utf-8")
        except OSError:
            stub = ""
        return cls(topic.module, topic.name, stub, others if isinstance(others, Mapping) else dict.fromkeys(others, ("", ())))

    @staticmethod
    def meant(name: str) -> tuple[str, int]:
        """The file's name as it was meant, in small letters and without an attempt's number, and that number or 0."""
        base = unicodedata.normalize("NFC", PurePosixPath(name).name).lower()
        stem, end = without_ending(base), ending(base).removesuffix(".txt").removesuffix(".json")
        found = _ATTEMPT.search(stem)
        return (f"{stem[: found.start()]}{end}", int(found[1] or found[2])) if found else (f"{stem}{end}", 0)

    def candidates(self, names: Iterable[str]) -> list[str]:
        """Files that may be the module: scripts of its name or the topic's, or nearly so, and notebooks."""
        return [name for name in names if is_notebook(name) or (is_script(name) and self._is_exact(name))]

    def is_named_in(self, names: Iterable[str]) -> bool:
        """Whether a file among them bears the module's or the topic's name, or lies in a folder of the topic's."""
        return any(is_code(name) and (self._is_exact(name) or self.topic in PurePosixPath(name).parts[:-1]) for name in names)

    def hold_work(self, sources: Mapping[str, str]) -> list[str]:
        """Those of the files, by name → source text, in which somebody has written for this topic; tests are none."""
        return [name for name, text in sources.items() if not _NO_MODULE.fullmatch(PurePosixPath(name).name)
                and self._is_work(name, text)]  # fmt: skip

    def only_module(self, sources: Mapping[str, str]) -> str:
        """The one file, by name → source text, that defines what the module should, though under another name; or ""."""
        names = set(_DEFINITION.findall(self.stub))
        own = {name: text for name, text in sources.items() if not _NO_MODULE.fullmatch(PurePosixPath(name).name)}
        shares = {name: len(names.intersection(_DEFINITION.findall(text))) for name, text in own.items()}
        best = max(shares.values(), default=0)
        found = [name for name, share in shares.items() if share == best and (share or not names)]
        return found[0] if len(found) == 1 else ""

    def other_topic(self, text: str) -> str:
        """The other topic that a module's text is the work for, if it defines nothing of this one's; or ""."""
        defined = set(_DEFINITION.findall(text))
        if not defined.isdisjoint(_DEFINITION.findall(self.stub)):
            return ""
        shares = {topic: len(defined.intersection(names)) for topic, (_, names) in self.others.items()}
        best = max(shares, key=lambda topic: shares[topic], default="")
        return best if best and shares[best] >= min(_FEW, len(self.others[best][1]) or _FEW) else ""

    def choose(self, sources: Mapping[str, str], changed: Mapping[str, float]) -> tuple[str, str]:
        """The one to grade of several candidates, by name → source text, and a sentence that names the others that hold work.

        A stub never comes before work. Then comes what bears the module's or the topic's name, then what lies in the topic's
        folder, then the attempt with the highest number, then what is newest.
        """
        work = {name for name, text in sources.items() if self._is_work(name, text)}

        def rank(name: str) -> tuple[Any, ...]:
            path = PurePosixPath(name)
            depth = (self.topic in path.parts, f"exercises/{self.topic}/" in name)
            return (
                name in work,
                self._is_exact(name),
                *depth,
                self.meant(name)[1],
                changed.get(name, 0.0),
                -len(path.parts),
                path.suffix == ".py",
                name,
            )

        best, *others = sorted(sources, key=rank, reverse=True)
        return best, self.left_aside(best, sources, [name for name in others if name in work])

    @staticmethod
    def left_aside(best: str, sources: Mapping[str, str], work: Iterable[str]) -> str:
        """A sentence on the files that hold other `work` than the one that is taken, or ""."""
        left = [name for name in work if sources[name].split() != sources[best].split()]
        shown = clean(", ".join(sorted(left)[:5]), 200)
        return f"Taken: {clean(best, 80)}. Left aside, though there is work in it: {shown}." if left else ""

    def _is_exact(self, name: str) -> bool:
        stems = (self.topic.lower(), self.module.lower().removesuffix(".py"))
        return without_ending(self.meant(name)[0]) in stems

    def _is_work(self, name: str, text: str) -> bool:
        """Whether somebody has written for this topic in it: a line that the stub has not, and of its names at least one."""
        lines = {line.strip() for line in self.stub.splitlines()}
        new = any(line.strip() not in lines and not _BOILERPLATE.match(line.strip()) for line in text.splitlines())
        names = set(_DEFINITION.findall(self.stub))
        return new and (not names or self._is_exact(name) or not names.isdisjoint(_DEFINITION.findall(text)))
