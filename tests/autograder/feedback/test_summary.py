"""What a summary says, from records made by hand."""

import shutil
from pathlib import Path

import pytest

from autograder.course import load
from autograder.feedback.summary import CheckState, TaskState, Tone, TopicState, glance, public_checks, table, topic_state
from autograder.results import CheckResult, Status

MINI = Path(__file__).parents[1] / "mini_course"
PASSED = CheckResult(Status.PASSED, "gives twice x")
FAILED = CheckResult(Status.FAILED, "works for one row", "Wrong.")
MISSING = CheckResult(Status.MISSING, "gives twice x", "Not done yet.")


def state(task, failure=None, passed=0, checks=1, **more):
    return TaskState(task, task, 2.0, passed, checks, failure, **more)


def topic(name, *tasks, fault=""):
    return TopicState(name, name, "mini.py", tasks, fault)


DONE, OPEN, WRONG = state("one", passed=1), state("two", MISSING), state("three", FAILED)


def texts(lines):
    return [line.text for line in lines]


def test_a_task_is_done_when_all_its_public_checks_have_passed():
    assert DONE.done
    assert not state("one", passed=1, checks=2).done
    assert not state("one", FAILED, passed=1).done
    assert not state("one", checks=0).done
    words = [DONE.word, OPEN.word, WRONG.word, state("a").word, state("a", passed=1, checks=2).word, state("a", checks=0).word]
    assert words == ["done", "not done yet", "failed", "not checked", "1 of 2 pass", "when handed in"]


def test_the_table_of_one_topic():
    lines = table([topic("01", DONE, OPEN, WRONG, state("four"), state("five", checks=0))], 60)
    assert texts(lines) == [
        "one    done",
        "two    not done yet",
        "three  failed        expected: it works for one row",
        "not checked in this run: four",
        "Public checks passed in this run: 1 of 3 tasks, 2 of 6 points.",
        "Without a public check: five.",
        "Next: two. A hint: autograder hint two",
    ]
    assert [line.tone for line in lines[:3]] == [Tone.DONE, Tone.TODO, Tone.WRONG]
    assert max(map(len, texts(table([topic("01", WRONG)], 40))[:1])) == 40


def test_topics_that_are_done_or_not_begun_are_one_line():
    assert texts(table([topic("01", DONE, DONE), topic("02", OPEN), topic("03", DONE, WRONG)], 80)) == [
        "01: done (2 tasks)",
        "02: not done yet (1 task)",
        "03",
        "one    done",
        "three  failed  expected: it works for one row",
        "Public checks passed: 3 of 5 tasks, 6 of 10 points.",
        "Next: 02 · two. A hint: autograder hint two",
    ]


def test_a_run_of_some_tasks_names_no_other_as_next_for_it_may_be_done():
    topics = [topic("01", state("one"), DONE)]
    assert texts(table(topics, 80)) == [
        "one  done",
        "not checked in this run: one",
        "Public checks passed in this run: 1 of 1 tasks, 2 of 2 points.",
        "Next: what is still open, by autograder check 01",
    ]
    later = texts(table([topic("01", state("four", passed=1, checks=2)), topic("02", OPEN)], 80))
    assert later[-1] == "Next: 02 · two. A hint: autograder hint two"


def test_a_module_that_cannot_be_checked_comes_first():
    topics = [topic("01", WRONG, fault="mini.py does not parse.")]
    assert texts(table(topics, 80))[0] == "01: mini.py cannot be checked yet"
    assert texts(table(topics, 80))[-1] == "Next: mend exercises/01/mini.py; the message is above."
    assert texts(glance(topics, 80))[-2:] == ["First: mini.py does not parse.", "  pytest exercises/01"]


def test_the_course_at_a_glance():
    topics = [topic("01", DONE, DONE), topic("02", DONE, WRONG)]
    assert texts(glance(topics, 80)) == [
        "01  ████████████████████   2 of 2",
        "02  ██████████░░░░░░░░░░   1 of 2",
        "Public checks passed: 3 of 4 tasks, 6 of 8 points.",
        "First to do: 02 · three",
        "  autograder check 02 three",
        "  autograder hint three",
    ]
    assert texts(glance(topics[:1], 30)) == ["01   2 of 2", "Public checks passed: 2 of 2 tasks, 4 of 4 points."]


@pytest.fixture
def course(tmp_path):
    return load(Path(shutil.copytree(MINI, tmp_path / "course")))


def test_states_follow_from_checks_and_from_what_the_module_calls(course):
    mini = course.topics[0]
    assert public_checks(mini) == {"row_means": 2, "slope": 1, "Scale": 1}
    mini.stub.write_text("def row_means(t): ...\ndef slope(x): return row_means(x)\nclass Scale: ...\n")
    ran = {
        "row_means": [CheckState("test_b", 9, FAILED), CheckState("test_a", 4, PASSED), CheckState("test_c", 12, MISSING)],
        "slope": [CheckState("test_d", 20, MISSING)],
    }
    means, slope, scale = topic_state(course, mini, ran).tasks
    assert (means.failure, means.others, means.passed, means.checks) == (FAILED, (MISSING,), 1, 2)
    assert slope.cause == "slope uses row_means, which is not right yet: start there."
    assert (scale.word, scale.cause) == ("not checked", "")
    mini.stub.unlink()
    assert topic_state(course, mini, ran).tasks[1].cause == ""
