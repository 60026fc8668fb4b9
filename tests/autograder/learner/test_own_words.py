"""What a submission's files say before any of them runs."""

from __future__ import annotations

from autograder.learner import own_words


def test_names_numbers_texts_and_lines():
    found = own_words.of({"net.py": 'def f(x):\n    return f"got {x} of {9}!" + "%d.5 apples" % 7.25 + "" + "..."\n'}, "net.py")
    assert found["names"] == ["apples", "d", "def", "f", "got", "of", "return", "x"]
    assert found["numbers"] == ["5", "7.25", "9"]
    assert ["got ", " of ", "!"] in found["texts"]
    assert ["5 apples"] in found["texts"]
    assert [""] not in found["texts"]
    assert found["lines"]["net.py"][0] == "def f(x):"


def test_what_does_not_parse_has_no_texts_and_what_is_too_long_no_words():
    assert own_words.of({"net.py": "'a' +"}, "net.py")["texts"] == []
    assert own_words.of({"net.py": "x = 1\n" * own_words.MAX_CHARACTERS}, "net.py")["names"] == []
