"""Text that comes from elsewhere is fit to be shown: in a terminal, on a page, in JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.text import clean, listed, meant, one_line

ACTS = ["\x1b[31mred", "a\rb", "nul\0", "lone \ud800", "left \u202e right", "bell\x07"]


@pytest.mark.parametrize("text", ACTS)
def test_clean_text_holds_nothing_that_acts(text):
    cleaned = clean(text)
    assert cleaned.isprintable()
    assert cleaned.encode()


@given(st.text(st.characters(), max_size=50))
def test_any_text_becomes_one_that_can_be_encoded_and_keeps_its_length(text):
    cleaned = clean(text)
    assert len(cleaned) == len(text)
    assert json.loads(json.dumps(cleaned).encode()) == cleaned
    assert clean(cleaned) == cleaned


def test_clean_text_keeps_letters_of_all_scripts_and_is_capped():
    assert clean("Größe 张量 النص\n") == "Größe 张量 النص\n"
    assert len(clean("x" * 10_000)) == 501


@pytest.mark.parametrize(("length", "shown"), [(0, ""), (4, "xxxx"), (5, "xxxxx"), (6, "xxxxx…")])
def test_only_what_is_left_out_is_marked(length, shown):
    assert clean("x" * length, 5) == shown


@pytest.mark.parametrize("text", ACTS)
def test_an_exception_s_text_holds_nothing_that_acts(text):
    assert one_line(ValueError(text)).isprintable()


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("two\n  lines\tand tabs."), "two lines and tabs"),
        (ValueError(), ""),
        (ValueError("wait..."), "wait"),
        (ValueError("1.5"), "1.5"),
        (KeyError("name"), "'name'"),
        (RuntimeError("\x1b[1mWeights only\x1b[0m load \x1b[31;1mfailed\x1b[0m"), "Weights only load failed"),
        (OSError(2, "No such file", "x.pt"), "[Errno 2] No such file: 'x.pt'"),
    ],
)
def test_an_exception_is_one_line_without_colours_and_final_period(error, line):
    assert one_line(error) == line


def test_a_long_text_is_capped():
    assert one_line(ValueError("x" * 1000)) == "x" * 300 + "…"


@pytest.mark.parametrize("raised", [ZeroDivisionError(), ValueError("inner")])
def test_an_exception_whose_text_cannot_be_had_is_still_named(raised):
    class Broken(Exception):
        def __str__(self):
            raise raised

    assert one_line(Broken()) == "(its text cannot be shown)"


def test_an_exception_whose_text_is_no_text():
    assert one_line(type("Odd", (Exception,), {"__str__": lambda self: 3})()) == "(its text cannot be shown)"


def test_of_a_replica_s_or_a_worker_s_traceback_the_error_itself_is_shown():
    text = (
        "Caught ValueError in replica 0 on device 0.\nOriginal Traceback (most recent call last):\n"
        '  File "net.py", line 3, in forward\n    raise ValueError("sizes differ")\nValueError: sizes differ.\n\n'
    )
    assert one_line(ValueError(text)) == "ValueError: sizes differ"


@pytest.mark.parametrize(
    ("wrote", "question"),
    [
        ("relu", "did you mean relu_backward?"),
        ("NET", "did you mean Net?"),
        ("forwrd", "did you mean forward?"),
        ("backward", "did you mean relu_backward or mse_backward?"),
        ("xyz", ""),
        ("", ""),
    ],
)
def test_a_name_that_is_near_is_asked_for(wrote, question):
    assert meant(wrote, ["Net", "relu_backward", "mse_backward", "forward"]) == question


@pytest.mark.parametrize(("count", "said"), [(0, ""), (2, "a0, a1"), (5, "a0, a1 and 3 more")])
def test_a_sentence_names_some_and_counts_the_others(count, said):
    assert listed([f"a{i}" for i in range(count)], 2) == said
