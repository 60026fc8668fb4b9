"""What a check's exception becomes: a verdict on the learner's code, or a fault of the kit, and never the one for the other."""

import runpy

import pytest
import torch

from autograder.checks.compare import Mismatch, expect_close
from autograder.checks.judge import claims, judge
from autograder.checks.student import Student
from autograder.checks.suspects import sentence
from autograder.errors import SandboxError
from autograder.results import CheckResult, Fault, Status, StudentFault


class Silent:
    """Is never asked."""

    def ask(self, frame: bytes) -> bytes:
        raise AssertionError

    def ask_ranks(self, make_frames):
        raise AssertionError


@pytest.fixture
def student():
    return Student(Silent(), b"")


def test_no_exception_is_a_pass():
    assert judge(None, "adds", None, 0.5) == CheckResult(Status.PASSED, "adds", seconds=0.5)


def test_a_fault_of_the_learners_keeps_its_status_and_sentence(student):
    fault = Fault(Status.MISSING, "Not done yet.", "NotImplementedError")
    assert judge(StudentFault(fault), "adds", student, 0.5) == CheckResult(Status.MISSING, "adds", "Not done yet.", seconds=0.5)


def test_a_mismatch_has_its_message_its_detail_and_what_the_values_prove(student):
    with pytest.raises(Mismatch) as caught:
        expect_close(torch.tensor([1.0, -2.0]), torch.tensor([-1.0, 2.0]), "the slope")
    assert judge(caught.value, "differentiates", student, 0.5) == CheckResult(
        Status.FAILED, "differentiates", "The slope has the right shape but wrong values in all 2 elements.",
        "Expected -1 at [0], got 1.", "The sign is wrong: it is exactly the negative of what it should be.", 0.5,
    )  # fmt: skip


def test_the_submissions_arguments_are_seen(student):
    student.arguments = ([torch.tensor([3.0, -1.0])],)
    with pytest.raises(Mismatch) as caught:
        expect_close(torch.tensor([3.0, -1.0]), torch.tensor([3.0, 0.0]))
    assert judge(caught.value, "", student, 0).diagnosis == "It equals one of the inputs, unchanged."
    assert judge(caught.value, "", None, 0).diagnosis == ""


def test_the_claims_of_two_checks_are_laid_side_by_side(student):
    found = []
    for n in (3, 5):
        student.arguments = (torch.ones(n, 2),)
        found.append(claims(Mismatch("wrong", actual=0.25 * n, expected=0.25), student))
    assert sentence(found) == "Exactly the batch size too large: is the mean missing?"
    assert claims(None, student) == claims(Mismatch("own"), student) == claims(ValueError(), None) == ()


def test_a_suites_own_sentence_has_no_suspect(student):
    assert judge(Mismatch("It should fall."), "", student, 0) == CheckResult(Status.FAILED, "", "It should fall.")


def test_a_bare_assert_says_nothing_of_its_own(student):
    assert judge(AssertionError("assert 3 == 4"), "adds", student, 0) == CheckResult(Status.FAILED, "adds")


def test_control_characters_do_not_reach_a_terminal(student):
    assert judge(Mismatch("bad \x1b[31m", "worse \x00"), "", student, 0).message == "bad �[31m"
    assert judge(Mismatch("bad", "worse \x00"), "", student, 0).detail == "worse �"


def test_a_fault_of_the_kit_is_broken_and_never_failed(student):
    lost = judge(SandboxError("the child is gone"), "adds", student, 0)
    assert (lost.status, lost.message) == (Status.BROKEN, "Fault of the kit: the child is gone.")
    wrong = judge(ZeroDivisionError("division by zero"), "adds", student, 0)
    assert (wrong.status, wrong.message) == (Status.BROKEN, "The suite itself failed: ZeroDivisionError: division by zero.")


def test_a_fault_of_the_suite_names_its_line(student, tmp_path):
    suite = tmp_path / "test_sums.py"
    suite.write_text("import math\n\ndef check():\n    math.sqrt(-1)\n", encoding="utf-8")
    names = runpy.run_path(str(suite))
    with pytest.raises(ValueError, match="math domain") as caught:
        names["check"]()
    wrong = judge(caught.value, "adds", student, 0)
    assert (wrong.status, wrong.message) == (
        Status.BROKEN,
        "The suite itself failed: ValueError: math domain error (test_sums.py:4).",
    )
