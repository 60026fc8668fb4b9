"""The drawing of how far layers have moved."""

import math
import xml.etree.ElementTree as ET

import pytest

from autograder.feedback import palette
from autograder.feedback.drift import LONGEST, svg


def layer(name, drift, *, frozen=True):
    return {"layer": name, "drift": drift, "frozen": frozen}


def drawn(*layers):
    """Of each bar its width and its colour, and all texts."""
    element = ET.fromstring(str(svg(layers)))
    bars = [(float(rect.get("width")), rect.get("fill")) for rect in element.iter("rect")]
    return element, bars, [text.text for text in element.iter("text")]


def test_a_bar_for_each_layer_as_long_as_its_share_of_the_longest():
    _, bars, texts = drawn(layer("conv1", 0.0), layer("bn1", 0.0), layer("fc", 3.0, frozen=False))
    assert [width for width, _ in bars] == [0, 0, LONGEST]
    assert texts == ["conv1", "0", "bn1", "0", "fc", "3"]


def test_a_frozen_layer_that_has_moved_is_marked_with_and_without_colour():
    _, bars, texts = drawn(layer("bn1", 1.5), layer("fc", 3.0, frozen=False))
    assert bars == [(LONGEST / 2, palette.BAD.page), (LONGEST, palette.PLAIN.page)]
    assert texts == ["bn1", "1.5 ✗", "fc", "3"]


def test_it_is_an_image_with_words_for_who_cannot_see_it():
    element, _, _ = drawn(layer("conv1", 0.25), layer("fc", 3.0, frozen=False))
    assert element.get("role") == "img"
    assert element.get("aria-label") == "Drift: conv1 0.25, fc 3."


@pytest.mark.parametrize("drift", [0.0, math.inf])
def test_nothing_moved_or_all_too_far(drift):
    _, bars, _ = drawn(layer("conv1", drift), layer("fc", drift))
    assert all(0 <= width <= LONGEST for width, _ in bars)


def test_names_are_escaped():
    _, _, texts = drawn(layer("<b>&", 1.0))
    assert texts[0] == "<b>&"


def test_no_layers_no_drawing():
    assert svg([]) is None
