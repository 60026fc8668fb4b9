"""What a page shows of a language model: bars as long as the logarithms, and the sentences as text."""

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from autograder.feedback import pages, written

FOUND = {
    "reached": 8.0, "most": 12.0, "own": 4.0, "alone": 64.0, "words": 256,
    "texts": [{"temperature": 0.5, "lines": ["the cow waits", "a hen sleeps"]}, {"temperature": 2.0, "lines": ["hens <b> the"]}],
}  # fmt: skip


def test_nothing_is_shown_where_nothing_was_attached():
    assert written.view(None) is None
    assert written.view({}) is None


def test_bars_are_as_long_as_the_logarithms():
    bars = {bar["name"]: bar for bar in written.bars(FOUND)}
    width = written.WIDTH
    assert [bar["length"] / width for bar in bars.values()] == pytest.approx(
        [2 / 8, 3 / 8, math.log2(12) / 8, 6 / 8, 1.0], abs=1e-3
    )
    assert [name for name, bar in bars.items() if bar["own"]] == ["the trained model"]


@pytest.mark.parametrize("reached", [math.inf, math.nan, 1.0, 0.0])
def test_a_perplexity_that_is_none_has_no_bar(reached):
    bars = written.bars({**FOUND, "reached": reached})
    assert [bar["length"] for bar in bars if bar["own"]] == [0.0]
    assert max(bar["length"] for bar in bars) == written.WIDTH


def page_of(report, folder, reached):
    pages.write(folder, "01_mini: A title", [replace(report, attachments={"written": {**FOUND, "reached": reached}})])
    return (folder / "pages/amira.html").read_text(encoding="utf-8")


def bars_of(text):
    svg = ET.fromstring(re.search(r"<svg.*?</svg>", text, re.DOTALL)[0])
    return [each for each in svg if each.tag == "rect"]


@pytest.mark.parametrize("reached", [8.0, 50.0])
def test_the_page_shows_bars_and_sentences(reports, tmp_path, reached):
    text = page_of(reports[0], tmp_path, reached)
    words = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    assert f"Perplexity on a text that the model has not seen: {reached}; at most 12.0 passes." in words
    assert "Temperature 0.5 the cow waits a hen sleeps Temperature 2.0 hens &lt;b&gt; the" in words
    assert [bar.get("fill") == "none" for bar in bars_of(text)] == [True, False, True, True, True]
    assert {bar.get("stroke") for bar in bars_of(text)} == {"currentColor"}


def test_a_model_that_does_not_pass_has_a_bar_of_another_colour(reports, tmp_path):
    fills = [bars_of(page_of(reports[0], tmp_path / name, reached))[1].get("fill") for name, reached in (("a", 8.0), ("b", 50.0))]
    assert fills[0] != fills[1]
