"""The one renderer of HTML: the templates beside it, which escape all text and stop at a name that they are not given."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder import language
from autograder.feedback import palette

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2  # noqa: PLC0415  a notebook that shows no table, and a command that writes no page, start sooner

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters["short"] = "{:g}".format
    environment.globals.update(
        colours=palette.COLOURS, good=palette.GOOD, bad=palette.BAD, half=palette.HALF, plain=palette.PLAIN
    )
    environment.globals.update(say=language.say, said=language.said, language=lambda: language.current().name.replace("_", "-"))
    return environment


def render(template: str, **values: Any) -> str:
    """The template's text with `values` in it."""
    return _environment().get_template(template).render(values)
