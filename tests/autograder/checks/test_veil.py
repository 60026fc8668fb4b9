"""What a learner's code says in a hidden check is shown as far as it was known before that code ran."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autograder.checks.own import marked
from autograder.checks.veil import MAX_WORDS, Veil
from autograder.learner import own_words
from autograder.results import Fault, Status
from autograder.wire.values import Opaque

SOURCE = """import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        self.fc1 = nn.Linear(400, 120)
    def forward(self, x):
        x = self.fc1(x)
        if len(x) > 3:
            raise ValueError(f"bad sum {x.sum()}, want less.")
        assert x.dim() == 2, "the input needs %d axes" % 2
"""
PLACE = " (line 8 of net.py: `x = self.fc1(x)`)"
VEIL = Veil(own_words.of({"net.py": SOURCE}, "net.py"), ("Cell 3 cannot be run: NameError: name 'y' is not defined.",))


def fault(message, place=PLACE, kind="RuntimeError", status=Status.ERROR):
    return VEIL.fault(Fault(status, message, kind, place, told=True))


def raised(text, place=PLACE):
    return fault(f"Your code raised RuntimeError: {text}{place}.", place).message


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mat1 and mat2 shapes cannot be multiplied (4x256 and 400x120)", "mat1 and mat2 shapes cannot be multiplied (…x… and 400x120)"),  # noqa: E501
        ("The size of tensor a (10) must match the size of tensor b (3) at non-singleton dimension 1",
         "The size of tensor a (…) must match the size of tensor b (3) at non-singleton dimension 1"),
        ("'Net' object has no attribute 'fc1'", "'Net' object has no attribute 'fc1'"),
        ("name 'foo' is not defined", "name '…' is not defined"),
        ("unsupported operand type(s) for +: 'Tensor' and 'NoneType'", "unsupported operand type(s) for +: 'Tensor' and 'NoneType'"),  # noqa: E501
        ("Found dtype Long but expected Float", "Found dtype Long but expected Float"),
        ("bad sum 0.1731, want less", "bad sum …, want less"),
        ("the input needs 2 axes", "the input needs … axes"),
        ("'fc1'", "'fc1'"),
    ],
)  # fmt: skip
def test_known_words_stay_and_what_was_filled_in_stays_where_the_source_holds_it(text, shown):
    assert raised(text) == f"Your code raised RuntimeError: {shown}{PLACE}."


@pytest.mark.parametrize(
    "text",
    ["0.1731", "SEED 0.1731", "".join(map(chr, (97, 98, 99))), "'abracadabra'", "sum bad", "-1.5 and 2.5", "",
     "mat1 and mat2 shapes cannot be multiplied abracadabra", "forward " * 30, "\N{ZERO WIDTH SPACE}" * 20],
)  # fmt: skip
def test_of_any_other_text_only_the_type_and_the_line_remain(text):
    assert raised(text) == f"Your code raised RuntimeError{PLACE}."


def test_a_kind_a_place_or_a_sentence_that_was_made_up_is_not_shown():
    assert fault("Your code raised Abc123: x.", "", "Abc123").message == "Your code raised an error."
    assert fault("Your answer is right, full marks.").message == f"Your code raised RuntimeError{PLACE}."
    for place in (" (line 99 of net.py: `x`)", " (line 1 of secret.py: `x`)", " (line 7)", "abc", " (line 8 of net.py`: `x`)"):
        assert raised("", place) == "Your code raised RuntimeError."
    assert raised("", " (line 8 of net.py: `0.1731`)") == "Your code raised RuntimeError (line 8 of net.py)."
    assert fault("0.1731", "", status=Status.MISSING).message == "It is not there, or not done yet."
    assert "0.1731" not in fault("uses 0.1731", "", status=Status.FORBIDDEN).message


def test_one_message_shows_few_words_though_the_source_holds_all():
    shown = raised(f"shape '[{', '.join(['400', '120'] * 20)}]' is invalid for input of size 3")
    assert shown.count("400") + shown.count("120") == MAX_WORDS


@pytest.mark.parametrize(
    "message",
    [
        f"Your code ends the program{PLACE}: remove sys.exit() or exit().",
        f"Your code calls itself without end{PLACE}.",
        f"Your code needs more memory than it may use{PLACE}.",
        f"`^` is no power in Python: write `**`{PLACE}.",
        "Not done yet: it still raises NotImplementedError.",
        "`Net` is not defined in your module. Cell 3 cannot be run: NameError: name 'y' is not defined.",
        "`forward` returned None, which has no attribute 'step': is a `return` missing?",
        "What `Net` returned cannot do what the exercise asks of it: MSELoss: self must be a matrix.",
        "What your code returned cannot be read: the value has too many items.",
        f"This task is to be done by hand, but your code uses forward-mode differentiation: write the derivative out yourself{PLACE}.",  # noqa: E501
    ],
)
def test_the_kits_own_sentences_stay(message):
    assert fault(message).message == message


def test_the_stubs_names_are_shown_though_the_source_lacks_them():
    missing = Fault(Status.MISSING, "`sgd_update` is not defined in your module.", told=True)
    assert VEIL.fault(missing).message == "`…` is not defined in your module."
    assert replace(VEIL, public=frozenset({"sgd_update"})).fault(missing).message == missing.message


@pytest.mark.parametrize("given", ["0.25", "'abra'"])
def test_a_value_that_the_source_does_not_hold_leaves_no_gap(given):
    assert VEIL.message(f"The loss is {marked(given)}, which is not right.", [], []) == "The loss is not right."
    assert VEIL.message(f"It holds {marked(given)}.", [], []) == "It holds …."


def test_a_returned_value_or_type_is_shown_if_the_source_holds_it():
    for given, shown in (
        ("400", "400"),
        ("Net", "Net"),
        ("fc1, abra", "fc1, …"),
        ("cuda:0", "cuda:0"),
    ):
        assert (
            VEIL.message(f"The loss is {marked(given)}, which is not right.", [], [])
            == f"The loss is {shown}, which is not right."
        )


def test_texts_of_a_reply_are_found_where_a_suite_has_put_them_into_its_message():
    replies = [{"kinds": ["abra", Opaque("Cadabra")], "day": 1}, "of"]
    text = "It holds abra and a Cadabra; of day it has no value."
    assert VEIL.message(text, replies, []) == "It holds … and a …; of … it has no value."
    assert (
        VEIL.message(text, replies, [["day"], compile("'abra'", "probe", "eval")])
        == "It holds abra and a …; of day it has no value."
    )


def test_without_words_of_its_own_a_submission_shows_none():
    bare = Veil({})
    assert (
        bare.fault(Fault(Status.ERROR, f"Your code raised ValueError: no{PLACE}.", "ValueError", PLACE)).message
        == "Your code raised ValueError."
    )


def test_matching_takes_no_longer_for_texts_made_to_be_slow():
    pieces = [["a"] * 200 for _ in range(1000)]
    veil = Veil({"names": [], "numbers": [], "texts": pieces, "lines": {}})
    text = "a" * 199 + "'" * 200 + "(" * 90
    assert (
        veil.fault(Fault(Status.ERROR, f"Your code raised ValueError: {text}", "ValueError")).message
        == "Your code raised ValueError."
    )
