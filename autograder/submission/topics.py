"""Which topics a class has handed in, where nobody says: the names of the files tell, and what they hold is not looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autograder.course import Topic
from autograder.errors import KitError
from autograder.submission.choosing import Wanted
from autograder.submission.handed_in import Submission
from autograder.text import listed

_SHOWN = 5  # names in a sentence

Class = tuple[Topic, list[Submission]]


def by_topic(classes: Sequence[Class], tell: Callable[[str], None]) -> list[Class]:
    """Of every topic with every submission, as `handed_in.find` reads them, those that somebody has handed in.

    A submission whose files' names tell nothing (an archive, a file with its student's name) goes to every topic that others
    have handed in: there it is opened where student code runs. `tell` is called with which these are. KitError if no
    submission tells.
    """
    told = {topic.name: {each.name for each in found if _tells(topic, each)} for topic, found in classes}
    known = set().union(*told.values())
    chosen = [(topic, found) for topic, found in classes if told[topic.name]]
    silent = sorted({each.name for _, found in classes for each in found} - known)
    shown = listed(silent, _SHOWN)
    if not chosen:
        raise KitError(f"no file's name tells its topic ({shown}): give --topic")
    if silent and len(chosen) > 1:
        tell(f"{len(silent)} do not tell their topic by a file's name, and are looked at for each: {shown}")
    return [(topic, [each for each in found if each.name in told[topic.name] or each.name in silent]) for topic, found in chosen]


def _tells(topic: Topic, submission: Submission) -> bool:
    return submission.own_names and Wanted.of(topic, submission.others).is_named_in(submission.files)
