"""What several commands need: the course around the working directory, words to who calls, and a grading's plan."""

from __future__ import annotations

import argparse
import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from autograder import course, language
from autograder.errors import KitError

if TYPE_CHECKING:
    from autograder.grading.grade import Plan
    from autograder.submission.handed_in import Submission
    from autograder.submission.roster import Roster


def here() -> course.Course:
    """The course around the working directory; KitError if there is none."""
    found = course.load(course.find_root(Path.cwd()))
    language.use(root=found.root)
    return found


def here_with_solutions() -> course.Course:
    """The same; KitError also for a student kit."""
    found = here()
    if found.is_student_kit:
        raise KitError(f"{found.root} is a student kit, without the hidden suites that this command needs")
    return found


def tell(text: str) -> None:
    """Say one line on stderr."""
    print(f"autograder: {text}", file=sys.stderr)  # noqa: T201  the command's own output


def roster_of(out: Path, given: Path | None = None) -> Roster | None:
    """The roster that was given, or else the one that OUT has kept; None if there is none."""
    from autograder.submission import roster  # noqa: PLC0415  only gradings need it

    kept = out / roster.KEPT
    return roster.read(given or kept) if given or kept.is_file() else None


def handed_in(found: course.Course, name: str, place: Path, people: Roster | None) -> list[tuple[course.Topic, list[Submission]]]:
    """The submissions in a folder or a class's archive, by topic; it tells of oddities.

    With the `name` of a topic, all are of that one; with "", their files' names tell. KitError if they do not.
    """
    from autograder.submission import choosing, handed_in, roster  # noqa: PLC0415  the same
    from autograder.submission import topics as topics_of  # noqa: PLC0415  only gradings need them

    topics = [found.topic(name)] if name else list(found.topics)
    once = functools.cache(tell)  # what is found for each topic is said once
    classes = [(topic, handed_in.find(place, topic, choosing.others_of(found.topics, topic.name), once)) for topic in topics]
    if not name:
        classes = topics_of.by_topic(classes, once)
    return [(topic, roster.matched(people, each, topic, tell) if people else each) for topic, each in classes]


def isolation_of(options: argparse.Namespace) -> str:
    """The tier of a grading; with a cluster the least that its workers are to have, for only they can tell what they have.

    Raises:
        KitError: this machine has not got what was asked for, or the options do not go together.
    """
    from autograder.grading import isolation  # noqa: PLC0415  only gradings need it

    if not options.cluster:
        return isolation.here(options.isolation, options.device)
    if options.device == "cuda":
        raise KitError("--device cuda is for the GPUs of this machine: leave it out, or --cluster")
    return str(options.isolation)


def plan(topic: course.Topic, options: argparse.Namespace, key: bytes) -> Plan:
    """What a grading of the topic needs, as the options of the command say; KitError if this machine has not got it."""
    import torch  # noqa: PLC0415  other commands need not wait for it

    from autograder.grading import gpus, grade  # noqa: PLC0415  the same
    from autograder.images.training import choose  # noqa: PLC0415  the same

    tier, training = isolation_of(options), None
    found = gpus.find(torch.cuda.device_count()) if options.device == "cuda" else gpus.Gpus()
    if topic.training:
        training = choose(*topic.training.chosen(options.data, options.budget), allow_download=options.download)
    return grade.Plan(topic, key, tier, training, gpus=found, cleared=frozenset(vars(options).get("cleared", ())))
