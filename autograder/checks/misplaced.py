"""A learner's module that is not where it belongs, in a sentence: gone, a folder, or the work of another topic."""

from __future__ import annotations

from autograder.course import Course, Topic
from autograder.feedback import uses

ENOUGH = 2  # tasks of another topic that make a module that topic's


def reason(course: Course, topic: Topic) -> str:
    """Why the topic's module cannot be checked though nothing in it is wrong; "" if it is where it belongs."""
    path, place = topic.stub, f"exercises/{topic.name}"
    if path.is_dir():
        return f"{place}/{path.name} is a folder: move it away, and put your module there."
    if not path.exists():
        return f"There is no {path.name} in {place}: was it renamed, moved or deleted? Put it back under this name."
    try:
        names = uses.defined(path.read_bytes())
    except OSError:
        return ""  # importing it says why
    if names is None:
        return ""
    mine = {task.id for task in topic.tasks}
    for other in course.topics:
        theirs = {task.id for task in other.tasks}
        found = [task.id for task in other.tasks if task.id in names - mine]
        if len(found) >= ENOUGH and not names & (mine - theirs):
            what = ", ".join(found[:3]) + (", …" if len(found) > 3 else "")
            return f"{path.name} lacks the tasks of {topic.name}, and has {what} of {other.name}: is it in the wrong folder?"
    return ""
