"""How long a pole stood, as a drawing: bars in their order, the minimum's line, moments of an episode."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from autograder.feedback import balancing, pages
from autograder.feedback.class_view import Around
from autograder.feedback.lesson import Lesson

FOUND = {"lengths": [500, 100, 250], "minimum": 100, "most": 500, "trace": [[0.0, 0.0], [1.2, 0.1], [2.4, -0.2]], "every": 4}


def drawings(found):
    return [ET.fromstring(text) for text in re.findall(r"<svg.*?</svg>", str(balancing.svg(found)), re.DOTALL)]


def test_each_episode_is_a_bar_and_the_minimum_a_line():
    bars, _ = drawings(FOUND)
    assert [float(bar.get("height")) for bar in bars.iter("rect")] == [32.0, 80.0, 160.0]
    (line,) = bars.iter("line")
    assert (line.get("y1"), line.get("y2")) == ("128.0", "128.0")
    assert [text.text for text in bars.iter("text")] == ["500", "100"]
    assert bars.get("role") == "img"
    assert bars.get("aria-label") == "3 greedy episodes: 283 steps in the mean, the minimum is 100"


def test_each_moment_has_its_step_its_cart_and_its_pole():
    _, moments = drawings(FOUND)
    assert [text.text for text in moments.iter("text")] == ["0", "4", "8"]
    assert [float(cart.get("x")) + 8 for cart in moments.iter("rect")] == [0.0, 15.0, 30.0]
    poles = [[float(line.get(name)) for name in ("x1", "x2", "y2")] for line in moments.iter("line") if line.get("stroke-width")]
    assert poles[0] == [0.0, 0.0, -34.0]
    assert poles[1][1] > poles[1][0]  # it leans to the right
    assert poles[2][1] < poles[2][0]


def test_no_more_moments_are_drawn_than_there_is_room_for():
    trace = [[0.0, 0.0]] * 40
    _, moments = drawings({**FOUND, "trace": trace, "every": 2})
    steps = [int(text.text) for text in moments.iter("text")]
    assert (len(steps), steps[0], steps[-1]) == (balancing.MOST_MOMENTS, 0, 78)


def test_what_goes_beyond_stays_within_the_drawing():
    bars, moments = drawings({**FOUND, "lengths": [900], "minimum": 700, "trace": [[99.0, 0.0]]})
    assert [float(bar.get("height")) for bar in bars.iter("rect")] == [160.0]
    assert [line.get("y1") for line in bars.iter("line")] == ["0.0"]
    assert [float(cart.get("x")) for cart in moments.iter("rect")] == [22.0]


@pytest.mark.parametrize("nothing", [None, {}, {**FOUND, "lengths": []}])
def test_without_an_episode_there_is_nothing_to_draw(nothing):
    assert balancing.svg(nothing) is None


def test_colours_are_the_page_s_own_for_a_light_and_a_dark_one():
    text = str(balancing.svg(FOUND))
    assert "#" not in text
    assert set(re.findall(r'(?:fill|stroke)="(\w+)"', text)) == {"currentColor", "none"}


def test_it_stands_on_the_submission_s_page(reports):
    page = pages.page(replace(reports[0], attachments={"balance": FOUND}), Lesson(), Around(), backed=True)
    assert "How long the pole stood in greedy episodes" in page
    assert str(balancing.svg(FOUND)) in page
    assert "How long the pole stood" not in pages.page(reports[0], Lesson(), Around(), backed=True)


def test_odd_evidence_costs_the_drawing_alone(reports):
    page = pages.page(replace(reports[0], attachments={"balance": {"lengths": ["x"]}}), Lesson(), Around(), backed=True)
    assert reports[0].submission in page
