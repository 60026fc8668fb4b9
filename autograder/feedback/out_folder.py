"""The OUT folder of a grading: results/NAME.json, evidence/NAME.json, scores.csv, grading.json, the pages and the secret.

Each topic has its own place with all of these: OUT itself for the first that is graded into it, OUT/TOPIC for any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from autograder import course, language, results, secret
from autograder.course import Course, Topic
from autograder.errors import KitError
from autograder.feedback import pages, record, roster_file, tables
from autograder.feedback.class_view import Around, topic_line
from autograder.feedback.record import Record
from autograder.files import NOT_WRITTEN, refusal, write_atomically, written_whole
from autograder.results import Person, Report
from autograder.text import one_line


def place(out: Path, topic: Topic) -> Path:
    """Where in OUT the topic's results are; OUT itself if no other topic's are there."""
    return out if not (out / record.NAME).is_file() or _graded_topic(out) == topic.name else out / topic.name


def places(out: Path) -> list[Path]:
    """Where in OUT there are a topic's results; OUT itself first, also if there are none."""
    return [out, *(path.parent for path in sorted(out.glob(f"*/{record.NAME}")))]


def secret_of(out: Path, seed: int | None) -> bytes:
    """What the hidden inputs follow from: OUT/secret, so that grading again gives the same scores.

    Where there is none, it is drawn, and `keep_secret` keeps it; where a seed is asked for, it is the one that follows from
    that. KitError if the file holds something else.
    """
    path = out / "secret"
    if seed is None and path.exists():
        return secret.read(path)
    return secret.drawn() if seed is None else secret.of_seed(seed)


def keep_secret(out: Path, key: bytes) -> None:
    """Write OUT/secret, before the first result is there; KitError if that cannot be."""
    with refusal(out, NOT_WRITTEN):
        secret.write(out / "secret", key)


def _graded_topic(out: Path) -> str:
    known = record.read(out)
    if known is None:
        raise KitError(f"{out / record.NAME}: cannot be read (No such file or directory): is {out} the OUT of a grading?")
    return known.topic


def keep_roster(out: Path, people: Sequence[Person], source: bytes) -> None:
    """Write OUT/roster.json, and the file that it was made from, for another run; KitError if that cannot be."""
    with refusal(out, NOT_WRITTEN):
        with written_whole(out / "roster.csv") as file:
            file.write(source)
        roster_file.write(out, people)


def keep(out: Path, item: Report) -> Report:
    """Write one submission's result as soon as it is there; the result that was written.

    One that cannot be written is `broken`, and concerns no other submission. KitError if OUT takes no file at all.
    """
    try:
        _keep(out, item)
    except Exception as error:  # noqa: BLE001  whatever one submission's result can raise
        item = results.broken(item, f"its result cannot be kept ({type(error).__name__}: {one_line(error)})")
        with refusal(out, NOT_WRITTEN):
            _keep(out, item)
    return item


def _keep(out: Path, item: Report) -> None:
    text, path = results.to_json(item), out / "evidence" / f"{item.submission}.json"
    if evidence := _evidence(item):
        write_atomically(path, evidence)
    else:
        path.unlink(missing_ok=True)
    write_atomically(out / "results" / f"{item.submission}.json", text)


def _evidence(item: Report) -> str:
    """The attachments as JSON; "" without any, or with some that JSON cannot hold: a submission may have chosen the values."""
    try:
        text = json.dumps(item.attachments, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError, RecursionError):
        return ""
    return text if item.attachments else ""


def finish(out: Path, topic: Topic, reports: Sequence[Report], state: str = "", *, zero_unreadable: bool = False) -> None:
    """Write what is about the class as a whole; `state` says in a few words what of it is there.

    Raises:
        KitError: OUT takes no file.
    """
    if not (out / record.NAME).is_file():
        record.write(out, Record(topic.name))
    with refusal(out, NOT_WRITTEN):
        write_atomically(out / "scores.csv", tables.scores_csv(topic, reports, zero_unreadable=zero_unreadable))
        _write_pages(out, topic, reports, state, zero_unreadable=zero_unreadable)


def set_aside(out: Path, names: Sequence[str]) -> None:
    """Keep the results of these submissions in OUT/left, out of the tables; `bring_back` is the way back.

    Raises:
        KitError: OUT cannot be written.
    """
    _move(out, out / "left", names)
    for name in names:
        for folder in pages.FOLDERS:
            (out / folder / f"{name}.html").unlink(missing_ok=True)


def bring_back(out: Path, names: Iterable[str]) -> None:
    """Undo `set_aside` for these submissions, where they have no other result; KitError if OUT cannot be written."""
    _move(out / "left", out, (name for name in names if not (out / "results" / f"{name}.json").exists()))


def _move(source: Path, out: Path, names: Iterable[str]) -> None:
    with refusal(out, NOT_WRITTEN):
        for name in names:
            for kind in ("evidence", "results"):
                path = out / kind / f"{name}.json"
                if (source / kind / f"{name}.json").exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    (source / kind / f"{name}.json").replace(path)


def _write_pages(out: Path, topic: Topic, reports: Sequence[Report], state: str, *, zero_unreadable: bool) -> None:
    """The pages of this topic, and the class's page of each other topic in the same OUT, for all of them stand on each."""
    root = out.parent if (out.parent / record.NAME).is_file() else out
    there: dict[Path, tuple[Topic, Sequence[Report]]] = {out: (topic, reports)}
    if others := [each for each in places(root) if each != out and (each / record.NAME).is_file()]:
        there |= {each: read(each, course.load(topic.root)) for each in others}
    order = sorted(there, key=lambda each: there[each][0].name)
    people = roster_file.read(root)
    for here in there:
        links = {each: "" if each == here else _link(here, each, root) for each in order}
        lines = [
            topic_line(_title(there[each][0]), links[each], there[each][1], zero_unreadable=zero_unreadable) for each in order
        ]
        around, (of, found) = Around(people, zero_unreadable, lines), there[here]
        if here == out:
            pages.write(here, ": ".join(filter(None, (_title(of), state))), found, around, of)
        else:
            pages.write_index(here, _title(of), found, around)


def _title(topic: Topic) -> str:
    return f"{topic.name}: {language.say(topic.title)}"


def _link(here: Path, there: Path, root: Path) -> str:
    """The way from one topic's page to another's."""
    parts = [".."] * (here != root) + [quote(there.name)] * (there != root) + ["index.html"]
    return "/".join(parts)


def read(out: Path, of: Course) -> tuple[Topic, list[Report]]:
    """The topic and every result in OUT, with its evidence."""
    return of.topic(_graded_topic(out)), held(out)


def held(out: Path) -> list[Report]:
    """Every result there, with its evidence; none if nothing has been graded into it."""
    found = []
    for path in sorted((out / "results").glob("*.json")):
        try:
            item = results.from_json(path.read_text(encoding="utf-8"))
            evidence = out / "evidence" / path.name
            attached = json.loads(evidence.read_text(encoding="utf-8")) if evidence.is_file() else {}
        except (OSError, ValueError, RecursionError, KitError) as error:
            raise KitError(f"{path}: {error}") from None
        if item.submission != path.stem or not isinstance(attached, dict):
            raise KitError(f"{path}: it, or its evidence, is not what this kit wrote there; grade again")
        found.append(replace(item, attachments=attached))
    return found
