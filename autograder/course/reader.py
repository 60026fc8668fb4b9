"""course.yaml → a Course; strict, with errors that name the line. What may stand where: see `fields`."""

from __future__ import annotations

import datetime as dt
import math
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from autograder.course import fields
from autograder.course.fields import Each, Section, Value
from autograder.course.model import Budget, Course, Late, Limits, Minimum, Task, Topic, TrainingSettings
from autograder.errors import KitError

COURSE_FILE = "course.yaml"
DEPTH = 20  # of names below names; the table has 6

_TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "boolean": (bool,), "integer": (int,), "number": (int, float)}


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that holds course.yaml."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / COURSE_FILE).is_file():
            return folder
    text = f"no {COURSE_FILE} in {start.resolve()} or above it: run this inside a course or a student kit"
    raise KitError(f"{text}; the package alone has no exercises")


def load(root: Path) -> Course:
    """Read and check course.yaml in the folder `root`; KitError names the file, the line and the mistake."""
    path = root / COURSE_FILE
    try:
        return read(path.read_bytes(), root)
    except OSError as error:
        raise KitError(f"{path}: cannot be read: {error.strerror}") from None
    except _Mistake as mistake:
        raise KitError(f"{path}:{mistake.line}: {mistake}") from None


def read(text: bytes, root: Path) -> Course:
    """The course in the text of a course.yaml that lies in `root`."""
    try:
        decoded = text.decode()
        loader = _quick_loader(decoded) or _Loader(decoded)
    except UnicodeDecodeError as error:
        raise _Mistake(text.count(b"\n", 0, error.start) + 1, "not a text in UTF-8") from None
    except yaml.reader.ReaderError as error:
        raise _Mistake(text.decode().count("\n", 0, error.position) + 1, "a character that no text has") from None
    try:
        node = loader.get_single_node()
        if node is None:
            raise _Mistake(1, "the file is empty")
        return _course(_Reader(loader).section(fields.COURSE, node), root)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _Mistake(line, f"not valid YAML: {error.problem}") from None
    finally:
        loader.dispose()


def _quick_loader(text: str) -> yaml.CSafeLoader | None:
    """A loader in C, ten times as fast, of a text in which `_Loader` has nothing to name; else None, or where PyYAML has none."""
    if not yaml.__with_libyaml__:
        return None
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if getattr(event, "anchor", None) is not None or depth >= DEPTH:
                return None
    except yaml.YAMLError:
        return None
    return yaml.CSafeLoader(text)


class _Mistake(KitError):
    """What is wrong in which line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def _at(node: yaml.Node, message: str) -> _Mistake:
    return _Mistake(node.start_mark.line + 1, message)


class _Loader(yaml.SafeLoader):
    """YAML in which every value stands where it holds: no aliases, whose few lines can stand for endless ones."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]  # its stub has no type for it
        line = event.start_mark.line + 1 if event.start_mark else 1
        if getattr(event, "anchor", None) is not None:  # an alias has one too: that of its anchor
            raise _Mistake(line, "& and * make anchors and aliases, which this file must not have: write the value out, "
                                 "or in quotes")  # fmt: skip
        if self.depth == DEPTH:
            raise _Mistake(line, "too many levels below one another")
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


@dataclass(frozen=True)
class _Found:
    """What was read of a section, and the line of each name."""

    section: Section
    values: Mapping[str, Any]
    lines: Mapping[str, int]

    def __getitem__(self, name: str) -> Any:
        """The value, or what the table has for one that is left out."""
        return self.values[name] if name in self.values else next(f.default for f in self.section.fields if f.name == name)


@dataclass(frozen=True)
class _Reader:
    """Turns YAML nodes into values as the table wants them."""

    loader: _Loader | yaml.CSafeLoader

    def read(self, kind: Value | Section | Each, node: yaml.Node) -> Any:
        if isinstance(kind, Section):
            return self.section(kind, node)
        if isinstance(kind, Each):
            return self.each(kind, node)
        if not kind.many:
            return self.value(kind, node)
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not nodes:
            raise _at(node, f"expected {kind.words}, found an empty list")
        return tuple(self.value(kind, item) for item in nodes)

    def section(self, section: Section, node: yaml.Node) -> _Found:
        found = _names(node)
        if section.instead and any(key.value == section.instead.fields[0].name for key, _ in found):
            section = section.instead
        known = {field.name: field for field in section.fields}
        for key, _ in found:
            if key.value not in known:
                raise _at(key, f"unknown name {key.value!r}; known here: {', '.join(known)}")
        names = {key.value for key, _ in found}
        for field in section.fields:
            if field.default is fields.REQUIRED and field.name not in names:
                raise _at(node, f"{field.name!r} is missing")
        values = {key.value: self.read(known[key.value].kind, value) for key, value in found}
        return _Found(section, values, {key.value: key.start_mark.line + 1 for key, _ in found})

    def each(self, kind: Each, node: yaml.Node) -> dict[str, _Found]:
        found = _names(node)
        for key, _ in found:
            if not re.fullmatch(kind.pattern, key.value):
                raise _at(key, f"{key.value!r} is not {kind.words}")
        return {key.value: self.section(kind.section, value) for key, value in found}

    def value(self, kind: Value, node: yaml.Node) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            inside = "a list" if isinstance(node, yaml.SequenceNode) else "names with values below them"
            raise _at(node, f"expected {kind.words}, found {inside}")
        try:
            value = node.value if "pattern" in kind.schema else self.loader.construct_object(node)  # a time stays a text
        except (ValueError, OverflowError):  # `!!int x`, or digits without end
            value = None
        if _fits(value, kind.schema):
            convert = {"integer": int, "number": float}.get(kind.schema.get("type", ""))
            return convert(value) if convert else value
        raise _at(node, f"expected {kind.words}, found {_shown(node, value)}{_advice(kind, node, value)}")


def _names(node: yaml.Node) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    """The names of a mapping and what stands below each."""
    if not isinstance(node, yaml.MappingNode) or not node.value:
        raise _at(node, "expected names with values below them")
    seen = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _at(key, "expected a plain name")
        if key.value in seen:
            raise _at(key, f"{key.value!r} is here twice")
        seen.add(key.value)
    return list(node.value)


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a plain value is what the schema wants; of JSON schema, as much as the table uses."""
    if "enum" in schema:
        return value in schema["enum"]
    if isinstance(value, bool) != (schema["type"] == "boolean"):
        return False
    if isinstance(value, float) and value.is_integer() and schema["type"] == "integer":
        value = int(value)
    if not isinstance(value, _TYPES[schema["type"]]):
        return False
    if isinstance(value, str):
        return re.fullmatch(schema.get("pattern", ".*"), value, re.DOTALL) is not None
    if not isinstance(value, int | float):
        return True
    above, least, most = schema.get("exclusiveMinimum"), schema.get("minimum"), schema.get("maximum")
    return _finite(value) and (above is None or value > above) and (least is None or value >= least) and \
        (most is None or value <= most)  # fmt: skip


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def _shown(node: yaml.ScalarNode, value: Any) -> str:
    text = node.value if len(node.value) <= 40 else node.value[:40] + "…"
    return f"the text {text!r}" if isinstance(value, str) else text or "nothing"


def _advice(kind: Value, node: yaml.ScalarNode, value: Any) -> str:
    if kind.schema.get("type") == "string" and "pattern" not in kind.schema and node.value:
        return ": put it in quotes"
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+e[-+]?\d+", value, re.IGNORECASE):
        return ": YAML wants a point and a sign in it, as in 1.0e-3"
    return ""


def _course(found: _Found, root: Path) -> Course:
    limits = _limits(found, Limits())
    zone = found["timezone"] or ""
    if zone and not _is_zone(zone):
        raise _Mistake(found.lines["timezone"], f"there is no time zone {zone!r} on this machine; as in Europe/Berlin")
    times = _Times(zone, _late(found, Late()))
    return Course(root, found["title"], tuple(_topic(root, name, body, limits, times) for name, body in found["topics"].items()))


@dataclass(frozen=True)
class _Times:
    """What the course says of deadlines: see `model.Topic`."""

    timezone: str
    late: Late


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _late(found: _Found, around: Late) -> Late:
    """What lateness costs by a section, and by what is around it where it has none."""
    late = found["late"]
    return Late(float(late["per_day"][:-1]) / 100, late["most_days"] or 0, late["grace_minutes"]) if late else around


def _deadline(found: _Found) -> str:
    """The topic's deadline in ISO 8601, or ""."""
    if not found["deadline"]:
        return ""
    day, clock, *offset = found["deadline"].replace("Z", " Z").replace("+", " +").split()
    if not offset and len(clock) > len("23:59"):  # a minus sign is one within the clock too
        clock, offset = clock[:5], [clock[5:]]
    try:
        return dt.datetime.fromisoformat(f"{day}T{clock}{''.join(offset)}").isoformat()
    except ValueError:
        raise _Mistake(found.lines["deadline"], f"there is no such time as {found['deadline']}") from None


def _limits(found: _Found, around: Limits) -> Limits:
    """The limits that a section changes, and those around it for the rest."""
    return replace(around, **found["limits"].values) if found["limits"] else around


def _topic(root: Path, name: str, found: _Found, around: Limits, times: _Times) -> Topic:
    limits = _limits(found, around)
    training = _training(found["settings"]) if found["settings"] else None
    tasks = tuple(_task(task_id, body, limits) for task_id, body in found["tasks"].items())
    training_tasks = [body for body in found["tasks"].values() if body["trains"]]
    if training_tasks and training is None:
        raise _Mistake(training_tasks[0].lines["trains"], "the task trains, but the topic has no settings with budgets")
    if training is not None and not training_tasks:
        raise _Mistake(found.lines["settings"], "budgets, but none of the topic's tasks says `trains: true`")
    for number, task in enumerate(tasks):
        if unknown := set(task.needs) - {before.id for before in tasks[:number]}:
            line = found["tasks"][task.id].lines["needs"]
            raise _Mistake(line, f"there is no task {min(unknown)!r} above it that it could need")
    return Topic(name, found["title"], tasks, limits, training, root, _deadline(found), times.timezone, _late(found, times.late))


def _training(found: _Found) -> TrainingSettings:
    budgets = {name: _budget(body) for name, body in found["budgets"].items()}
    if found["budget"] not in budgets:
        raise _Mistake(found.lines["budget"], f"there is no budget {found['budget']!r}; there is {', '.join(budgets)}")
    return TrainingSettings(found["data"], found["budget"], budgets)


def _budget(found: _Found) -> Budget:
    minimum = found["minimum"]
    return Budget(**{**found.values, "minimum": Minimum(**minimum.values) if isinstance(minimum, _Found) else minimum})


def _task(task_id: str, found: _Found, around: Limits) -> Task:
    limits = replace(around, check_seconds=found["check_seconds"] or around.check_seconds)
    hints = tuple(hint.strip() for hint in found["hint"])
    return Task(task_id, found["points"], hints, found["forbid"] or "", found["trains"], tuple(found["needs"] or ()), limits)
