"""What a page shows of a generator's samples."""

import re
from dataclasses import replace

import pytest

from autograder.feedback import drawn, pages
from autograder.feedback.class_view import Around
from autograder.feedback.lesson import Lesson

FOUND = {
    "samples": "AAAA", "way": "BBBB", "real": "CCCC", "nearer": 0.456, "varied": 0.543, "minimum": 0.3,
    "images": "embedded images", "losses": [[1.4, 0.7], [0.7, 2.8], [0.0, 1.4]],
}  # fmt: skip


def page_with(report, evidence):
    return pages.page(replace(report, attachments=evidence), Lesson(), Around(), backed=True)


def test_nothing_attached_is_nothing_to_show():
    assert drawn.view(None) is None
    assert drawn.view({}) is None


def test_both_networks_share_one_scale_that_begins_at_0():
    chart = drawn.chart(FOUND["losses"])
    assert chart["high"] == pytest.approx(2.8)
    assert chart["d"] == "0.0,100.0 320.0,150.0 640.0,200.0"
    assert chart["g"] == "0.0,150.0 320.0,0.0 640.0,100.0"


def test_losses_below_0_or_all_0_stay_within_the_chart():
    chart = drawn.chart([[0.0, -3.0], [0.0, 0.0]])
    assert chart["d"] == chart["g"] == "0.0,200.0 640.0,200.0"


def test_one_batch_makes_no_line():
    assert drawn.chart([[1.0, 1.0]]) is None
    assert drawn.chart([]) is None


def test_a_page_shows_the_three_sheets_the_shares_and_the_chart(reports):
    text = page_with(reports[0], {"drawn": FOUND})
    assert re.findall(r"data:image/png;base64,(\w+)", text) == ["AAAA", "BBBB", "CCCC"]
    assert "46 % of the way" in text
    assert "54 % as varied" in text
    assert text.count("<polyline") == 2


def test_a_page_without_losses_shows_the_sheets_alone(reports):
    text = page_with(reports[0], {"drawn": {**FOUND, "losses": []}})
    assert text.count('class="sheet"') == 3
    assert "<polyline" not in text


def test_evidence_that_lacks_a_sheet_costs_no_page(reports):
    text = page_with(reports[0], {"drawn": {"samples": "AAAA"}})
    assert reports[0].submission in text
    assert 'class="sheet"' not in text


def test_text_in_the_evidence_does_not_act(reports):
    text = page_with(reports[0], {"drawn": {**FOUND, "images": "<script>x</script>"}})
    assert "<script>x" not in text
