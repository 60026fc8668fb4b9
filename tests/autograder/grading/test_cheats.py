"""The cheats that `autograder verify` tries: what each knows of the public checks, and on which tasks."""

import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from autograder import course as courses
from autograder.grading.verify import cheats, known_answers, public_answers

MINI = Path(__file__).parents[1] / "mini_course"


@pytest.fixture
def doubled():
    """What is kept of a function's calls with two numbers and with three."""
    kept = []
    double = known_answers.remembering(lambda x: 2 * x, kept.append)
    for numbers in ([1.0, 2.0], [3.0, 4.0], [1.0, 1.0, 1.0]):
        assert torch.equal(double(torch.tensor(numbers)), 2 * torch.tensor(numbers))
    return kept


def test_a_cheat_that_knows_by_heart_has_each_answer_and_else_the_first_of_the_shapes(doubled):
    call = known_answers.by_heart(None, doubled)
    assert call(torch.tensor([3.0, 4.0])).tolist() == [6.0, 8.0]
    assert call(torch.tensor([3.0, 5.0])).tolist() == [2.0, 4.0]
    assert call(torch.zeros(3)).tolist() == [2.0, 2.0, 2.0]
    with pytest.raises(NotImplementedError):
        call(torch.zeros(4))


def test_a_constant_cheat_has_one_answer(doubled):
    assert known_answers.constant(None, doubled)(torch.zeros(4)).tolist() == [2.0, 4.0]


def test_a_cheat_that_is_right_once_then_gives_the_answer_of_the_call_before():
    call = known_answers.first_again(lambda x: x + 1, ())
    assert [call(1), call(5), call(7)] == [2, 2, 2]


def test_what_a_call_changed_is_changed_again():
    kept = []
    weight = torch.tensor([1.0])

    def step(parameters, net):
        parameters[0].sub_(0.25)
        net.requires_grad_(requires_grad=False)
        return parameters

    known_answers.remembering(step, kept.append)([weight], nn.Linear(1, 1))
    again, net = [torch.tensor([5.0])], nn.Linear(1, 1)
    assert known_answers.by_heart(None, kept)(again, net) is again
    assert again[0].tolist() == [0.75]
    assert [parameter.requires_grad for parameter in net.parameters()] == [False, False]


def test_an_answer_that_cannot_be_kept_is_not_kept():
    kept = []
    made = known_answers.remembering(lambda _: lambda: 3, kept.append)(1)
    assert (made(), kept) == (3, [])


def test_an_object_equals_everything_and_says_that_it_is_a_tensor():
    given = known_answers.equal_to_all(None, ())(1)
    assert isinstance(given, torch.Tensor)
    assert given == 3
    assert not given != 3  # noqa: SIM202  what an object says of itself
    assert given.sum().item() == "anything"
    assert bool(given.requires_grad)


def test_each_task_that_is_a_function_of_something_has_each_cheat():
    topic = courses.load(MINI).topics[0]
    answers = public_answers.find(topic)
    made = cheats.make(topic, topic.solution.read_text(), answers)
    assert answers.lost == ()
    assert [pickle.loads(entry[2])[1].tolist() for entry in answers.known["slope"]] == [[2.0, -4.0]]
    tried = [(cheat.task, cheat.does) for cheat in made.made]
    assert tried == [(task, does) for task in ("row_means", "slope") for does in cheats.CHEATS.values()]
    assert made.left_out == ("4 of Scale: no function that takes an input",)
    assert all(cheat.submission.tasks == {cheat.task} for cheat in made.made)


def test_a_public_check_that_the_solution_does_not_pass_is_named(course):
    path = course / "exercises/01_mini/test_mini.py"
    path.write_text(path.read_text().replace("torch.tensor([2.0, -4.0])", "torch.tensor([2.0, 4.0])"))
    (lost,) = public_answers.find(courses.load(course).topics[0]).lost
    assert lost.startswith("the solution, test_slope__example of the public checks: it is failed: ")
