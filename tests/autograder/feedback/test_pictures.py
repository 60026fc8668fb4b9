"""Drawings of shapes and of wrong values, for a terminal and for a page."""

import xml.etree.ElementTree as ET

import pytest

from autograder.feedback.pictures import axes, lines, svg
from autograder.results import Picture

MAP = Picture((2, 3), (2, 3), ("004", "120"))


@pytest.mark.parametrize(
    ("expected", "came", "drawn"),
    [
        ((4, 10), (4, 1), ["expected  [4] [10]", "   yours  [4] [ 1]", "              ^^^^"]),
        ((4, 3, 8), (4, 8), ["expected  [4] [3] [8]", "   yours      [4] [8]", "          ^^^ ^^^"]),
        ((4, 3), (4, 3, 1), ["expected  [4] [3]", "   yours  [4] [3] [1]", "                  ^^^"]),
        ((3,), (), ["expected  [3]", "   yours  no axis: one number", "          ^^^"]),
        ((0, 5), (5,), ["expected  [0] [5]", "   yours      [5]", "          ^^^"]),
    ],
)
def test_shapes_stand_axis_over_axis_and_what_differs_is_marked(expected, came, drawn):
    assert lines(Picture(expected, came)) == drawn


def test_shapes_of_different_length_are_aligned_where_more_sizes_agree():
    assert axes(Picture((4, 3), (4, 3, 1))) == [(4, 4, False), (3, 3, False), (None, 1, True)]
    assert axes(Picture((3, 8), (2, 3, 8)))[0] == (None, 2, True)


def test_a_map_tells_levels_apart_without_colour():
    assert lines(MAP) == ["  ····██", "  ░░▒▒··", "  · right  █ wrong"]


def test_what_has_no_room_is_left_out():
    assert lines(Picture(tuple(range(1000, 1008)), (1,)), 40) == []
    assert lines(MAP, 40)
    assert len(lines(Picture(tuple(range(100)), (1,)))) == 3


@pytest.mark.parametrize("picture", [MAP, Picture((4, 10), (4, 1)), Picture((), (2, 1)), Picture((3,), ())])
def test_a_page_has_the_same_as_svg_with_words_for_who_cannot_see_it(picture):
    element = ET.fromstring(str(svg(picture)))
    assert element.get("role") == "img"
    assert element.get("aria-label")
    cells = sum(map(len, picture.wrong)) or len(picture.expected) + len(picture.came)
    assert len(element.findall("rect")) == cells + sum(level != "0" for row in picture.wrong for level in row)


def test_nothing_to_draw():
    assert svg(None) is None
