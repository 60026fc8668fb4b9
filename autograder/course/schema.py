"""The JSON schema of course.yaml, for editors, and its page in the docs: both from the table in `fields`.

`python -m autograder.course.schema json` prints the one, `… page` the other; both lie in docs/reference.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from autograder.course.fields import COURSE, REQUIRED, Each, Field, Section, Value

EXAMPLE = """\
title: My course
topics:
  01_sums:
    title: Sums
    tasks:
      total: {points: 2, forbid: autograd, hint: One function adds up all elements.}
      mean:
        points: 1
        hint:
          - The mean is a sum, divided by something.
          - By the number of elements; a tensor has a method for it.
"""

_PAGE = f"""\
# course.yaml

The one place for a course's topics, tasks, points, hints and limits. The first thing wrong with it is one line, with the file
and the line's number, and exit code 2 of every command. Anchors and aliases (`&`, `*`) are refused.

The smallest whole one, whose files lie in `exercises/01_sums`, `solutions/01_sums` and `tests/hidden/01_sums`:

```yaml
{EXAMPLE}```

An editor that knows YAML completes and checks the file by `course.schema.json`, beside this page, when the file begins with

```yaml
# yaml-language-server: $schema=docs/reference/course.schema.json
```

What a check needs imported beforehand (torchvision, simulated devices, torch.distributed) is not said here: it follows from
the budgets, and from what the checks use.

This page and the schema are made from the table that the reader goes by: `python -m autograder.course.schema page`, or `json`.
"""


def schema() -> dict[str, Any]:
    """The JSON schema of course.yaml."""
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "course.yaml", **_schema(COURSE)}


def _schema(kind: Value | Section | Each) -> dict[str, Any]:
    if isinstance(kind, Value):
        one = dict(kind.schema)
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]} if kind.many else one
    names = {"type": "object", "minProperties": 1}
    if isinstance(kind, Each):
        return {**names, "propertyNames": {"pattern": f"^(?:{kind.pattern})$"}, "additionalProperties": _schema(kind.section)}
    if kind.instead:
        return {"anyOf": [_schema(replace(kind, instead=None)), _schema(kind.instead)]}
    required = [field.name for field in kind.fields if field.default is REQUIRED]
    properties = {field.name: {"description": field.sentence, **_schema(field.kind), **_default(field)} for field in kind.fields}
    return {**names, "additionalProperties": False, "required": required, "properties": properties}


def _default(field: Field) -> dict[str, Any]:
    return {} if field.default in (REQUIRED, None) else {"default": field.default}


def page() -> str:
    """The page of the docs, in Markdown."""
    return "\n".join([_PAGE, *(_table(section) for section in _sections(COURSE))])


def _sections(section: Section) -> Iterator[Section]:
    """The section and those below it, each once and after what names it."""
    found = [section]
    for at in found:  # which grows
        below = [field.kind.section if isinstance(field.kind, Each) else field.kind for field in at.fields]
        below += [at.instead] if at.instead else []
        found += [kind for kind in below if isinstance(kind, Section) and kind not in found]
    yield from found


def _table(section: Section) -> str:
    rows = [f"| `{field.name}` | {_words(field.kind)} | {_if_left_out(field)} | {field.sentence} |" for field in section.fields]
    title = "At the top" if section is COURSE else f"`{section.title}`"
    return "\n".join([f"## {title}", "", "| name | value | default | what it says |", "|---|---|---|---|", *rows, ""])


def _words(kind: Value | Section | Each) -> str:
    if isinstance(kind, Value):
        return kind.words
    if isinstance(kind, Each):
        return f"names ({kind.words}), each with what `{kind.section.title}` has"
    return f"what `{kind.title}` has"


def _if_left_out(field: Field) -> str:
    if field.default is REQUIRED:
        return "required"
    return "" if field.default is None else f"`{json.dumps(field.default)}`"


def main() -> None:
    """Print what is asked for."""
    made = {"json": lambda: json.dumps(schema(), indent=2, ensure_ascii=False) + "\n", "page": page}
    if sys.argv[1:] not in [[name] for name in made]:
        sys.exit("usage: python -m autograder.course.schema json | page")
    sys.stdout.write(made[sys.argv[1]]())


if __name__ == "__main__":
    main()
