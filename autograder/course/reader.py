"""course.yaml → a Course; strict, with errors that name the line."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

from autograder.course.model import Course, Limits, Task, Topic
from autograder.errors import KitError

COURSE_FILE = "course.yaml"


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that holds course.yaml."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / COURSE_FILE).is_file():
            return folder
    raise KitError(f"no {COURSE_FILE} in {start.resolve()} or above it: run this inside a course")


def load(root: Path) -> Course:
    """Read and check course.yaml in the folder `root`; KitError names the file, the line and the mistake."""
    path = root / COURSE_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KitError(f"{path}: cannot be read: {error}") from None
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise KitError(f"{path}: the file is empty")
        reader = _Reader(path, loader)
        top = reader.mapping(node, required=("title", "topics"), optional=("limits",))
        limits = reader.limits(top["limits"], Limits()) if "limits" in top else Limits()
        topics = tuple(reader.topic(root, name, body, limits) for name, body in reader.items(top["topics"]))
        return Course(root, reader.text(top["title"]), topics)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise KitError(f"{path}:{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise KitError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    finally:
        loader.dispose()


@dataclass(frozen=True)
class _Reader:
    """Turns YAML nodes into values; every complaint names the node's line."""

    path: Path
    loader: yaml.SafeLoader

    def fail(self, node: yaml.Node, message: str) -> KitError:
        return KitError(f"{self.path}:{node.start_mark.line + 1}: {message}")

    def items(self, node: yaml.Node) -> list[tuple[str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode) or not node.value:
            raise self.fail(node, "expected names with values below them")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.fail(key, "expected a plain name")
            if key.value in found:
                raise self.fail(key, f"{key.value!r} is here twice")
            found[key.value] = value
        return list(found.items())

    def mapping(self, node: yaml.Node, required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, yaml.Node]:
        found = dict(self.items(node))
        for name in required:
            if name not in found:
                raise self.fail(node, f"{name!r} is missing")
        for name, value in found.items():
            if name not in required + optional:
                raise self.fail(value, f"unknown name {name!r}; known here: {', '.join(required + optional)}")
        return found

    def text(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:str":
            raise self.fail(node, "expected a text")
        return str(node.value)

    def number(self, node: yaml.Node) -> float:
        value = self.loader.construct_object(node, deep=True)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
            raise self.fail(node, "expected a number above 0")
        return float(value)

    def limits(self, node: yaml.Node, defaults: Limits) -> Limits:
        names = tuple(f.name for f in fields(Limits))
        return self.override(self.mapping(node, (), names), defaults)

    def override(self, found: dict[str, yaml.Node], defaults: Limits) -> Limits:
        changes: dict[str, Any] = {}
        for field in fields(Limits):
            if field.name in found:
                value = self.number(found[field.name])
                changes[field.name] = int(value) if field.type == "int" else value
        return replace(defaults, **changes)

    def topic(self, root: Path, name: str, node: yaml.Node, limits: Limits) -> Topic:
        if "/" in name or name.startswith("."):
            raise self.fail(node, f"{name!r} cannot be the name of a folder")
        found = self.mapping(node, required=("title", "tasks"), optional=("limits", "settings"))
        own = self.limits(found["limits"], limits) if "limits" in found else limits
        tasks = tuple(self.task(task_id, body, own) for task_id, body in self.items(found["tasks"]))
        settings = self.loader.construct_object(found["settings"], deep=True) if "settings" in found else {}
        if not isinstance(settings, dict):
            raise self.fail(found["settings"], "expected names with values below them")
        return Topic(name, self.text(found["title"]), tasks, own, settings, root)

    def task(self, task_id: str, node: yaml.Node, limits: Limits) -> Task:
        names = tuple(f.name for f in fields(Limits))
        found = self.mapping(node, required=("points", "hint"), optional=("forbid", "trains", *names))
        if not task_id.isidentifier():
            raise self.fail(node, f"{task_id!r} is not a name that a check can carry")
        forbid = self.text(found["forbid"]) if "forbid" in found else ""
        if forbid not in ("", "autograd"):
            raise self.fail(found["forbid"], f"unknown technique {forbid!r}; known: autograd")
        hint = " ".join(self.text(found["hint"]).split())
        trains = "trains" in found and self.loader.construct_object(found["trains"]) is True
        return Task(task_id, self.number(found["points"]), hint, forbid, trains, self.override(found, limits))
