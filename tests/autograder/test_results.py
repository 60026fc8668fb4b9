"""A task's result from its checks, rule by rule, and the JSON of a submission's result."""

import dataclasses
import json

import pytest

from autograder.errors import KitError
from autograder.results import (
    CheckResult,
    Person,
    Picture,
    Report,
    Status,
    SubmissionStatus,
    TaskResult,
    from_json,
    summarise,
    to_json,
)

NOT_PASSED = [status for status in Status if status is not Status.PASSED]
OK = CheckResult(Status.PASSED, "gives the mean", seconds=0.25)


def check(status, title="works for one row", message="Wrong.", diagnosis=""):
    return CheckResult(status, title, message, "never shown", diagnosis, 0.5)


def test_a_task_without_checks_is_a_fault_of_the_suite():
    assert summarise("Net", 3.0, "Look.", []) == TaskResult(
        "Net", Status.BROKEN, 0.0, 3.0, "The suite has no check for this task."
    )


def test_all_checks_passed_is_full_marks_without_a_word():
    assert summarise("Net", 3.0, "Look.", [OK, OK, OK]) == TaskResult("Net", Status.PASSED, 3.0, 3.0, seconds=0.75)


@pytest.mark.parametrize("status", NOT_PASSED)
def test_without_the_main_check_there_are_no_points_and_its_status_is_the_task_s(status):
    result = summarise("Net", 3.0, "Look.", [check(status), OK, OK])
    assert (result.status, result.score, result.max_score, result.hint) == (status, 0.0, 3.0, "Look.")


@pytest.mark.parametrize("status", [s for s in NOT_PASSED if s not in (Status.BROKEN, Status.FORBIDDEN)])
def test_with_the_main_check_the_points_are_shared_evenly(status):
    result = summarise("Net", 4.0, "Look.", [OK, check(status), OK, check(Status.FAILED, message="Later.")])
    assert (result.status, result.score, result.hint) == (Status.PARTIAL, 2.0, "Look.")
    assert result.message.endswith("Wrong.")  # of the first check that is not passed


@pytest.mark.parametrize("status", [Status.BROKEN, Status.FORBIDDEN])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_check_that_is_broken_or_forbidden_decides_wherever_it_stands(status, place):
    checks = [OK, check(Status.FAILED), OK]
    checks.insert(place, check(status, message="Decides."))
    result = summarise("Net", 3.0, "Look.", checks)
    assert (result.status, result.score) == (status, 0.0)
    assert result.message.endswith("Decides.")


def test_broken_decides_before_forbidden():
    result = summarise("Net", 3.0, "", [OK, check(Status.FORBIDDEN), check(Status.BROKEN, message="The kit's.")])
    assert result.status is Status.BROKEN
    assert result.message.endswith("The kit's.")


@pytest.mark.parametrize(
    ("points", "passed", "count", "score"),
    [(1.0, 2, 3, 0.67), (1.0, 1, 3, 0.33), (2.0, 5, 6, 1.67), (3.0, 1, 2, 1.5), (0.1, 1, 3, 0.03), (7.0, 6, 7, 6.0)],
)
def test_a_part_of_the_points_is_rounded_to_hundredths(points, passed, count, score):
    assert summarise("Net", points, "", [OK] * passed + [check(Status.FAILED)] * (count - passed)).score == score


def test_times_are_added_up_for_all_checks():
    assert summarise("Net", 1.0, "", [dataclasses.replace(OK, seconds=0.1)] * 3).seconds == 0.3
    assert summarise("Net", 1.0, "", [OK, check(Status.FAILED)]).seconds == 0.75


def test_the_message_says_what_was_expected_and_then_what_came():
    result = summarise("Net", 1.0, "", [check(Status.FAILED, diagnosis="It adds up.")])
    assert result.message == "Expected: it works for one row. Wrong."
    assert result.diagnosis == "It adds up."
    assert "never shown" not in str(result)


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (check(Status.FAILED, message=""), "Expected: it works for one row."),
        (check(Status.FAILED, title=""), "Wrong."),
        (check(Status.MISSING, message="Not done yet."), "Not done yet."),
        (check(Status.FORBIDDEN, message="By hand."), "By hand."),
    ],
)
def test_the_message_leaves_out_what_would_say_nothing(one, message):
    assert summarise("Net", 1.0, "", [one]).message == message


TASKS = tuple(TaskResult(f"t{i}", status, i / 4, 2.0, f"m{i}", "d", "h", 0.5) for i, status in enumerate(Status))


@pytest.mark.parametrize("status", SubmissionStatus)
def test_a_result_comes_back_from_json_as_it_was(status):
    report = Report("03_nn", "Zoë 张\n\"'", status, 17.25, 20.0, "A message.", "reduced", 0.31, TASKS, "CIFAR-10", "H100")
    assert from_json(to_json(report)) == report
    assert "Zoë 张" in to_json(report)  # people read it as well


def test_whose_it_is_and_when_it_came_are_kept_too():
    late = Report("03_nn", "zoe", SubmissionStatus.GRADED, 9.5, 20.0, "", "full", 0.3, TASKS)
    late = dataclasses.replace(late, person=Person("7", "Zoë", "z@x.org", "B"), notes=("Taken: net.py.",))
    late = dataclasses.replace(late, handed_in="2026-11-28T23:59:59+01:00", late_days=2, penalty=1.5)
    assert from_json(to_json(late)) == late
    assert json.loads(to_json(late))["person"] == {"id": "7", "name": "Zoë", "email": "z@x.org", "section": "B"}


def test_what_is_empty_or_has_a_file_of_its_own_is_left_out():
    report = Report("03_nn", "amira", SubmissionStatus.GRADED, 1.0, 2.0, "", "full", 0.1, attachments={"losses": [1.0]})
    document = json.loads(to_json(report))
    assert not {"data", "gpu", "attachments"} & set(document)
    assert document["schema"] == 1
    assert from_json(to_json(report)) == dataclasses.replace(report, attachments={})


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_never_written(score):
    with pytest.raises(ValueError, match="JSON"):
        to_json(Report("03_nn", "amira", SubmissionStatus.GRADED, score, 2.0, "", "full", 0.1))


def changed(**values):
    document = json.loads(to_json(Report("03_nn", "amira", SubmissionStatus.GRADED, 1.0, 2.0, "", "full", 0.1, TASKS[:1])))
    document.update(values)
    return json.dumps({key: value for key, value in document.items() if value is not ...}, default=str)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "null", "3", "[]", "{}", "\0",
        changed(schema=2), changed(schema=...), changed(tasks=...), changed(tasks=3), changed(tasks=[3]),
        changed(tasks=[{}]), changed(tasks=[{"id": "Net", "status": "great", "score": 1, "max_score": 1}]),
        changed(status="great"), changed(status=...), changed(topic=...), changed(more=1), "[" * 100_000,
        changed(score="17"), changed(score=None), changed(max_score=float("nan")), changed(message=None), changed(gpu=3),
        changed(tasks=[{"id": "Net", "status": "passed", "score": [1], "max_score": 1}]),
        changed(tasks=[{"id": None, "status": "passed", "score": 1, "max_score": 1}]),
    ],
)  # fmt: skip
def test_a_foreign_or_damaged_text_is_a_kit_error(text):
    with pytest.raises(KitError):
        from_json(text)


def test_the_reason_names_the_version_or_what_is_wrong():
    with pytest.raises(KitError, match="another version of the kit"):
        from_json(changed(schema=2))
    with pytest.raises(KitError, match=r"not a result of this kit: .*great"):
        from_json(changed(status="great"))


def test_the_json_names_each_sentence_and_its_values_for_other_languages():
    message = "Expected: it adds up. The result should have shape (2,), but it has shape (3,). Odd words."
    task = TaskResult("a", Status.FAILED, 0.0, 1.0, message, picture=Picture((2,), (3,)))
    report = Report("01_mini", "x", SubmissionStatus.GRADED, 0.0, 1.0, "", "full", 0.0, (task,))
    document = json.loads(to_json(report))
    assert document["tasks"][0]["said"]["message"] == [
        {"id": "Expected: it {title}.", "values": {"title": "adds up"}},
        {"id": "{name} should have shape {shape}, but it has shape {shape_2}.",
         "values": {"name": "The result", "shape": "(2,)", "shape_2": "(3,)"}},
        {"text": "Odd words."},
    ]  # fmt: skip
    assert document["tasks"][0]["picture"] == {"expected": [2], "came": [3], "wrong": []}
    assert from_json(to_json(report)) == report


@pytest.mark.parametrize("picture", [{"expected": [1]}, {"expected": [1], "came": [1], "wrong": ["09"]}, 3])
def test_a_picture_that_is_none_is_no_result(picture):
    report = Report(
        "01_mini", "x", SubmissionStatus.GRADED, 0.0, 1.0, "", "full", 0.0, (TaskResult("a", Status.PASSED, 1.0, 1.0),)
    )
    document = json.loads(to_json(report))
    document["tasks"][0]["picture"] = picture
    with pytest.raises(KitError, match="not a result of this kit"):
        from_json(json.dumps(document))
