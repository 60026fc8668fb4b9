"""The results in the forms that other programs read: each export is a function of the results alone.

A submission without a score (see `feedback.scoring`) has none in any of them: its cell is empty, or it is left out where an
empty cell would be taken for something else.
"""

from collections.abc import Mapping

ABOUT: Mapping[str, str] = {
    "csv": "one table of everything",
    "gradescope": "a results.json for each submission",
    "classroom50": "a result.json for each repository of Classroom 50",
    "junit": "JUnit's XML",
    "canvas": "Canvas's exported gradebook (--from), filled in",
    "moodle": "a CSV for Moodle's grade import, or its grading worksheet (--from), filled in",
    "feedback": "feedback.zip, with a page for each student",
}
