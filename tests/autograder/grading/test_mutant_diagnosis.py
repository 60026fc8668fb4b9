"""Which mutant answers as a submission did."""

import pytest
import torch

from autograder import course as courses
from autograder import expect_close
from autograder.checks.check import Check
from autograder.grading.check_run import CheckRun
from autograder.grading.mutant_diagnosis import CourseModules
from autograder.results import CheckResult, Status

MUTANTS = """
from autograder import Mutant

MUTANTS = (
    Mutant("row_means", "averages everything", "t.mean(1)", "t.mean()"),
    Mutant("row_means", "averages everything and takes the number out", "t.mean(1)", "t.mean().item()"),
    Mutant("row_means", "adds everything up", "t.mean(1)", "t.sum()"),
)
"""
BATCH = torch.tensor([[1.0, 2.0, 6.0]])


def wants_a_row(fixtures):
    expect_close(fixtures.student.call("row_means", BATCH), torch.tensor([3.0]))


@pytest.fixture
def named(course, tmp_path):
    """What is said of a submission that answers a check with this."""
    (course / "solutions/01_mini/mutants.py").write_text(MUTANTS)
    (tmp_path / "modules").mkdir()
    modules = CourseModules(courses.load(course).topic("01_mini"), b"", None, tmp_path / "modules")
    check = Check("01_mini", "row_means", "test_row_means__values", "averages each row", wants_a_row)
    return lambda answer: modules.diagnosis(check, CheckRun(CheckResult(Status.FAILED, "averages each row"), [answer]))


@pytest.mark.parametrize(("answer", "phrase"), [
    (torch.tensor(3.0), "averages everything."),
    (3.0, "averages everything and takes the number out."),  # the same kind of answer comes first
    (9.0, "adds everything up."),
    (torch.tensor(9.0), "adds everything up."),
    (torch.tensor(9.0, requires_grad=True), "adds everything up."),
    (torch.tensor([9.0]), ""),
    (9, ""),
    (8.0, ""),
])  # fmt: skip
def test_a_number_and_a_tensor_without_axes_are_the_same_answer(named, answer, phrase):
    assert named(answer) == (f"Your result is what comes out of code that {phrase}" if phrase else "")
