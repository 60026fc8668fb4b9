"""A new topic's or task's lines in course.yaml: put where they belong, all other lines and comments as they were."""

from __future__ import annotations

import textwrap
from pathlib import Path

import yaml

from autograder.errors import KitError


def with_topic(path: Path, entry: str) -> str:
    """The text of course.yaml with a topic behind the last one; KitError if there is no block of topics."""
    return _with_entry(path, ("topics",), entry)


def with_task(path: Path, topic: str, entry: str) -> str:
    """The same with a task behind the topic's last one."""
    return _with_entry(path, ("topics", topic, "tasks"), entry)


def _with_entry(path: Path, keys: tuple[str, ...], entry: str) -> str:
    text = path.read_text(encoding="utf-8")
    block = _block(path, yaml.compose(text, yaml.SafeLoader), keys)
    key, value = block.value[-1]
    lines = text.splitlines(keepends=True)
    at = _last_line(text, value) + 1
    if not lines[at - 1].endswith("\n"):
        lines[at - 1] += "\n"
    apart = "\n" if not lines[key.start_mark.line - 1].strip() else ""  # as the one before it stands apart from others
    indent = " " * key.start_mark.column
    return "".join([*lines[:at], apart, textwrap.indent(entry, indent), *lines[at:]])


def _block(path: Path, node: yaml.Node | None, keys: tuple[str, ...]) -> yaml.MappingNode:
    """The mapping at those keys, if it is written as lines with an entry each."""
    for key in keys:
        found = [value for name, value in node.value if name.value == key] if isinstance(node, yaml.MappingNode) else []
        node = found[0] if found else None
    if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
        raise KitError(f"{path}: {' → '.join(keys)} is no block of lines to which an entry could be added: add it by hand")
    return node


def _last_line(text: str, node: yaml.Node) -> int:
    """The number of the node's last line, from 0. A block's own end mark stands behind the empty lines and comments after it."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _last_line(text, node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _last_line(text, node.value[-1])
    return int(node.start_mark.line + text[node.start_mark.index : node.end_mark.index].rstrip().count("\n"))
