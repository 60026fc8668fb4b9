"""Each sentence of compare, as a learner reads it: what came, what was expected, and never a hidden value in the message."""

import math

import numpy as np
import pytest
import torch

from autograder.checks.compare import (
    Mismatch,
    expect,
    expect_close,
    expect_dtype,
    expect_equal,
    expect_shape,
    expect_unchanged,
)
from autograder.checks.student import Student
from autograder.checks.wording import pair
from autograder.wire.values import Opaque


def told(compare, *args, **kwargs):
    with pytest.raises(Mismatch) as caught:
        compare(*args, **kwargs)
    return caught.value.message, caught.value.detail


def ones(*shape):
    return torch.ones(shape)


# what agrees ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.00001], dtype=torch.float64)),
        (1, torch.tensor(1.0)),
        (True, torch.tensor(1)),
        (torch.tensor(2), 2.0),
        (np.array(2.0), 2.0),
        (np.ones(2), np.ones(2)),
        ([ones(2), 3], (ones(2), 3.0)),
        ({"a": 1.0, "more": None}, {"a": 1.0}),
        (torch.tensor([math.nan, math.inf]), torch.tensor([math.nan, math.inf])),
        (torch.zeros(0, 3), torch.zeros(0, 3)),
    ],
)
def test_close_values_pass(actual, expected):
    expect_close(actual, expected)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ("cat", "cat"),
        ([1, 2], (1, 2)),
        (torch.tensor(3), 3),
        (3.0, 3),
        (None, None),
        ({"a": [None]}, {"a": [None]}),
        (torch.tensor([1, 2]), torch.tensor([1, 2])),
    ],
)
def test_equal_values_pass(actual, expected):
    expect_equal(actual, expected)


# what does not --------------------------------------------------------------------------------------------------------


def test_a_condition_has_the_suites_own_sentence():
    expect(1, "not said")
    assert told(expect, [], "The list should not be empty.") == ("The list should not be empty.", "")


@pytest.mark.parametrize(
    ("actual", "expected", "message", "detail"),
    [
        (torch.tensor([1.0, 3.0]), torch.tensor([1.0, 2.0]),
         "The loss has the right shape but wrong values in 1 of 2 elements.", "Expected 2 at [1], got 3."),
        (ones(2, 2), 2 * ones(2, 2),
         "The loss has the right shape but wrong values in all 4 elements.", "Expected 2 at [0, 0], got 1."),
        (ones(1), 2 * ones(1),
         "The loss has the right shape but wrong values in its only element.", "Expected 2 at [0], got 1."),
        (ones(1), torch.tensor([-0.0]),
         "The loss has the right shape but wrong values in its only element.", "Expected 0 at [0], got 1."),
        (2.0, 0.0, "The loss is 2, which is not right.", "Expected 0."),
        (ones(), torch.tensor(2.0), "The loss is 1, which is not right.", "Expected 2."),
        (-0.0, 1, "The loss is 0, which is not right.", "Expected 1."),
        (torch.tensor([1.0, math.nan]), ones(2), "The loss contains nan in 1 of 2 elements.", ""),
        (math.inf, 1.0, "The loss contains inf in its only element.", ""),
        (ones(3, 2), ones(2, 3), "The loss should have shape (2, 3), but it has shape (3, 2).", ""),
        (None, ones(2),
         "The loss should be a tensor of shape (2,), but it is None. None is also what a function without `return` gives.", ""),
        ("much", 1.0, "The loss should be a number, but it is the text 'much'.", ""),
        ([1.0], ones(1), "The loss should be a tensor of shape (1,), but it is a list of 1.", ""),
        (3, ones(1), "The loss should be a tensor of shape (1,), but it is the number 3.", ""),
        (True, ones(1), "The loss should be a tensor of shape (1,), but it is the bool True.", ""),
        (torch.float32, ones(1), "The loss should be a tensor of shape (1,), but it is torch.float32.", ""),
        (Opaque("generator"), ones(1), "The loss should be a tensor of shape (1,), but it is a generator.", ""),
        (Opaque("AddBackward0"), ones(1), "The loss should be a tensor of shape (1,), but it is an AddBackward0.", ""),
        ({}, ones(1), "The loss should be a tensor of shape (1,), but it is a dict.", ""),
        (ones(2), np.ones(2), "The loss should be a NumPy array of shape (2,), but it is a tensor of shape (2,).", ""),
        (np.ones(2), ones(2), "The loss should be a tensor of shape (2,), but it is a NumPy array of shape (2,).", ""),
        (1.0, (1.0, 2.0), "The loss should be a tuple or list of 2, but it is the number 1.", ""),
        (1.0, {"a": 1.0}, "The loss should be a dict, but it is the number 1.", ""),
        ({"b": 1.0}, {"a": 1.0}, "The loss has no key a; its keys are b.", ""),
        ({}, {"a": 1.0, "c": 2.0}, "The loss has no key a, c; its keys are none.", ""),
        ({"a": 2.0}, {"a": 1.0}, "The loss of a is 2, which is not right.", "Expected 1."),
        ([1.0, 3.0], [1.0, 2.0], "Item 1 of the loss is 3, which is not right.", "Expected 2."),
        ([3.0], [2.0], "The loss is 3, which is not right.", "Expected 2."),
    ],
)  # fmt: skip
def test_the_sentences_of_expect_close(actual, expected, message, detail):
    assert told(expect_close, actual, expected, "the loss") == (message, detail)


def test_an_item_that_is_none_is_no_forgotten_return():
    names = ("the gradient of a", "the gradient of b")
    assert told(expect_close, (None, ones(2)), (ones(2), ones(2)), names)[0] == (
        "The gradient of a should be a tensor of shape (2,), but it is None."
    )
    assert told(expect_close, None, ones(2), "a.grad") == ("a.grad should be a tensor of shape (2,), but it is None.", "")
    assert told(expect_equal, {"n": None}, {"n": 3})[0] == "n should be a whole number, but it is None."
    assert told(expect_equal, [None], [{}])[0] == "The result should be a dict, but it is None."


def test_a_dtype_is_asked_of_tensors_and_never_of_python_numbers():
    expect_close(1.0, torch.tensor(1.0), dtype=torch.float64)
    expect_close(torch.tensor(1), torch.tensor(1.0), dtype=torch.float32)
    assert told(expect_close, ones(2), ones(2), "the loss", dtype=torch.float64) == (
        "The loss should have dtype torch.float64, but it has torch.float32.", ""
    )  # fmt: skip


def test_two_values_that_look_alike_are_shown_in_full():
    third = torch.tensor(1 / 3, dtype=torch.float64)
    message, detail = told(expect_close, third + 1e-9, third, "the loss", rtol=1e-12, atol=0)
    assert message == "The loss is 0.33333333433333334, which is not right."
    assert detail == "Expected 0.3333333333333333."
    wanted = torch.tensor([1 / 3], dtype=torch.float64)
    assert told(expect_close, wanted + 1e-9, wanted, rtol=1e-12, atol=0)[1].startswith("Expected 0.33333333333333")


@pytest.mark.parametrize("dtype", [None, torch.float32])
def test_two_python_numbers_keep_their_digits(dtype):
    expect_close(1 / 3 + 1e-13, 1 / 3, rtol=1e-12, atol=0, dtype=dtype)
    assert told(expect_close, 1 / 3 + 1e-9, 1 / 3, rtol=1e-12, atol=0, dtype=dtype)[1] == "Expected 0.3333333333333333."


def test_a_mismatch_keeps_both_values_for_the_diagnosis():
    with pytest.raises(Mismatch) as caught:
        expect_close([1.0, 5.0], [1.0, 2.0])
    assert (caught.value.actual.item(), caught.value.expected.item()) == (5.0, 2.0)


@pytest.mark.parametrize(
    ("actual", "expected", "message", "detail"),
    [
        ("dog", "cat", "The class is 'dog', which is not right.", "Expected 'cat'."),
        (3, 4, "The class is 3, which is not right.", "Expected 4."),
        (True, False, "The class is True, which is not right.", "Expected False."),
        (True, 1, "The class should be a whole number, but it is the bool True.", ""),
        (1, True, "The class should be a bool, but it is the number 1.", ""),
        ("1", 1.5, "The class should be a number, but it is the text '1'.", ""),
        (1, "1", "The class should be text, but it is the number 1.", ""),
        (1, None, "The class should be None, but it is the number 1.", ""),
        (torch.float64, torch.float32, "The class is torch.float64, which is not right.", "Expected torch.float32."),
        (torch.tensor([1]), torch.tensor([2]),
         "The class has the right shape but wrong values in its only element.", "Expected 2 at [0], got 1."),
        (torch.tensor([1]), torch.tensor([1.0]),
         "The class should have dtype torch.float32, but it has torch.int64.", ""),
    ],
)  # fmt: skip
def test_the_sentences_of_expect_equal(actual, expected, message, detail):
    assert told(expect_equal, actual, expected, "the class") == (message, detail)


def test_long_text_is_shown_where_it_differs():
    start = "ResNet(" + "conv, " * 30
    message, detail = told(expect_equal, start + "relu", start + "pool", "the summary")
    assert message == "The summary is …', conv, conv, conv, relu', which is not right."
    assert detail == "Expected …', conv, conv, conv, pool'."


@pytest.mark.parametrize(
    ("actual", "expected", "count", "detail"),
    [
        ([1, 2, 9, 4], [1, 2, 3], "3 items, but it has 4",
         "The first difference is at [2]: expected 3, got 9."),
        (list(range(100)), list(range(101)), "101 items, but it has 100", "The first item that is missing, at [100], is 100."),
        (["a", "b"], ["a"], "1 item, but it has 2", "The first item too many, at [1], is 'b'."),
        ([Opaque("MulBackward0"), Opaque("Node")], ["MulBackward0"], "1 item, but it has 2",
         "The first difference is at [0]: expected 'MulBackward0', got a MulBackward0."),
        ([0.1 + 0.2, 5.0], [0.3, 1.0, 2.0], "3 items, but it has 2", "The first difference is at [1]: expected 1, got 5."),
        ([(1, 2), {"a": [-0.0]}], [(1, 2)], "1 item, but it has 2", "The first item too many, at [1], is {'a': [0]}."),
        ([[1], (2,)], [[1], (3,), 4], "3 items, but it has 2", "The first difference is at [1]: expected (3,), got (2,)."),
        ([torch.ones(2), torch.ones(3)], [torch.ones(2)], "1 item, but it has 2",
         "The first item too many, at [1], is a tensor of shape (3,)."),
        ([torch.ones(2), "x"], [torch.ones(2), torch.ones(2), 1], "3 items, but it has 2",
         "The first difference is at [1]: expected a tensor of shape (2,), got 'x'."),
        ([torch.tensor(4)], [torch.tensor(3), torch.tensor(5)], "2 items, but it has 1",
         "The first difference is at [0]: expected 3, got 4."),
    ],
)  # fmt: skip
def test_lists_of_another_length_show_where_they_part(actual, expected, count, detail):
    assert told(expect_equal, actual, expected, "the list") == (f"The list should have {count}.", detail)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("the loss", "The loss"), ("x", "x"), ("a.grad after the call", "a.grad after the call"), ("conv1.weight", "conv1.weight"),
     ("grad_q", "grad_q"), ("x's mean", "x's mean"), ("parameter 0", "Parameter 0"), ("Q of inputs", "Q of inputs")],
)  # fmt: skip
def test_a_name_of_code_keeps_its_case(name, shown):
    assert told(expect_close, 2.0, 1.0, name)[0] == f"{shown} is 2, which is not right."


def test_shape_and_dtype():
    expect_shape(ones(2, 3), (2, 3))
    expect_dtype(ones(2), torch.float32)
    assert told(expect_shape, ones(2), (3, 1), "the mask")[0] == "The mask should have shape (3, 1), but it has shape (2,)."
    assert told(expect_shape, 1.0, (3,), "the mask")[0] == "The mask should be a tensor of shape (3,), but it is the number 1."
    assert told(expect_dtype, ones(2), torch.bool, "the mask")[0] == (
        "The mask should have dtype torch.bool, but it has torch.float32."
    )
    assert told(expect_dtype, [], torch.bool, "the mask")[0] == "The mask should be a tensor, but it is a list of 0."


def test_what_a_call_leaves_behind():
    leaf = ones(2).requires_grad_()
    leaf.grad = ones(2)
    same = leaf.detach().clone().requires_grad_()
    same.grad = ones(2)
    expect_unchanged(same, leaf)
    expect_unchanged(torch.tensor([math.nan]), torch.tensor([math.nan]))
    expect_unchanged(np.array([math.nan]), np.array([math.nan]))
    expect_unchanged([1, 2], [1, 2])
    in_place = "x was changed by the call. Work on a copy: an in-place operation changes the original."
    assert told(expect_unchanged, 2 * ones(2), ones(2), "x")[0] == in_place
    assert told(expect_unchanged, ones(2).double(), ones(2), "x")[0] == in_place
    assert told(expect_unchanged, None, ones(2), "x")[0] == in_place
    assert told(expect_unchanged, [2], [1], "x")[0] == told(expect_unchanged, np.ones(2), np.zeros(2), "x")[0]
    assert told(expect_unchanged, [2], [1], "x")[0] == "x was changed by the call. Work on a copy."
    assert told(expect_unchanged, ones(2).requires_grad_(), ones(2), "x")[0] == (
        "x has requires_grad=True after the call, but it had False before. Work on a detached copy."
    )
    assert told(expect_unchanged, leaf.detach().clone().requires_grad_(), leaf, "x")[0] == (
        "The .grad of x is not what it was before the call. Work on a detached copy."
    )


class Counted(list):
    """Counts how many of its items are looked at."""

    looked = 0

    def __iter__(self):
        for item in super().__iter__():
            self.looked += 1
            yield item


@pytest.mark.parametrize("other", [5, "text", [1.0] * 30 + [2.0], {"a": 1}])
def test_of_a_long_value_no_more_is_looked_at_than_is_shown(other):
    value = Counted([1.0] * 100_000)
    got, wanted = pair(value, other)
    assert got in ("[" + "1, " * 26 + "1…", "[" + "1.0, " * 15 + "1.0,…")
    assert wanted
    assert value.looked < 200


def test_two_values_that_look_the_same_are_shown_to_their_last_digit():
    assert pair(0.1 + 0.2, 0.3) == ("0.30000000000000004", "0.3")
    assert pair([0.1 + 0.2], [0.3]) == ("[0.30000000000000004]", "[0.3]")
    assert pair(ones(3), 2 * ones(3)) == ("[1.0, 1.0, 1.0]", "[2.0, 2.0, 2.0]")


def test_what_a_submission_returned_is_no_part_of_a_check_s_own_text():
    student = Student(None, 0, replies=[ones(3)] * 100_000, arguments=(ones(3),))
    assert len(repr(student)) < 200


def test_a_slip_is_named_where_the_result_is_exactly_its_own():
    slips = {"The mean is missing.": (torch.tensor([2.0]), 6.0), "The sign is wrong.": (torch.tensor([2.0]), -3.0)}
    with pytest.raises(Mismatch) as caught:
        expect_close((torch.tensor([2.0]), -3.0), (torch.tensor([2.0]), 3.0), slips=slips)
    assert caught.value.diagnosis == "The sign is wrong."
    for other in ((torch.tensor([2.0]), 4.0), (torch.tensor([2.0]),), None, torch.ones(3)):
        with pytest.raises(Mismatch) as caught:
            expect_close(other, (torch.tensor([2.0]), 3.0), slips=slips)
        assert caught.value.diagnosis == ""
