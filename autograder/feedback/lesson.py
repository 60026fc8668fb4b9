"""The sections of a topic's lesson, as HTML for a page that has no other file beside it."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import markupsafe

from autograder import language
from autograder.course import Topic

if TYPE_CHECKING:
    import mistune

_TOP, _SECTION, _DEEPEST = 1, 2, 6
_DEEPER = 2  # levels: a section's title stands on a page as its third level


@dataclass(frozen=True)
class Section:
    """A section of a lesson: its title, and the HTML below it."""

    title: str
    body: markupsafe.Markup


@dataclass(frozen=True)
class Lesson:
    """A lesson's sections, and for each task the place of the one that teaches it; a task of none is not there."""

    sections: tuple[Section, ...] = ()
    of_task: Mapping[str, int] | None = None


def lesson(topic: Topic) -> Lesson:
    """The topic's lesson in the language that is spoken, or else in English; without sections where it cannot be read."""
    names = ("README.md",) if language.current().name == language.LANGUAGES[0] else ("README.zh.md", "README.md")
    for name in names:
        path = topic.exercise / name
        if path.is_file():
            return _read(path, path.stat().st_mtime_ns, tuple(task.id for task in topic.tasks))
    return Lesson()


@functools.lru_cache(16)
def _read(path: Path, _: int, tasks: tuple[str, ...]) -> Lesson:
    import mistune  # noqa: PLC0415  only pages with a lesson need it

    renderer = _renderer()
    read = mistune.create_markdown(renderer=None, plugins=["table", "strikethrough"])
    tokens: Any = read(path.read_text(encoding="utf-8"))
    groups: list[list[dict[str, Any]]] = []
    for token in tokens:
        if token["type"] == "heading" and token["attrs"]["level"] <= _SECTION:
            groups.append([])
        if groups:
            groups[-1].append(token)
    groups = [group for group in groups if group[0]["attrs"]["level"] == _SECTION]
    state = mistune.BlockState()
    sections = []
    for head, *rest in groups:
        body = markupsafe.Markup(renderer.render_tokens(rest, state))  # noqa: S704  the renderer escapes all HTML
        sections.append(Section(_plain(head), body))
    titles = [section.title for section in sections]
    texts = [" ".join(map(_plain, group)) for group in groups]
    return Lesson(tuple(sections), {task: at for task in tasks if (at := _place(task, titles, texts)) is not None})


def _place(task: str, titles: list[str], texts: list[str]) -> int | None:
    """The section that names the task in its title, or else the first that names it."""
    word = re.compile(rf"\b{re.escape(task)}\b")
    return next((at for group in (titles, texts) for at, text in enumerate(group) if word.search(text)), None)


def _plain(token: Mapping[str, Any]) -> str:
    """The text of a piece of a lesson."""
    return str(token.get("raw") or token.get("text") or "") + "".join(map(_plain, token.get("children", ())))


def _renderer() -> mistune.HTMLRenderer:
    """Writes HTML in which every link works wherever the page lies: others become their text."""
    import mistune  # noqa: PLC0415  only pages with a lesson need it
    from mistune.plugins.formatting import render_strikethrough  # noqa: PLC0415  the same
    from mistune.plugins.table import (  # noqa: PLC0415  the same
        render_table,
        render_table_body,
        render_table_cell,
        render_table_head,
        render_table_row,
    )

    class Renderer(mistune.HTMLRenderer):
        def link(self, text: str, url: str, title: str | None = None) -> str:
            return super().link(text, url, title) if url.startswith(("https://", "http://")) else text

        def image(self, text: str, url: str, title: str | None = None) -> str:  # noqa: ARG002  mistune's own signature
            return str(markupsafe.escape(text))

        def heading(self, text: str, level: int, **attrs: Any) -> str:
            return super().heading(text, min(level + 1, _DEEPEST), **attrs)

        def block_code(self, code: str, info: str | None = None) -> str:  # noqa: ARG002  the same
            return f'<pre tabindex="0"><code>{markupsafe.escape(code)}</code></pre>\n'

    def cell(renderer: Any, text: str, align: str | None = None, head: bool = False) -> str:  # noqa: FBT001, FBT002  mistune's
        return render_table_cell(renderer, text, align, head and bool(text))  # a head that says nothing is none

    renderer = Renderer(escape=True)
    for name, function in {
        "table": render_table, "table_head": render_table_head, "table_body": render_table_body,
        "table_row": render_table_row, "table_cell": cell, "strikethrough": render_strikethrough,
    }.items():  # fmt: skip
        renderer.register(name, function)
    return renderer
