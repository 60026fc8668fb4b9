"""What a failed comparison looks like, as plain data."""

import pytest
import torch

from autograder.checks.compare import Mismatch, expect_close, expect_shape
from autograder.checks.judge import judge
from autograder.checks.picture import COARSE, FINE, coarse, of_values
from autograder.results import Picture


def picture_of(actual, expected):
    with pytest.raises(Mismatch) as raised:
        expect_close(actual, expected)
    return raised.value.picture


def test_two_shapes_that_differ():
    assert picture_of(torch.ones(4, 1), torch.ones(4, 10)) == Picture((4, 10), (4, 1))
    with pytest.raises(Mismatch) as raised:
        expect_shape(torch.ones(()), (3,))
    assert raised.value.picture == Picture((3,), ())


def test_a_shape_that_no_exercise_has_is_not_drawn():
    assert picture_of(torch.ones(12345678, 0), torch.ones(4, 10)) is None
    assert picture_of(torch.ones([1] * 12), torch.ones(4, 10)) is None


def test_a_map_has_a_cell_for_each_value_of_a_small_tensor():
    wrong = torch.ones(2, 3)
    wrong[1, 2] = 7
    assert picture_of(wrong, torch.ones(2, 3)) == Picture((2, 3), (2, 3), ("000", "004"))
    assert picture_of(torch.tensor([1.0, float("nan")]), torch.ones(2)) == Picture((2,), (2,), ("04",))


def test_a_large_tensor_has_cells_that_stand_for_parts_and_the_leading_axes_are_rows():
    wrong = torch.zeros(3, 40, 50, dtype=torch.bool)
    wrong[0, 0, 0] = wrong[2] = True
    wrong[1, :20] = True
    rows = of_values(wrong).wrong
    assert (len(rows), {len(row) for row in rows}) == (FINE[0], {FINE[1]})
    assert rows[0][0] == "1"
    assert set(rows[-1]) == {"4"}
    assert "0" in rows[1]


@pytest.mark.parametrize("mask", [torch.ones(2, 3), torch.ones(1), torch.ones(())])
def test_what_has_nothing_to_see_has_no_picture(mask):
    assert of_values(mask.bool()) is None


def test_a_hidden_check_shows_few_cells_each_right_or_wrong():
    wrong = torch.zeros(64, 64, dtype=torch.bool)
    wrong[0, 0] = True
    shown = coarse(of_values(wrong))
    assert (len(shown.wrong), len(shown.wrong[0])) == COARSE
    assert "".join(shown.wrong) == "4" + "0" * 31
    assert shown.expected == shown.came == ()
    shapes = Picture((2,), (3,))
    assert coarse(shapes) == shapes


def test_a_result_carries_the_picture():
    with pytest.raises(Mismatch) as raised:
        expect_close(torch.ones(2), torch.ones(3))
    assert judge(raised.value, "adds", None, 0.0).picture == Picture((3,), (2,))
