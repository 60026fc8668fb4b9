"""The colour of each outcome: one for pages and notebooks, one for the terminal.

A page's colour is a ground for white text (WCAG 2.2 AA: 4.5 to 1), and itself stands out from a white page and from a dark one
(3 to 1). So one colour serves both, also where nobody can ask which of the two it is: in a notebook.
"""

from __future__ import annotations

from dataclasses import dataclass

from autograder.results import Status, SubmissionStatus


@dataclass(frozen=True)
class Colour:
    """A colour in CSS, and the terminal's own colour of that name."""

    page: str
    terminal: str


GOOD = Colour("#1b7f3b", "green")
HALF = Colour("#966400", "yellow")
BAD = Colour("#d02c2c", "red")
PLAIN = Colour("#3b6fb6", "blue")  # what is neither good nor bad
KIT = Colour("#8a50d8", "magenta")  # nobody's mistake but the kit's

COLOURS: dict[Status | SubmissionStatus, Colour] = {
    **dict.fromkeys(Status, BAD),
    Status.PASSED: GOOD,
    Status.PARTIAL: HALF,
    Status.BROKEN: KIT,
    Status.SUSPICIOUS: HALF,
    SubmissionStatus.SUSPICIOUS: HALF,
    SubmissionStatus.UNREADABLE: BAD,
    SubmissionStatus.BROKEN: KIT,
}  # not SubmissionStatus.GRADED, which is neither good nor bad
