"""Every outcome has one colour, which can be read on a white page, on a dark one, and in a notebook that may be either."""

import pytest
from rich.color import Color

from autograder.feedback.palette import COLOURS
from autograder.results import Status, SubmissionStatus

GROUNDS = {"white": "#ffffff", "Chromium's dark": "#121212", "Firefox's dark": "#1c1b22", "JupyterLab's dark": "#111111"}


def luminance(colour):
    """WCAG 2.2's relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a, b):
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_is_right():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_every_outcome_has_a_colour_but_a_submission_that_is_simply_graded():
    assert [status for status in (*Status, *SubmissionStatus) if status not in COLOURS] == [SubmissionStatus.GRADED]


@pytest.mark.parametrize("status", COLOURS)
def test_the_colour_has_the_contrast_that_wcag_asks_for(status):
    assert contrast("#ffffff", COLOURS[status].page) >= 4.5  # the white text on it
    assert [name for name, ground in GROUNDS.items() if contrast(ground, COLOURS[status].page) < 3] == []


@pytest.mark.parametrize("status", COLOURS)
def test_the_terminal_knows_the_colour(status):
    assert Color.parse(COLOURS[status].terminal).number < 8  # one of those that a terminal's own theme fits to its ground
