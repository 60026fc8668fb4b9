"""The drawing of a tape."""

import xml.etree.ElementTree as ET

from autograder.feedback import palette
from autograder.feedback.tape import MOST_ROWS, svg

LINE = {
    "leaves": ["w", "x"],
    "entries": [["mul", ["w", "x"], "v0"], ["mul", ["v0", "v0"], "v1"], ["mul", ["v2", "v0"], "v3"], ["mul", ["v3", "x"], "v4"]],
    "forward": 2,
    "gradients": {"v4": "dL/dw"},
}


def parsed(found):
    return ET.fromstring(f"<div>{svg(found)}</div>")


def texts(found):
    return [text.text for text in parsed(found).iter("text")]


def test_a_line_for_each_leaf_and_each_entry_in_the_order_of_the_tape():
    assert texts(LINE) == ["w", "x", "v0 = mul(w, x)", "v1 = mul(v0, v0)", "v3 = mul(v2, v0)", "v4 = mul(v3, x) ← dL/dw"]


def test_what_grad_recorded_differs_with_and_without_colour():
    element = parsed(LINE)
    assert [circle.get("fill") for circle in element.iter("circle")] == ["currentColor"] * 4 + [palette.PLAIN.page] * 2
    assert [text.get("font-style") for text in element.iter("text")] == [None] * 4 + ["italic"] * 2


def test_an_arc_leads_from_each_input_that_has_a_line_to_its_user():
    ends = [(int(path.get("d").split()[2]), int(path.get("d").split()[-1])) for path in parsed(LINE).iter("path")]
    rows = [((start - 11) // 22, (end - 11) // 22) for start, end in ends]
    assert rows == [(0, 2), (1, 2), (2, 3), (2, 3), (2, 4), (4, 5), (1, 5)]  # v2, the seed, has no line


def test_it_is_an_image_with_words_for_who_cannot_see_it():
    element = parsed(LINE).find("svg")
    assert (element.get("role"), element.get("aria-label")) == ("img", "A tape of 4 entries, 2 of them recorded by grad.")


def test_a_long_tape_is_cut_which_is_said():
    entries = [["add", ["w"], f"v{number}"] for number in range(3 * MOST_ROWS)]
    element = parsed({**LINE, "entries": entries})
    assert len(list(element.iter("circle"))) == MOST_ROWS
    assert element.find("p").text == f"{2 * MOST_ROWS + 2} further entries are not drawn."
    assert all(float(path.get("d").split()[-1]) < 22 * MOST_ROWS for path in element.iter("path"))


def test_names_are_escaped_and_cut():
    entries = [["<b>&", ["w" * 99], "v0"]]
    (last,) = texts({**LINE, "leaves": [], "entries": entries, "gradients": {}})
    assert last.startswith("v0 = <b>&(www")
    assert len(last) < 40


def test_an_empty_tape_is_no_drawing():
    assert svg(None) is None
    assert svg({**LINE, "entries": []}) is None
