"""A class's roster, a CSV file → who handed in what, who has handed in nothing, and who has more time.

Columns go by the names that platforms give them: Canvas's gradebook (Student, ID, SIS User ID, SIS Login ID, Section; its guide
"How do I export grades in the Gradebook?"), Moodle's grades (First name, Last name, ID number, Email address) and grading
worksheet (Identifier, Full name), Gradescope's roster (Name, SID, Email, Section), nbgrader's (id, first_name, last_name, email).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.course import Topic
from autograder.errors import KitError
from autograder.results import Person
from autograder.submission.handed_in import Submission
from autograder.text import clean, listed

_MOST = 16 << 20  # bytes
KEPT = "roster.csv"  # in OUT
_SHOWN = 10  # names in a sentence
# by what is meant, the first that is there: as platforms and people head their columns, in small letters without signs
_COLUMNS = {
    "id": ("studentid", "studentnumber", "sid", "sisuserid", "idnumber", "matriculationnumber", "学号", "id", "username", "login",
           "loginid", "sisloginid", "user", "orgdefinedid", "identifier"),
    "name": ("name", "fullname", "studentname", "student", "姓名"),
    "first": ("firstname", "givenname", "first", "名"),
    "last": ("lastname", "surname", "familyname", "last", "姓"),
    "email": ("email", "emailaddress", "mail", "邮箱"),
    "section": ("section", "sections", "group", "groups", "class", "班级"),
}  # fmt: skip
_NOBODY = ("pointspossible", "studenttest", "teststudent")  # rows that Canvas adds
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(?::\d\d)?(?: ?(Z|[-+]\d\d:\d\d))?")
_DAYS = re.compile(r"\+?(\d{1,3})(?: ?(?:d|days?))?")


@dataclass(frozen=True)
class Row:
    """One student of a roster.

    `keys` are the ids and addresses that a submission may bear, `names` the names; `more_time` has the cell of each column
    that puts a deadline off, by the column's name.
    """

    person: Person
    keys: frozenset[str]
    names: frozenset[str]
    more_time: Mapping[str, str]
    line: int


@dataclass(frozen=True)
class Roster:
    """A class, by rows of its file."""

    path: Path
    rows: tuple[Row, ...]
    source: bytes

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody on it."""
        return tuple(row.person for row in self.rows)


def read(path: Path) -> Roster:
    """The roster in a CSV file; KitError says in one line what is wrong with it."""
    try:
        raw = path.read_bytes()[: _MOST + 1]
        text = raw.decode("utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except OSError as error:
        raise KitError(f"{path}: the roster cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise KitError(f"{path}: the roster is not UTF-8; save it as CSV UTF-8") from None
    head = text.partition("\n")[0]
    sign = max(",;\t", key=head.count)
    rest = csv.reader(io.StringIO(text, newline=""), delimiter=sign, strict=True)
    try:
        header, *lines = rest
    except csv.Error as error:
        raise KitError(f"{path}:{rest.line_num}: the roster is no CSV file: {error}") from None
    except ValueError:
        raise KitError(f"{path}: the roster is no CSV file with a line of column names") from None
    columns = [_compact(name) for name in header]
    if not set(columns) & {name for kind in ("id", "name", "last", "email") for name in _COLUMNS[kind]}:
        raise KitError(f"{path}: no column for an id, a name or an e-mail address; its first line is: {clean(head, 100)}")
    for number, line in enumerate(lines, 2):
        if any(cell.strip() for cell in line[len(header) :]):
            raise KitError(f"{path}: row {number} has {len(line)} cells, and the first one names {len(header)} columns")
    rows = [_row(dict(zip(columns, line, strict=False)), number) for number, line in enumerate(lines, 2)]
    return Roster(path, tuple(row for row in rows if row), raw)


def _row(cells: Mapping[str, str], line: int) -> Row | None:
    cells = {name: clean(" ".join(cell.split()), 200) for name, cell in cells.items() if cell.strip()}
    found = {kind: next((cells[name] for name in names if name in cells), "") for kind, names in _COLUMNS.items()}
    name = found["name"] or " ".join(filter(None, (found["first"], found["last"])))
    if "," in name and not found["first"]:  # Canvas: Last, First
        last, _, first = name.partition(",")
        name, found = f"{first.strip()} {last.strip()}", {**found, "first": first, "last": last}
    if _compact(name) in _NOBODY or not (name or found["id"] or found["email"]):
        return None
    keys = {_compact(cells[column].removeprefix("Participant ")) for column in _COLUMNS["id"] if column in cells}
    keys |= {found["email"].casefold(), _compact(found["email"].partition("@")[0])}
    words = name.split()
    names = {_compact(name), _compact("".join([*words[-1:], *words[:-1]])), _compact(found["last"] + found["first"])}
    more_time = {column: cell for column, cell in cells.items() if column.startswith(("extension", "deadline"))}
    person = Person(found["id"], name, found["email"], found["section"])
    return Row(person, frozenset(keys - {""}), frozenset(names - {""}), more_time, line)


def _compact(text: str) -> str:
    """Letters and digits alone, the same for what looks the same."""
    return "".join(c for c in unicodedata.normalize("NFC", text).casefold() if c.isalnum())


def matched(roster: Roster, submissions: Iterable[Submission], topic: Topic, tell: Callable[[str], None]) -> list[Submission]:
    """The submissions with who the roster says they are of, and with that student's own deadline.

    `tell` is called with who has handed in nothing, or twice, and with what is nobody's on the roster. KitError if a cell that
    should put a deadline off is neither a time nor a number of days.
    """
    by_key, by_name = _unique(roster.rows, "keys"), _unique(roster.rows, "names")
    found, seen, strangers = [], dict[int, list[str]](), []
    for submission in submissions:
        row = _whose(submission, by_key, by_name)
        if row is None:
            strangers.append(submission.name)
            found.append(submission)
            continue
        seen.setdefault(row.line, []).append(submission.name)
        known = submission.person
        person = Person(*(getattr(row.person, each) or getattr(known, each) for each in ("id", "name", "email", "section")))
        found.append(replace(submission, person=person, deadline=_deadline(roster.path, row, topic)))
    absent = [row.person.name or row.person.id or row.person.email for row in roster.rows if row.line not in seen]
    for what, names in (("on the roster, but handed in nothing", absent), ("not on the roster", strangers)):
        if names:
            tell(f"{len(names)} {what}: {listed(names, _SHOWN)}")
    for names in seen.values():
        if len(names) > 1:
            tell(f"of one student on the roster, each graded by itself: {listed(names, _SHOWN)}")
    return found


def _unique(rows: Iterable[Row], kind: str) -> dict[str, Row]:
    """Each row by its keys, or names; those of several rows are nobody's."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        for key in getattr(row, kind):
            found.setdefault(key, []).append(row)
    return {key: rows[0] for key, rows in found.items() if len(rows) == 1}


def _whose(submission: Submission, by_key: Mapping[str, Row], by_name: Mapping[str, Row]) -> Row | None:
    person = submission.person
    said = [person.email.casefold(), *map(_compact, (person.id, person.email.partition("@")[0], submission.name))]
    called = map(_compact, (person.name, submission.name))
    keyed, named = (by_key[each] for each in said if each in by_key), (by_name[each] for each in called if each in by_name)
    return next(keyed, None) or next(named, None)


def _deadline(path: Path, row: Row, topic: Topic) -> str:
    """The student's own deadline in ISO 8601, or "": what a column for this topic says, or one for all."""
    for column in ("extension", "deadline"):
        cell = row.more_time.get(f"{column}{_compact(topic.name)}") or row.more_time.get(column)
        if not cell:
            continue
        time, days = _TIME.fullmatch(cell), _DAYS.fullmatch(cell)
        try:
            if time:
                return dt.datetime.fromisoformat(f"{time[1]}T{time[2]}{time[3] or ''}").isoformat()
            if days and column == "extension" and topic.deadline:
                return (dt.datetime.fromisoformat(topic.deadline) + dt.timedelta(days=int(days[1]))).isoformat()
        except (ValueError, OverflowError):
            days = None
        if not days:
            raise KitError(f"{path}:{row.line}: {column} {clean(cell, 40)!r} is neither a time, as in 2026-11-30 23:59, "
                           "nor a number of days")  # fmt: skip
    return ""
