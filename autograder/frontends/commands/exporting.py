"""The commands that take results elsewhere: export, gradescope."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from autograder import course
from autograder.errors import KitError
from autograder.files import refusal, written_whole
from autograder.frontends.commands import common

if TYPE_CHECKING:
    from autograder.results import Report


def export(options: argparse.Namespace) -> int:
    """Write the results in OUT in another program's form."""
    from autograder.feedback import out_folder  # noqa: PLC0415  other commands need not wait for it

    found = common.here()
    places = {place: out_folder.read(place, found) for place in out_folder.places(options.out)}
    if options.topic:
        places = {place: read for place, read in places.items() if read[0].name == found.topic(options.topic).name}
        if not places:
            raise KitError(f"{options.out} has no results on {options.topic}")
    if len(places) > 1 and (options.given or options.to):
        names = ", ".join(topic.name for topic, _ in places.values())
        raise KitError(f"{options.out} has results on several topics: choose one with --topic: {names}")
    given = _text(options.given) if options.given else ""
    for place, (topic, reports) in places.items():
        write(place, topic, reports, options.format, to=options.to, given=given, column=options.column)
    return 0


def write(
    place: Path,
    topic: course.Topic,
    reports: list[Report],
    name: str,
    *,
    to: Path | None = None,
    given: str = "",
    column: str = "",
    tell: Callable[[str], None] = print,
) -> None:
    """Write one export of one topic's results into `to`, or else OUT/exports/NAME, and say where it is and what is not in it.

    `tell` is called with the place.

    Raises:
        KitError: it cannot be made of these results, or not be written.
    """
    from autograder.feedback import pages, record  # noqa: PLC0415  other commands need not wait for it
    from autograder.feedback.class_view import Around  # noqa: PLC0415  the same
    from autograder.feedback.exports.formats import FORMATS  # noqa: PLC0415  the same
    from autograder.feedback.exports.of_class import OfClass  # noqa: PLC0415  the same
    from autograder.feedback.lesson import lesson  # noqa: PLC0415  the same

    known, taught = record.read(place), lesson(topic)
    zero = known is not None and known.zero_unreadable
    around = Around(zero_unreadable=zero)

    def page(report: Report) -> str:
        return pages.page(report, taught, around, backed=False)

    made = FORMATS[name](OfClass(topic, reports, page, zero, given, column))
    folder = to or place / "exports" / name
    for path, content in made.files.items():
        with refusal(folder / path), written_whole(folder / path) as file:
            file.write(content)
    for remark in made.remarks:
        common.tell(f"{name}: {remark}")
    where = folder / next(iter(made.files)) if len(made.files) == 1 else folder
    tell(f"Export: {where}")


def gradescope(options: argparse.Namespace) -> int:
    """Make the zip of an autograder for Gradescope."""
    from autograder.frontends import gradescope  # noqa: PLC0415  only this command needs it

    found = common.here_with_solutions()
    content = gradescope.autograder_zip(found, found.topic(options.topic))
    with refusal(options.dest), written_whole(options.dest) as file:
        file.write(content)
    print(f"Autograder: {options.dest}")  # noqa: T201  the command's own output
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise KitError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise KitError(f"{path}: not UTF-8: export it once more, or save it as CSV UTF-8") from None
