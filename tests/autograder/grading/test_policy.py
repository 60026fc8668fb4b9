"""The rules that cost points, each on stand-ins: order, technique, confirmation, whose fault, main check first, diagnosis."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from autograder.checks.judge import UNUSABLE
from autograder.grading.check_run import CheckRun
from autograder.grading.policy import grade_task, unmet
from autograder.results import CheckResult, Claim, Fault, Status

PASSED, FAILED, MISSING, BROKEN = Status.PASSED, Status.FAILED, Status.MISSING, Status.BROKEN
TASK = SimpleNamespace(id="slope", trains=False)


class Runner:
    """Plays the results of each check's runs, one after the other, and writes down what was run."""

    def __init__(self, **results):
        self.results = {name: list(played) for name, played in results.items()}
        self.log = []

    def checks_of(self, task):
        return list(self.results)

    def run(self, check, session, *, confirming=False):
        self.log.append(check + "!" * confirming)
        played = self.results[check].pop(0)
        return CheckRun(played if isinstance(played, CheckResult) else CheckResult(played, check))


def grade(runner, *, task=TASK, intact=True, sound=False, forbidden=None, diagnosis="", **options):
    session = SimpleNamespace(
        intact=intact, fresh=lambda: runner.log.append("fresh"), forbidden=lambda task: forbidden,
    )  # fmt: skip
    modules = SimpleNamespace(solution_passes=lambda check: sound,
                              diagnosis=lambda check, found: diagnosis * (found.result.status is not PASSED))  # fmt: skip
    return [run.result for run in grade_task(task, session, runner, modules, **options)]


def test_checks_are_run_once_each_and_in_order():
    runner = Runner(a=[PASSED], b=[PASSED])
    assert [result.status for result in grade(runner)] == [PASSED, PASSED]
    assert runner.log == ["a", "b"]


def test_a_technique_that_is_ruled_out_is_found_before_any_check_runs():
    runner = Runner(a=[PASSED])
    (result,) = grade(runner, forbidden=Fault(Status.FORBIDDEN, "By hand, please."))
    assert (result.status, result.message) == (Status.FORBIDDEN, "By hand, please.")
    assert runner.log == []


@pytest.mark.parametrize("second", [PASSED, FAILED])
def test_what_does_not_pass_is_run_again_in_a_fresh_process_and_that_counts(second):
    runner = Runner(a=[Status.CRASHED, second])
    assert grade(runner)[0].status is second
    assert runner.log == ["a", "fresh", "a!"]


@pytest.mark.parametrize(("played", "status"), [
    ([FAILED, Status.CRASHED, FAILED], FAILED), ([Status.ERROR, Status.CRASHED, PASSED], PASSED),
    ([FAILED, Status.CRASHED, Status.CRASHED], Status.CRASHED), ([Status.CRASHED, Status.CRASHED], Status.CRASHED),
])  # fmt: skip
def test_a_process_that_ends_only_while_it_confirms_may_have_been_killed_and_gets_another_turn(played, status):
    runner = Runner(a=played)
    (result,) = grade(runner)
    assert result.status is status
    assert runner.log == ["a", *["fresh", "a!"] * (len(played) - 1)]


@pytest.mark.parametrize(
    ("first", "log"), [(FAILED, ["a"]), (Status.CRASHED, ["a", "fresh", "a!"]), (BROKEN, ["a", "fresh", "a!"])]
)
def test_what_a_run_of_training_has_reached_stands_and_only_one_without_a_verdict_is_repeated(first, log):
    runner = Runner(a=[first, PASSED])
    (result,) = grade(runner, task=SimpleNamespace(id="accuracy", trains=True))
    assert result.status is (FAILED if first is FAILED else PASSED)
    assert runner.log == log


def test_of_the_courses_own_modules_what_a_mutant_answers_is_settled():
    runner = Runner(a=[PASSED], b=[FAILED], c=[PASSED])
    results = grade(runner, diagnosis="A mutant's.", named_is_settled=True)
    assert [(result.status, result.diagnosis) for result in results] == [(PASSED, ""), (FAILED, "A mutant's.")]
    assert runner.log == ["a", "b"]


def test_of_the_courses_own_modules_what_no_mutant_answers_is_confirmed():
    runner = Runner(a=[PASSED], b=[FAILED, PASSED])
    assert [result.status for result in grade(runner, named_is_settled=True)] == [PASSED, PASSED]
    assert runner.log == ["a", "b", "fresh", "b!"]


def test_a_learners_failure_is_confirmed_also_where_a_mutant_answers_so():
    runner = Runner(a=[FAILED, PASSED])
    assert grade(runner, diagnosis="A mutant's.")[0].status is PASSED
    assert runner.log == ["a", "fresh", "a!"]


def test_of_the_courses_own_modules_that_are_to_fail_a_main_check_wrong_values_in_it_are_enough():
    runner = Runner(a=[FAILED], b=[PASSED])
    assert [result.status for result in grade(runner, one_look=True)] == [FAILED]
    assert runner.log == ["a"]


@pytest.mark.parametrize("first", [Status.CRASHED, Status.ERROR, Status.TIMEOUT, BROKEN])
def test_they_are_looked_at_again_where_the_main_check_ended_without_a_value(first):
    runner = Runner(a=[first, PASSED], b=[FAILED, FAILED], c=[PASSED])
    assert [result.status for result in grade(runner, one_look=True)] == [PASSED, FAILED, PASSED]
    assert runner.log == ["a", "fresh", "a!", "b", "fresh", "b!", "c"]


def test_a_missing_task_needs_no_second_look():
    runner = Runner(a=[MISSING], b=[PASSED])
    assert [result.status for result in grade(runner)] == [MISSING]
    assert runner.log == ["a"]


def test_without_the_main_check_the_others_are_not_run_and_without_another_they_are():
    assert len(grade(Runner(a=[FAILED, FAILED], b=[PASSED]))) == 1
    runner = Runner(a=[PASSED], b=[FAILED, FAILED], c=[PASSED])
    assert [result.status for result in grade(runner)] == [PASSED, FAILED, PASSED]


@pytest.mark.parametrize(
    ("intact", "sound", "status"), [(True, True, FAILED), (True, False, BROKEN), (False, True, BROKEN), (False, False, BROKEN)]
)
def test_a_check_that_breaks_is_the_submissions_fault_only_where_the_sandbox_held_and_the_solution_passes(intact, sound, status):
    (result,) = grade(Runner(a=[BROKEN, BROKEN]), intact=intact, sound=sound)
    assert result.status is status
    assert (result.message == UNUSABLE) is (status is FAILED)


def claim(*sizes, alone=False):
    return CheckResult(FAILED, "t", claims=(Claim("times batch", "Exactly the batch size too large.", sizes, alone),))


def test_a_mutants_phrase_comes_before_the_suspects():
    (result,) = grade(Runner(a=[claim(3), claim(3)]), diagnosis="Your result is that of a mutant.")
    assert result.diagnosis == "Your result is that of a mutant."


def test_only_the_wrong_answer_that_is_reported_is_diagnosed():
    results = grade(Runner(a=[PASSED], b=[FAILED, FAILED], c=[FAILED, FAILED]), diagnosis="Your result is that of a mutant.")
    assert [result.diagnosis for result in results] == ["", "Your result is that of a mutant.", ""]


def test_a_suspect_is_heard_where_another_size_bears_it_out():
    runner = Runner(a=[claim(3), claim(3)], b=[claim(5)])
    (result,) = grade(runner)
    assert result.diagnosis == "Exactly the batch size too large."
    assert runner.log == ["a", "fresh", "a!", "b"]
    assert grade(Runner(a=[claim(3), claim(3)], b=[claim(3)]))[0].diagnosis == ""
    assert grade(Runner(a=[claim(3), claim(3)], b=[CheckResult(FAILED)]))[0].diagnosis == ""


def test_a_process_that_ends_while_a_suspect_is_heard_may_have_been_killed_and_gets_another_turn():
    runner = Runner(a=[claim(3), claim(3)], b=[Status.CRASHED, claim(5)])
    assert grade(runner)[0].diagnosis == "Exactly the batch size too large."
    assert runner.log == ["a", "fresh", "a!", "b", "fresh", "b!"]


def test_checks_behind_the_main_one_bear_each_other_out():
    runner = Runner(a=[PASSED], b=[claim(3), claim(3)], c=[claim(5), claim(5)])
    assert [result.diagnosis for result in grade(runner)] == ["", *["Exactly the batch size too large."] * 2]


def test_a_task_without_checks_has_no_result():
    assert grade(Runner()) == []


@pytest.mark.parametrize(("train", "net", "status"), [
    (PASSED, PASSED, None), (FAILED, PASSED, FAILED), (PASSED, MISSING, MISSING), (Status.SUSPICIOUS, PASSED, FAILED),
])  # fmt: skip
def test_a_task_that_rests_on_others_is_not_run_while_the_main_check_of_one_fails(train, net, status):
    runs = {"Net": [CheckRun(CheckResult(net))], "train": [CheckRun(CheckResult(train)), CheckRun(CheckResult(FAILED))]}
    found = unmet(SimpleNamespace(needs=("Net", "train")), runs)
    assert [run.result.status for run in found] == ([] if status is None else [status])
    assert all("which does not work yet" in run.result.message for run in found)
