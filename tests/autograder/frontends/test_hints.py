"""`autograder hint`: a ladder of hints, climbed one at a time."""

import pytest

from autograder.course import load
from autograder.errors import KitError
from autograder.frontends.hints import Which, ask, find

LADDER = """\
title: A course
topics:
  01_one:
    title: One
    tasks:
      Net:
        points: 1
        hint: ["What goes in?", "Write the shapes down, one line a layer, and compare the last one.", "Try:\\n>>> 6 * 7\\n42"]
      join: {points: 1, hint: "Which axis?"}
  02_two:
    title: Two
    tasks:
      Net: {points: 1, hint: ["Another?", An idea.]}
"""


@pytest.fixture
def ladder(tmp_path):
    """Ask for a hint, in a new process each time as far as the course can tell; returns its text."""
    (tmp_path / "course.yaml").write_text(LADDER)

    def asked(topic, task, which="next", width=100):
        course = load(tmp_path)
        return ask(course, *find(course, topic, task), Which(which), width)

    return asked


def test_each_call_shows_the_next_hint_and_says_where_one_stands(ladder):
    first, second, third, last = (ladder("01_one", "Net") for _ in range(4))
    assert "01_one · Net: hint 1 of 3" in first
    assert "What goes in?" in first
    assert "shapes" not in first
    assert "The next hint: autograder hint 01_one Net" in first
    assert "hint 2 of 3" in second
    assert "hint 3 of 3" in third
    assert "    >>> 6 * 7\n    42" in third
    assert "next hint" not in third
    assert "--all" in third
    assert last == third


def test_again_repeats_and_reset_begins_anew(ladder):
    assert "hint 1 of 3" in ladder("01_one", "Net", "again")
    second = ladder("01_one", "Net")
    assert "hint 2 of 3" in second
    assert ladder("01_one", "Net", "again") == second
    assert "hint 1 of 3" in ladder("01_one", "Net", "first")
    assert "hint 2 of 3" in ladder("01_one", "Net")


def test_all_hints_at_once(ladder):
    text = ladder("01_one", "Net", "all")
    assert [f"hint {number} of 3" in text for number in (1, 2, 3)] == [True] * 3
    assert "hint 3 of 3" in ladder("01_one", "Net")


def test_tasks_of_one_name_climb_apart(ladder):
    ladder("01_one", "Net")
    assert "02_two · Net: hint 1 of 2" in ladder("02_two", "Net")
    assert "01_one · Net: hint 2 of 3" in ladder("01_one", "Net")


def test_a_narrow_terminal_keeps_sentences_within_it(ladder):
    ladder("01_one", "Net")
    hint = ladder("01_one", "Net", width=40).split("\n\n")[1]
    assert len(hint.splitlines()) > 1
    assert all(len(line) <= 40 for line in hint.splitlines())


def test_the_progress_is_no_affair_of_git_and_a_spoilt_file_means_the_first_hint(ladder, tmp_path):
    ladder("", "join")
    assert (tmp_path / ".autograder/.gitignore").read_text() == "*\n"
    for spoilt in ("", "[]", '{"01_one/Net": "x"}', '{"01_one/Net": -4}'):
        (tmp_path / ".autograder/hints.json").write_text(spoilt)
        assert "hint 1 of 3" in ladder("01_one", "Net")
    (tmp_path / ".autograder/hints.json").write_text('{"01_one/Net": 99}')
    assert "hint 3 of 3" in ladder("01_one", "Net")


def test_without_a_place_to_note_it_the_hint_is_still_shown(ladder, tmp_path):
    (tmp_path / ".autograder").write_text("a file in the place of the folder")
    text = ladder("", "join")
    assert "Which axis?" in text
    assert "could not be noted" in text


@pytest.mark.parametrize(
    ("topic", "task", "words"),
    [
        ("", "Net", ["2 topics have a task Net", "`autograder hint 01_one Net` or `autograder hint 02_two Net`"]),
        ("", "jion", ["did you mean join?"]),
        ("", "joi", ["did you mean join?"]),
        ("", "zzz", ["no task 'zzz'"]),
        ("", "02_two", ["is a topic", "Net"]),
        ("", "02", ["did you mean 02_two", "That is a topic"]),
        ("02", "Net", ["no topic '02'", "did you mean 02_two?"]),
        ("01_one", "net", ["no task 'net'", "did you mean Net?"]),
    ],
)
def test_a_name_that_is_not_one_task_says_what_to_ask_for(ladder, topic, task, words):
    with pytest.raises(KitError) as error:
        ladder(topic, task)
    assert all(word in str(error.value) for word in words), error.value
    assert "\n" not in str(error.value)
