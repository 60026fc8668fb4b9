"""Which of the files that were handed in is the one to grade, and which folders and files are nobody's code at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from autograder.text import clean

_NOT_CODE = frozenset({
    "venv", "env", "virtualenv", "node_modules", "site-packages", "dist-packages", "lightning_logs", "wandb", "mlruns", "runs",
    "CIFAR10", "cifar-10-batches-py", "MNIST", "FashionMNIST", "htmlcov",
})  # fmt: skip
_ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")
_DEFINITION = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)
_BOILERPLATE = re.compile(r"(?:from autograder\b|import autograder\b|check\(|#|%|!|\s*$)")
SMALL = 1 << 20  # bytes of a file that is no code, and yet may be read by some: weights, a table


def is_code_folder(name: str, topics: Iterable[str]) -> bool:
    """Whether a folder may hold the student's own code for the topic; `topics` are the course's others."""
    return not name.startswith((".", "__")) and name not in _NOT_CODE and name not in topics


def is_environment(names: Iterable[str]) -> bool:
    """Whether a folder with these entries is a virtual environment."""
    return any(name in _ENVIRONMENTS for name in names)


def is_code(name: str) -> bool:
    """Whether a file is, or holds, code by its name."""
    return name.lower().endswith((".py", ".ipynb", ".zip"))


@dataclass(frozen=True)
class Wanted:
    """What is looked for: the module of a topic, which begins as `stub`; `others` are the course's other topics."""

    module: str = ""
    topic: str = ""
    stub: str = ""
    others: frozenset[str] = frozenset()

    @classmethod
    def of(cls, topic: Any, others: Iterable[str] = ()) -> Wanted:
        """The topic's; a stub that cannot be read is like none."""
        try:
            stub = topic.stub.read_text(encoding="utf-8")
        except OSError:
            stub = ""
        return cls(topic.module, topic.name, stub, frozenset(others))

    def candidates(self, names: Iterable[str]) -> list[str]:
        """Files that may be the module: those of its name, and notebooks."""
        return [name for name in names if PurePosixPath(name).name == self.module or name.endswith(".ipynb")]

    def choose(self, sources: Mapping[str, str], changed: Mapping[str, float]) -> tuple[str, str]:
        """The one to grade of several candidates, by name → source text, and a sentence that names the others that hold work.

        First comes what bears the module's or the topic's exact name, then what is no longer the stub, then what lies in the
        topic's folder, then what is newest. A stub never comes before work.
        """
        work = {name for name, text in sources.items() if self._is_work(name, text)}

        def rank(name: str) -> tuple[Any, ...]:
            path = PurePosixPath(name)
            depth = (self.topic in path.parts, f"exercises/{self.topic}/" in name)
            return (
                name in work,
                self._is_exact(name),
                *depth,
                changed.get(name, 0.0),
                -len(path.parts),
                path.suffix == ".py",
                name,
            )

        best, *others = sorted(sources, key=rank, reverse=True)
        left = [name for name in others if name in work and sources[name].split() != sources[best].split()]
        if not left:
            return best, ""
        shown = clean(", ".join(sorted(left)[:5]), 200)
        return best, f"Taken: {clean(best, 80)}. Left aside, though there is work in it: {shown}."

    def _is_exact(self, name: str) -> bool:
        stems = (self.topic, self.module.removesuffix(".py"))
        return PurePosixPath(name).stem in stems

    def _is_work(self, name: str, text: str) -> bool:
        """Whether somebody has written for this topic in it: a line that the stub has not, and of its names at least one."""
        lines = {line.strip() for line in self.stub.splitlines()}
        new = any(line.strip() not in lines and not _BOILERPLATE.match(line.strip()) for line in text.splitlines())
        names = set(_DEFINITION.findall(self.stub))
        return new and (not names or self._is_exact(name) or not names.isdisjoint(_DEFINITION.findall(text)))
