"""course.yaml as frozen data: what a course, a topic, a task and a mutant are."""

from autograder.course.model import Course, Limits, Task, Topic
from autograder.course.reader import COURSE_FILE, find_root, load

__all__ = ["COURSE_FILE", "Course", "Limits", "Task", "Topic", "find_root", "load"]
