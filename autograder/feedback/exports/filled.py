"""Fills the scores into a table that a platform has exported, and leaves all else in it as it was."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from autograder.errors import KitError
from autograder.feedback.exports.of_class import Exported, OfClass, named
from autograder.results import Report

Keys = Callable[[Report], Iterable[str]]


@dataclass(frozen=True)
class Identity:
    """A column by whose content a row is somebody's: its names in the head, and what a report has for it."""

    names: Sequence[str]
    keys: Keys


@dataclass(frozen=True)
class Sheet:
    """A table: its rows, and how its text was written."""

    rows: list[list[str]]
    delimiter: str
    end: str
    mark: str  # of the byte order, before the text

    def text(self) -> str:
        """The table as it was written."""
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator=self.end, delimiter=self.delimiter).writerows(self.rows)
        return self.mark + buffer.getvalue()


def sheet(text: str) -> Sheet:
    """The table of a CSV text; its first row is the head. KitError if there is none."""
    mark = "\ufeff" * text.startswith("\ufeff")
    text = text.removeprefix(mark)
    head = text.splitlines()[0] if text.strip() else ""
    delimiter = max(",;\t", key=head.count)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    if not rows:
        raise KitError("the exported gradebook is empty")
    return Sheet(rows, delimiter, "\r\n" if "\r\n" in text else "\n", mark)


def column(of: OfClass, head: Sequence[str], plain: Callable[[str], str] = str) -> int:
    """The column of the topic: the one that was asked for, or the only one that bears the topic's name or title.

    Raises:
        KitError: there is none, or there are several; says which there are.
    """
    texts = [plain(text).strip() for text in head]
    wanted = [of.column] if of.column else [of.topic.name, of.topic.title]
    for fits in (str.__eq__, str.__contains__):
        found = [at for at, text in enumerate(texts) if any(fits(_folded(text), _folded(each)) for each in wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            break
    what = f"{len(found)} columns" if found else "no column"
    raise KitError(f"the exported gradebook has {what} for {' or '.join(wanted)}: give --column and one of {', '.join(texts)}")


def fill(
    of: OfClass, table: Sheet, name: str, identities: Sequence[Identity], write: Callable[[list[str], Report, float], None]
) -> Exported:
    """The table with `write` done to the row of each report that has a score; a row is found by the first identity that tells.

    What fits two rows, or two reports, fits none. The remarks name who has no row.
    """
    head = [_folded(text.strip()) for text in table.rows[0]]
    rows: dict[int, tuple[Report, float]] = {}
    lost = []
    tables = [(_of_rows(table.rows[1:], at), each.keys) for each in identities for at in _places(head, each.names)]
    for report, points in of.scored():
        found = next((at for known, keys in tables for key in keys(report) if (at := known.get(_folded(key)))), None)
        if found is None or found in rows:
            lost.append(report)
        else:
            rows[found] = (report, points)
    for at, (report, points) in rows.items():
        write(table.rows[at], report, points)
    remarks = (f"no row of the exported gradebook is theirs: {named(lost)}",) if lost else ()
    return Exported({name: table.text().encode()}, remarks)


def in_measure(points: float, report: Report, possible: float | None) -> str:
    """The points as the platform counts them, which may give another number for full marks."""
    return f"{points * possible / report.max_score if possible and report.max_score else points:.6g}"


def number(text: str) -> float | None:
    """The number in a cell; None if it is none."""
    try:
        return float(text)
    except ValueError:
        return None


def _places(head: Sequence[str], names: Iterable[str]) -> list[int]:
    return [head.index(_folded(name)) for name in names if _folded(name) in head]


def _of_rows(rows: Sequence[Sequence[str]], at: int) -> Mapping[str, int]:
    """What stands in a column, with the place of its row; what stands there twice, or is empty, is left out."""
    texts = [_folded(row[at].strip()) if at < len(row) else "" for row in rows]
    counts = Counter(texts)
    return {text: number for number, text in enumerate(texts, 1) if text and counts[text] == 1}


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split())).casefold()
