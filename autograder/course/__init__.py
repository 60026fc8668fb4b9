"""course.yaml as frozen data: what a course, a topic, a task and a mutant are."""

from autograder.course.model import KIT_FILE, ORIGINALS, Budget, Course, Late, Limits, Task, Topic, TrainingSettings
from autograder.course.reader import COURSE_FILE, find_root, load

__all__ = [
    "COURSE_FILE",
    "KIT_FILE",
    "ORIGINALS",
    "Budget",
    "Course",
    "Late",
    "Limits",
    "Task",
    "Topic",
    "TrainingSettings",
    "find_root",
    "load",
]
