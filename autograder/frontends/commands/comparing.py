"""The command that compares submissions with each other: similar."""

from __future__ import annotations

import argparse
import re

from autograder import language
from autograder.course import Topic
from autograder.errors import KitError
from autograder.frontends.commands import common

_CODE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def similar(options: argparse.Namespace) -> int:
    """Write a page of the pairs of submissions in OUT that are suspiciously alike."""
    from autograder.feedback import html, out_folder, similarity  # noqa: PLC0415  other commands need not wait for it
    from autograder.files import refusal, write_atomically  # noqa: PLC0415  the same

    found = common.here()
    for place in out_folder.places(options.out):
        topic, reports = out_folder.read(place, found)
        modules = {each.submission: each.attachments["source"] for each in reports if "source" in each.attachments}
        if reports and not modules:
            raise KitError(f"{place} holds no submission's text: grade again with this version of the kit (--force)")
        if missing := len(reports) - len(modules):
            common.tell(f"{topic.name}: {missing} of {len(reports)} could not be read, and are not compared")
        pairs = similarity.pairs(modules, _given(topic))
        lines = {name: modules[name].splitlines() for pair in pairs for name in (pair.first, pair.second)}
        title = f"{topic.name}: {language.say(topic.title)}"
        path = place / "similar.html"
        with refusal(path):
            write_atomically(path, html.render("similar.html", title=title, pairs=pairs, modules=lines, count=len(modules)))
        print(f"Similar: {path}, pairs to look at: {len(pairs)}")  # noqa: T201  the command's own output
    return 0


def _given(topic: Topic) -> list[str]:
    """What all have been given: the stub, the public checks, and the code in the lesson."""
    texts = [path.read_text(encoding="utf-8") for path in (topic.stub, topic.public_checks) if path.is_file()]
    lessons = [path.read_text(encoding="utf-8") for path in sorted(topic.exercise.glob("README*.md"))]
    return [*texts, *(code for text in lessons for code in _CODE.findall(text))]
