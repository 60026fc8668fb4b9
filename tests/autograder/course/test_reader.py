"""course.yaml is read whole and strictly: each mistake is one line that names the line and says what to write."""

import itertools
import json
import re
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml

from autograder.course import Late, Limits, find_root, load, schema
from autograder.course.schema import EXAMPLE
from autograder.errors import KitError

ROOT = find_root(Path(__file__).parent)
MINI = ROOT / "tests/autograder/mini_course"

WHOLE = """\
title: A course
limits: {check_seconds: 2, memory_mb: 512}
topics:
  01_plain:
    title: Plain
    tasks:
      first: {points: 3, hint: Look.}
      second: {points: 1.5, forbid: autograd, hint: [Look., Look closer.], check_seconds: 7}
  02_images:
    title: Images
    limits: {memory_mb: 1024}
    settings:
      data: embedded
      budget: quick
      budgets:
        quick: {images: 20, test_images: 10, batch: 5, epochs: 1, lr: 0.1, momentum: 0,
                minimum: {photographs: 0, embedded: 1}, seconds: 5}
    tasks:
      train: {points: 2, trains: true, hint: Step.}
"""


def read(folder, text):
    (folder / "course.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(folder)


def test_a_course_is_read_whole(tmp_path):
    course = read(tmp_path, WHOLE)
    plain, images = course.topics
    assert plain.limits == Limits(check_seconds=2.0, memory_mb=512)
    assert images.limits == Limits(check_seconds=2.0, memory_mb=1024)
    first, second = plain.tasks
    assert (first.points, first.hint, first.hints, first.forbid, first.trains) == (3.0, "Look.", ("Look.",), "", False)
    assert (second.hint, second.hints, second.forbid) == ("Look.", ("Look.", "Look closer."), "autograd")
    assert (first.limits.check_seconds, second.limits.check_seconds) == (2.0, 7.0)
    assert plain.training is None
    assert images.task("train").trains
    quick = images.training.budgets["quick"]
    assert (quick.images, quick.minimum.photographs, quick.minimum.embedded, quick.seconds) == (20, 0.0, 1.0, 5.0)
    assert all(type(number) is float for number in (first.points, quick.momentum, quick.seconds, plain.limits.check_seconds))


PLAYED = """\
title: A course
topics:
  01_plays:
    title: Plays
    settings:
      budget: quick
      budgets:
        quick: {episodes: 60, minimum: 100, seconds: 5}
    tasks:
      train: {points: 2, trains: true, hint: Step.}
"""


def test_a_budget_may_be_of_episodes_in_the_place_of_images(tmp_path):
    topic = read(tmp_path, PLAYED).topic("01_plays")
    assert topic.training.chosen() == ("auto", {"episodes": 60, "minimum": 100.0, "seconds": 5.0})
    topic.exercise.mkdir(parents=True)
    assert topic.warm == []
    assert not list(CHECKER.iter_errors(yaml.safe_load(PLAYED)))


@pytest.mark.parametrize(("old", "new", "words"), [
    (", seconds: 5", "", "'seconds' is missing"),
    ("minimum: 100", "minimum: {embedded: 1}", "expected a number above 0, found names with values below them"),
    ("seconds: 5", "seconds: 5, batch: 4", "unknown name 'batch'; known here: episodes, minimum, seconds"),
])  # fmt: skip
def test_a_budget_of_episodes_has_nothing_of_images(tmp_path, old, new, words):
    text = PLAYED.replace(old, new)
    with pytest.raises(KitError, match=f"^{re.escape(str(tmp_path))}/course.yaml:8: {words}"):
        read(tmp_path, text)
    assert list(CHECKER.iter_errors(yaml.safe_load(text)))


def test_the_budget_is_the_topics_own_or_the_one_asked_for(tmp_path):
    training = read(tmp_path, WHOLE).topic("02_images").training
    data, budget = training.chosen()
    assert (data, budget["batch"], budget["minimum"]) == ("embedded", 5, {"photographs": 0.0, "embedded": 1.0})
    assert training.chosen("official", "quick")[0] == "official"
    with pytest.raises(KitError, match=r"^there is no budget 'slow'; course.yaml has quick$"):
        training.chosen(budget="slow")


# The first text in WHOLE is replaced by the second; then this line is named, with these words.
MISTAKES = [
    # a name
    ("title: A course\n", "", 1, "'title' is missing"),
    ("title: A", "titel: A", 1, "unknown name 'titel'; known here: title, limits, timezone, late, topics"),
    ("      first:", "      second:", 8, "'second' is here twice"),
    ("  02_images:", "  01_plain:", 9, "'01_plain' is here twice"),
    ("      data: emb", "      budget: quick\n      data: emb", 15, "'budget' is here twice"),
    ("epochs: 1,", "epochs: 1, epochs: 2,", 16, "'epochs' is here twice"),
    ("first: {points: 3,", "first: {pionts: 3,", 7, "unknown name 'pionts'; known here: points, hint, forbid"),
    ("check_seconds: 2,", "checkseconds: 2,", 2, "unknown name 'checkseconds'; known here: import_seconds, check_seconds"),
    (
        "check_seconds: 7",
        "memory_mb: 7",
        8,
        "unknown name 'memory_mb'; known here: points, hint, forbid, trains, needs, check_seconds",
    ),
    ("data: embedded", "warm: torch", 13, "unknown name 'warm'; known here: data, budget, budgets"),
    ("lr: 0.1", "rl: 0.1", 16, "unknown name 'rl'; known here: images, test_images, batch"),
    ("embedded: 1}", "embeded: 1}", 17, "unknown name 'embeded'; known here: photographs, embedded"),
    (", embedded: 1", "", 17, "'embedded' is missing"),
    (", momentum: 0", "", 16, "'momentum' is missing"),
    ("      budget: quick\n", "", 13, "'budget' is missing"),
    ("points: 3, ", "", 7, "'points' is missing"),
    ("    title: Plain\n", "", 5, "'title' is missing"),
    ("  01_plain:", "  ../plain:", 4, "'../plain' is not the name of a folder"),
    ("  01_plain:", "  ? [01]\n  :", 4, "expected a plain name"),
    ("      first:", "      first-one:", 7, "'first-one' is not a name that a check can carry"),
    ("      first:", "      first__one:", 7, "'first__one' is not a name that a check can carry"),
    ("      first:", "      <<:", 7, "'<<' is not a name that a check can carry"),
    ("        quick:", "        '':", 16, "'' is not the name of a budget"),
    ("budget: quick", "budget: slow", 14, "there is no budget 'slow'; there is quick"),
    # a kind of value
    ("title: A course", "title: [A course]", 1, "expected a text, found a list"),
    ("title: A course", "title: 2024-01-31", 1, "expected a text, found 2024-01-31: put it in quotes"),
    ("limits: {check", "limits: 3 #", 2, "expected names with values below them"),
    ("points: 3", "points: three", 7, "expected a number above 0, found the text 'three'"),
    ("points: 3", "points: yes", 7, "expected a number above 0, found yes"),
    ("points: 3", "points: 0", 7, "expected a number above 0, found 0"),
    ("points: 3", "points: .nan", 7, "expected a number above 0, found .nan"),
    ("points: 3", "points: .inf", 7, "expected a number above 0, found .inf"),
    ("points: 3", "points: '3'", 7, "expected a number above 0, found the text '3'"),
    ("points: 3", "points:", 7, "expected a number above 0, found nothing"),
    ("points: 3", "points: {a: 1}", 7, "expected a number above 0, found names with values below them"),
    ("points: 3", f"points: 1{400 * '0'}", 7, "expected a number above 0, found 1000"),
    ("points: 3", f"points: {9000 * '9'}", 7, "expected a number above 0, found 9999"),
    ("points: 3", "points: !!int x", 7, "expected a number above 0, found x"),
    ("hint: Look.}", "hint: 3}", 7, "expected a text, or a list of texts, found 3: put it in quotes"),
    ("hint: Look.}", "hint: }", 7, "expected a text, or a list of texts, found nothing"),
    ("hint: Look.}", "hint: []}", 7, "expected a text, or a list of texts, found an empty list"),
    ("[Look., Look closer.]", "\n        [Look.,\n         3]", 10, "expected a text, or a list of texts, found 3"),
    ("[Look., Look closer.]", "[[Look.]]", 8, "expected a text, or a list of texts, found a list"),
    ("forbid: autograd", "forbid: loops", 8, "expected autograd, found the text 'loops'"),
    ("trains: true", "trains: 1", 19, "expected true or false, found 1"),
    ("memory_mb: 512", "memory_mb: 0.5", 2, "expected a whole number from 1 to 1,000,000, found 0.5"),
    ("memory_mb: 512", "memory_mb: 1000001", 2, "expected a whole number from 1 to 1,000,000, found 1000001"),
    ("check_seconds: 2", "check_seconds: -2", 2, "expected a number above 0, at most 1,000,000, found -2"),
    ("data: embedded", "data: 3", 13, "expected a text, found 3: put it in quotes"),
    ("budget: quick", "budget: [quick]", 14, "expected a text, found a list"),
    ("images: 20", "images: 2.5", 16, "expected a whole number from 1 to 1,000,000,000, found 2.5"),
    ("epochs: 1", "epochs: 0", 16, "expected a whole number from 1 to 1,000,000,000, found 0"),
    ("lr: 0.1", "lr: fast", 16, "expected a number above 0, found the text 'fast'"),
    ("lr: 0.1", "lr: 1e-3", 16, "found the text '1e-3': YAML wants a point and a sign in it, as in 1.0e-3"),
    ("momentum: 0", "momentum: -1", 16, "expected a number, 0 or more, found -1"),
    ("embedded: 1}", "embedded: 50}", 17, "expected a number from 0 to 1, found 50"),
    ("minimum: {photographs: 0, embedded: 1}", "minimum: 0.5", 17, "expected names with values below them"),
    # what belongs together
    ("trains: true, ", "", 12, "budgets, but none of the topic's tasks says `trains: true`"),
    ("points: 3", "points: 3, trains: true", 7, "the task trains, but the topic has no settings with budgets"),
    ("trains: true", "trains: true, needs: train", 19, "there is no task 'train' above it that it could need"),
    ("trains: true", "trains: true, needs: []", 19, "expected the name of a task, or a list of names, found an empty list"),
    ("      train: {points: 2, trains: true, hint: Step.}", "      {}", 19, "expected names with values below them"),
    ("    tasks:\n      train: {points: 2, trains: true, hint: Step.}", "", 10, "'tasks' is missing"),
    # YAML
    ("topics:", "topics: [", 5, "not valid YAML: expected ',' or ']'"),
    ("{points: 3", "&x {points: 3", 7, "& and * make anchors and aliases"),
    ("hint: Look.", "hint: *x", 7, "& and * make anchors and aliases"),
    ("hint: Look.", f"hint: {100 * '['}", 7, "too many levels below one another"),
    ("title: A course", "--- 3\n---\ntitle: A course", 2, "not valid YAML"),
    ("title: A", "title: !!python/name:os.system A", 1, "not valid YAML"),
    ("hint: Look.", "hint: Lo\x07ok.", 7, "a character that no text has"),
]


@pytest.mark.parametrize(("old", "new", "line", "words"), MISTAKES, ids=[f"{n}-{m[3][:40]}" for n, m in enumerate(MISTAKES)])
def test_a_mistake_is_one_line_with_the_lines_number(tmp_path, old, new, line, words):
    assert old in WHOLE
    with pytest.raises(KitError) as raised:
        read(tmp_path, WHOLE.replace(old, new, 1))
    text = str(raised.value)
    assert text.startswith(f"{tmp_path}/course.yaml:{line}: "), text
    assert words in text
    assert "\n" not in text


BOMB = "".join(f"{name}: &{name} [{9 * f'*{before}, '}]\n" for before, name in itertools.pairwise("abcdefghi"))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "the file is empty"),
        ("# nothing\n", 1, "the file is empty"),
        ("- a\n- b\n", 1, "expected names with values below them"),
        (BOMB, 1, "& and * make anchors and aliases"),
        (b"title: A\nlimits: \xff\n", 2, "not a text in UTF-8"),
    ],
)
def test_a_file_that_is_no_course(tmp_path, text, line, words):
    with pytest.raises(KitError, match=f"^{re.escape(str(tmp_path))}/course.yaml:{line}: {re.escape(words)}"):
        read(tmp_path, text)


@pytest.mark.parametrize("root", [ROOT, MINI], ids=["the course", "the mini course"])
def test_the_course_is_the_same_where_pyyaml_has_no_loader_in_c(root, monkeypatch):
    quick = load(root)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert load(root) == quick


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(KitError, match=r"course\.yaml: cannot be read: No such file or directory"):
        load(tmp_path)


def test_whole_numbers_may_be_written_with_a_point(tmp_path):
    assert read(tmp_path, WHOLE.replace("memory_mb: 512", "memory_mb: 512.0")).topics[0].limits.memory_mb == 512


# --- the schema and the page ------------------------------------------------------------------------------------------


def test_schema_and_page_are_those_of_the_table():
    again = "make it again: see autograder/course/schema.py"
    assert json.loads((ROOT / "docs/reference/course.schema.json").read_text()) == schema.schema(), again
    assert (ROOT / "docs/reference/course_yaml.md").read_text() == schema.page(), again


def test_course_yaml_tells_editors_where_its_schema_is():
    first = (ROOT / "course.yaml").read_text().splitlines()[0]
    assert (ROOT / first.partition("yaml-language-server: $schema=")[2]).samefile(ROOT / "docs/reference/course.schema.json")


def test_the_example_of_the_page_is_a_course(tmp_path):
    assert [task.id for task in read(tmp_path, EXAMPLE).topics[0].tasks] == ["total", "mean"]


CHECKER = jsonschema.Draft7Validator(schema.schema())


def test_the_schema_is_one_and_accepts_courses():
    CHECKER.check_schema(CHECKER.schema)
    for text in ((ROOT / "course.yaml").read_text(), (MINI / "course.yaml").read_text(), WHOLE, EXAMPLE):
        assert not list(CHECKER.iter_errors(yaml.safe_load(text)))


# What no schema sees: what belongs together, what YAML itself keeps to itself, numbers that no JSON has.
BEYOND = ("is here twice", "above it that it could need", "there is no budget", "trains", "YAML", "anchors", "a character",
          "expected a plain name", "found .inf", "found .nan", "found 1000", "found 9999", "found x", "too many levels",
          "found 2024")  # fmt: skip


@pytest.mark.parametrize(("old", "new"), [m[:2] for m in MISTAKES if not any(words in m[3] for words in BEYOND)])
def test_the_schema_refuses_what_the_reader_refuses(old, new):
    assert list(CHECKER.iter_errors(yaml.safe_load(WHOLE.replace(old, new, 1))))


# --- the commands -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["check"], ["grade", ".", "--topic", "01_plain", "--out", "out"]])
def test_every_command_refuses_the_course_with_exit_code_2(tmp_path, run, command):
    (tmp_path / "course.yaml").write_text(WHOLE.replace("trains: true", "trains: 1"))
    done = run(*command, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"autograder: {tmp_path}/course.yaml:19: expected true or false, found 1\n"


# --- what is imported beforehand --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "modules"),
    [
        ("@devices(2)\ndef test_first__moves(student): ...", ["autograder.simulated_gpus", "torch._dynamo"]),
        ("@pytest.mark.devices(2)\ndef test_first__moves(student): ...", ["autograder.simulated_gpus", "torch._dynamo"]),
        ("from torch.optim import SGD", ["torch._dynamo"]),
        ("from autograder import Backbone", ["autograder.images.pretrained"]),
        ("from PIL import Image", ["torchvision"]),
        ("found = student.ranks(work, 2)", ["torch.distributed", "torch.nn.parallel.distributed",
                                            "torch.utils.data.distributed", "torch.distributed.optim"]),
        ("'devices, optim and ranks'  # devices", []),
        ("devices(", []),
    ],
)  # fmt: skip
def test_what_must_be_warm_follows_from_the_checks(tmp_path, line, modules):
    topic = read(tmp_path, WHOLE).topic("01_plain")
    topic.exercise.mkdir(parents=True)
    assert topic.warm == []
    (topic.exercise / ".#plain.py").symlink_to("nowhere")  # an editor's
    suite = topic.exercise / "test_plain.py"
    suite.write_text(line + "\n")
    assert topic.warm == modules
    folder = topic.root / "tests/hidden" / topic.name
    folder.mkdir(parents=True)
    shutil.move(suite, folder)
    assert topic.warm == modules


def test_a_topic_with_budgets_has_the_images_warm(tmp_path):
    topic = read(tmp_path, WHOLE).topic("02_images")
    topic.exercise.mkdir(parents=True)
    (topic.exercise / "test_images.py").write_text("")
    assert topic.warm == ["torchvision", "autograder.images.store"]


# --- deadlines ----------------------------------------------------------------------------------------------------------

TIMES = """\
title: A course
timezone: Europe/Berlin
late: {per_day: 10%, most_days: 3}
topics:
  01_a:
    title: A
    deadline: 2026-11-30 23:59
    tasks: {first: {points: 1, hint: Look.}}
  02_b:
    title: B
    deadline: 2026-11-30 23:59 -05:00
    late: {per_day: 2.5%, grace_minutes: 15}
    tasks: {first: {points: 1, hint: Look.}}
  03_c:
    title: C
    tasks: {first: {points: 1, hint: Look.}}
"""


def test_deadlines_and_what_lateness_costs(tmp_path):
    a, b, c = read(tmp_path, TIMES).topics
    assert [topic.deadline for topic in (a, b, c)] == ["2026-11-30T23:59:00", "2026-11-30T23:59:00-05:00", ""]
    assert {topic.timezone for topic in (a, b, c)} == {"Europe/Berlin"}
    assert (a.late, b.late, c.late) == (Late(0.1, 3, 0), Late(0.025, 0, 15), a.late)
    jsonschema.validate("2026-11-30 23:59 -05:00", DEADLINE)


DEADLINE = schema.schema()["properties"]["topics"]["additionalProperties"]["properties"]["deadline"]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("2026-11-30 23:59\n", "2026-11-31 23:59\n", 7, "there is no such time as 2026-11-31 23:59"),
        ("2026-11-30 23:59\n", "tomorrow\n", 7, "expected a time, as in 2026-11-30 23:59 or 2026-11-30 23:59 +01:00, found the"),
        ("2026-11-30 23:59\n", "2026-11-30\n", 7, "expected a time, as in"),
        ("Europe/Berlin", "Europe/Berlim", 2, "there is no time zone 'Europe/Berlim' on this machine"),
        ("Europe/Berlin", "../../etc/passwd", 2, "expected a time zone, as in Europe/Berlin"),
        ("per_day: 10%", "per_day: 10", 3, "expected a percentage, as in 10%, found"),
        ("per_day: 10%", "per_day: 130%", 3, "expected a percentage, as in 10%"),
        ("most_days: 3", "most_days: 0", 3, "expected a whole number from 1"),
    ],
)
def test_a_time_that_is_none_is_named_with_its_line(tmp_path, old, new, line, words):
    with pytest.raises(KitError, match=rf"course\.yaml:{line}: {re.escape(words)}"):
        read(tmp_path, TIMES.replace(old, new, 1))
