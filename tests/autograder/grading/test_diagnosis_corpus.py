"""The corpus of real mistakes: every entry can be graded and judged."""

import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from autograder import course
from autograder.feedback.uses import untouched

ROOT = Path(__file__).parents[3]


def _benchmark(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"tests/benchmarks/{name}.py")
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


diagnosis, novice = _benchmark("diagnosis"), _benchmark("novice")
TOPICS = [topic for topic in course.load(ROOT).topics if topic.name in {path.stem for path in diagnosis.MISTAKES.glob("*.yaml")}]
NOVICE = [path.stem for path in sorted((diagnosis.MISTAKES / "novice").iterdir())]
MISTAKES = [mistake for topic in TOPICS for mistake in diagnosis.load(topic.name)]


def told(status="failed", message="Expected 2, got 1.", *diagnoses):
    return diagnosis.Said("", status, message, diagnoses[0] if diagnoses else "", diagnoses)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_mistake_fits_the_reference_and_compiles(topic):
    reference = topic.solution.read_text()
    for mistake in diagnosis.load(topic.name):
        assert mistake.task in {task.id for task in topic.tasks}, mistake.title
        text = diagnosis.module(mistake, reference)
        compile(text, mistake.title, "exec")
        assert text != reference, mistake.title


def test_every_mistake_has_patterns_and_a_source():
    for mistake in MISTAKES:
        assert mistake.says, mistake.title
        for pattern in (*mistake.says, *mistake.misleading):
            re.compile(pattern)
        assert re.fullmatch(r"https?://\S+", mistake.source), mistake.title


def test_there_are_enough_mistakes_of_distinct_names():
    assert len(MISTAKES) >= 100
    assert len(TOPICS) == len(list(diagnosis.MISTAKES.glob("*.yaml"))) >= 5, "a file is named after its topic"
    assert not [title for title, count in Counter(mistake.title for mistake in MISTAKES).items() if count > 1]
    assert 0.25 < sum(mistake.held_out for mistake in MISTAKES) / len(MISTAKES) < 0.42
    assert min(Counter(mistake.topic for mistake in MISTAKES).values()) >= 20


@pytest.mark.parametrize(("said", "verdict"), [
    (told("passed", ""), "missed"),
    (told("broken", "The suite itself failed."), "missed"),
    (told(), "silent"),
    (told("failed", "Expected: it leaves t unchanged. t was changed."), "right"),
    (told("failed", "Expected 2, got 1.", "It is changed IN PLACE."), "right"),
    (told("failed", "Expected 2, got 1.", "Exactly twice what it should be."), "wrong"),
    (told("failed", "It leaves t unchanged.", "Exactly twice what it should be."), "wrong"),
    (told("failed", "It leaves t unchanged; the sign is wrong."), "wrong"),
    (told("failed", "Expected 2, got 1.", "It is zero everywhere."), "silent"),
    (told("missing", "Not done yet: it still raises NotImplementedError."), "wrong"),
])  # fmt: skip
def test_the_rules_of_the_verdict(said, verdict):
    mistake = diagnosis.Mistake("", "", "", "", "", says=("in place", "unchanged"), misleading=("the sign",))
    assert diagnosis.verdict(mistake, said) == verdict


def test_the_table_goes_between_the_marks_of_a_page_again_and_again():
    known = {which: next(m for m in MISTAKES if m.topic == "01_tensors" and m.held_out is which) for which in (True, False)}
    found = {known[True]: "right", known[False]: "silent"}
    page = "# A page\n<!-- table -->\nold\n<!-- end of table -->\nThe end.\n"
    written = diagnosis.with_table(page, found)
    rows = [line for line in written.splitlines() if line.startswith("|")][2:]
    assert rows == ["| 01_tensors | 2 | 1 | 1 | 0 | 0 | 50.0% | 0.0% |", "| **all** | 2 | 1 | 1 | 0 | 0 | 50.0% | 0.0% |",
                    "| of these, held out | 1 | 1 | 0 | 0 | 0 | 100.0% | 0.0% |"]  # fmt: skip
    assert written.startswith("# A page\n")
    assert written.endswith("The end.\n")
    assert "old" not in written
    assert diagnosis.with_table(written, found) == written
    with pytest.raises(ValueError, match="needs a line"):
        diagnosis.with_table("# A page\n", found)


def test_a_diagnosis_of_another_task_misleads_too():
    mistake = diagnosis.Mistake("", "", "", "", "", says=("unchanged",))
    said = diagnosis.Said("", "failed", "It leaves t unchanged.", "", ("The sign is wrong.",))
    assert diagnosis.verdict(mistake, said) == "wrong"


@pytest.mark.parametrize("name", NOVICE)
def test_a_beginners_mistake_stands_between_what_is_done_and_what_is_not_begun(name):
    topic = next(topic for topic in TOPICS if topic.name == name)
    ids = [task.id for task in topic.tasks]
    for mistake in diagnosis.load(f"novice/{name}"):
        text = novice.halfway(mistake, topic)
        left = untouched(text.encode())
        assert left <= set(ids[ids.index(mistake.task) + 1 :]), mistake.title
        assert len(left) >= len(ids) - ids.index(mistake.task) - 2, mistake.title  # a task may be done in that of another
        assert mistake.task in text


def test_every_task_of_02_has_three_mistakes_of_a_beginner():
    counts = Counter(mistake.task for mistake in diagnosis.load("novice/02_autograd"))
    assert counts == dict.fromkeys((task.id for task in TOPICS[1].tasks), 3)


@pytest.mark.parametrize(
    ("shown", "which"),
    [
        (("t: failed\n  Expected 2, got 4.\n  The mean is missing.", "failed", "The mean is missing."), "named"),
        (("t: failed\n  Expected 2, got 4.", "failed", ""), "generic"),
        (("t: failed\n  Expected 2, got 4.\n  The sign is wrong.", "failed", "The sign is wrong."), "misleading"),
        (("t: not done yet", "missing", ""), "misleading"),
        (("", "passed", ""), "missed"),
    ],
)
def test_what_a_beginner_reads_is_judged(shown, which):
    mistake = diagnosis.Mistake("02", "", "t", "", "", ("mean",))
    assert novice.verdict(mistake, novice.Shown(*shown)) == which
