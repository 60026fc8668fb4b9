"""A suspect names the mistake where the values prove it, and says nothing where they may have another reason."""

import math

import numpy as np
import pytest
import torch

from autograder.checks.suspects import claims, sentence, suspect

TOO_LARGE = "Exactly the batch size too large: is the mean missing?"
TOO_SMALL = "Exactly the batch size too small: is there a mean where a sum belongs?"
SIGN = "The sign is wrong: it is exactly the negative of what it should be."
TRANSPOSE = "It is the transpose of what it should be."
AXES = "The values are right, but in another order: are axes exchanged?"
SHAPE = "The values are right, in another shape: a reshape, or an axis too many or too few."


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def seen(wrong, *shapes):
    """What `wrong` makes of right results of these shapes, each from an input of its shape: claims, as a suite has them."""
    found = []
    for number, shape in enumerate(shapes):
        right = randn(*shape, seed=number)
        found.append(claims(wrong(right), right, (randn(*shape, seed=100 + number),)))
    return found


# one comparison alone -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actual", "expected", "said"),
    [
        (-randn(3), randn(3), SIGN),
        (torch.zeros(2, 3), randn(2, 3), "It is zero everywhere."),
        (randn(3, 3).t(), randn(3, 3), TRANSPOSE),
        (randn(5, 3).t(), randn(5, 3), TRANSPOSE),
        (randn(2, 3, 4).permute(2, 0, 1), randn(2, 3, 4), AXES),
        (randn(4, 6).t().reshape(4, 6), randn(4, 6), AXES),
        (randn(4, 1), randn(4), SHAPE),
        (randn(2, 6).reshape(3, 4), randn(2, 6), SHAPE),
        (randn(5, 3), randn(5, 3).sum(0), "Its sum over axis 0 would be right: is a sum over that axis missing?"),
        (randn(5, 3), randn(5, 3).mean(1), "Its mean over axis 1 would be right: is a mean over that axis missing?"),
        (torch.tensor([1, 0, -2, 3, 9]), torch.tensor([1.5, 0.25, -2.75, 3.5, 9.1]),
         "The values are cut to whole numbers: was an integer dtype used on the way?"),
    ],
)  # fmt: skip
def test_values_that_prove_it_alone(actual, expected, said):
    assert suspect(actual, expected) == said


def test_an_input_given_back():
    x = randn(4)
    assert suspect(x, x.clamp(min=0), (x,)) == "It equals one of the inputs, unchanged."
    assert suspect(x, x.clamp(min=0), ({"data": [randn(4, seed=1), x]},)) == "It equals one of the inputs, unchanged."


def test_arrays_count_as_tensors_do():
    assert suspect(np.array([1.0, -2.0]), np.array([-1.0, 2.0])) == SIGN


# several comparisons --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda right: right * right.shape[0], TOO_LARGE),
        (lambda right: right / right.shape[0], TOO_SMALL),
        (lambda right: right * right.numel(), "Exactly the number of the input's elements too large: is the mean missing?"),
        (lambda right: right / right.shape[1],
         "Exactly the size of the input's last axis too small: is there a mean where a sum belongs?"),
        (lambda right: right * 2, "Exactly twice what it should be: a factor 2 too many, or something counted twice?"),
        (lambda right: right / 2, "Exactly half of what it should be: is a factor 2 missing?"),
        (lambda right: right * 0.3, "It is a constant multiple of what it should be: check the constant factors."),
        (lambda right: right * -0.3, "It is a negative multiple of what it should be: check the sign and the constant factors."),
        (lambda right: right + right.mean(), "It is off by the same amount everywhere: is a term missing, or one too many?"),
    ],
)  # fmt: skip
def test_a_claim_that_holds_at_two_sizes_is_said_and_at_one_is_not(wrong, said):
    shapes = (5, 3), (7, 9)
    assert sentence(seen(wrong, *shapes)) == said
    assert sentence(seen(wrong, *shapes, (11, 5))) == said
    assert sentence(seen(wrong, (5, 3))) == ""
    assert sentence(seen(wrong, (5, 3), (5, 3))) == ""


def test_the_number_of_the_results_elements():
    found = [claims(right * right.numel(), right, (randn(2, 3),)) for right in (randn(5), randn(7))]
    assert sentence(found) == "Exactly the number of the result's elements too large: is the mean missing?"


def test_a_number_is_heard_where_two_batch_sizes_bear_it_out():
    found = [claims(0.7 * n, 0.7, (randn(n, 4), randn(n))) for n in (3, 5)]
    assert sentence(found) == TOO_LARGE
    assert [sentence([one]) for one in found] == ["", ""]


def test_one_comparison_that_does_not_fit_silences_all():
    found = seen(lambda right: right * right.shape[0], (5, 3), (7, 9))
    assert sentence([*found, ()]) == ""
    assert sentence([*found, claims(randn(4, seed=8), randn(4, seed=9))]) == ""
    assert sentence([claims(-randn(3), randn(3)), claims(randn(3) + 1, randn(3))]) == ""


def test_a_batch_of_one_agrees_with_the_others():
    def summed(n):
        return claims(randn(n, 3, seed=n), randn(n, 3, seed=n).sum(0))

    assert sentence([summed(1), summed(5), summed(4)]).startswith("Its sum over axis 0 would be right")
    assert sentence([claims(randn(1, 1), randn(1)), claims(randn(1, 3), randn(3))]) == SHAPE


def test_nothing_failed_nothing_said():
    assert sentence([]) == ""


# coincidences, each of which was once said aloud ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actual", "expected"),
    [(0.5, 1.0), (2.0, 1.0), (3.0, 12.0), (torch.tensor(-1.0), torch.tensor(1.0)), (0.0, 1.0), (torch.zeros(1), torch.ones(1))],
)
def test_a_single_number_is_no_proof(actual, expected):
    assert suspect(actual, expected, (torch.ones(2, 3),)) == ""


def test_steps_without_zero_grad_are_not_a_missing_factor():
    found = [claims(0.5, 1.0, (torch.ones(4, 3),)), claims(1.5, 3.0, (torch.ones(6, 3),))]
    assert sentence(found) == ""


def test_a_sum_over_the_wrong_axis_whose_numbers_coincide_is_not_an_order_of_axes():
    grad = torch.tensor([[1.0, 2.0], [2.0, 5.0]])[[1, 0]]
    assert suspect(grad.sum(1), grad.sum(0), (grad,)) == ""


def test_the_loss_in_the_place_of_its_gradient_is_not_twice_anything():
    prediction, target = torch.tensor([[4.0]]), torch.tensor([[0.0]])
    gradient = 2 * (prediction - target)
    assert suspect((prediction - target) ** 2, gradient, (prediction, target)) == ""


def test_a_softmax_over_the_batch_is_not_off_by_an_amount():
    logits = torch.tensor([[0.0, math.log(3.0)]])
    assert suspect(logits.softmax(0), logits.softmax(1), (logits,)) == ""
    assert suspect(torch.tensor([0.5, 0.75]), torch.tensor([0.25, 0.5]), (torch.ones(2),)) == ""


def test_a_softmax_behind_equal_scores_is_not_a_mean_too_many():
    found = [claims(torch.full((n, 10), 0.1), torch.ones(n, 10), (torch.ones(n, 1, 32, 32),)) for n in (1, 3)]
    assert sentence(found) == sentence(found[1:]) == ""


def test_rates_one_step_late_are_not_a_constant_factor():
    rates = [0.1 * 0.9**step for step in range(6)]
    assert sentence([claims(late, rate, ()) for late, rate in zip([0.1, *rates], rates[1:], strict=False)]) == ""


def test_a_step_scaled_twice_is_not_a_constant_factor():
    before, grad, lr = randn(4, 3), randn(4, 3, seed=1), 0.1
    assert suspect(before - lr * lr * grad, before - lr * grad, (before, grad)) == ""


def test_a_window_over_the_epochs_steps_is_not_a_mean():
    found = [claims(0.25, 0.5, (torch.ones(4, 3),)), claims(0.25, 0.5, (torch.ones(2, 3),))]
    assert sentence(found) == ""


def test_gradients_of_one_rank_are_not_a_constant_multiple():
    assert sentence([claims(randn(3) / 2, randn(3), (randn(2, 3),))] * 2) == ""


def test_names_in_another_order_are_no_values():
    assert claims("cat", "plane") == claims(["cat", "dog"], ["dog", "cat"]) == ()


@pytest.mark.parametrize(("n", "k"), [(2, 4), (3, 6)])
def test_a_ratio_of_two_sizes_is_not_a_missing_factor_two(n, k):
    one, other = (claims(randn(*s) * s[0] / s[1], randn(*s), (randn(*s, seed=1),)) for s in ((n, k), (2 * n, 2 * k)))
    assert sentence([one, other]) == ""


@pytest.mark.parametrize("arguments", [([1.0, 2.0, 3.0],), (3,)])
def test_a_mean_over_a_list_is_not_a_constant_factor(arguments):
    found = [claims(randn(n) / 3, randn(n), (randn(n, seed=1), *arguments)) for n in (4, 5)]
    assert sentence(found) == ""


def test_the_batch_of_two_is_not_told_from_a_factor_two():
    found = [claims(randn(2, k) / 2, randn(2, k), (randn(2, k, seed=1),)) for k in (3, 5)]
    assert sentence(found) == ""


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (torch.tensor([math.nan, 1.0]), randn(2)),
        (torch.zeros(0), torch.zeros(0)),
        (randn(3), torch.zeros(3)),
        (randn(3), randn(3)),
        (torch.ones(3, dtype=torch.complex64), randn(3)),
        (None, randn(3)),
        (object(), 1.0),
    ],
)
def test_odd_values_have_no_suspect(actual, expected):
    assert claims(actual, expected, (randn(2),)) == ()
