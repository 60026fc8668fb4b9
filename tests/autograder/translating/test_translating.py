"""Sentences are extracted from where they are said, and the catalogues are in step with them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.translating import extract
from autograder.translating.extract import Source

ROOT = Path(__file__).parents[3]


def of(tmp_path, text, kind="code", name="said.py"):
    path = tmp_path / name
    path.write_text(text)
    return [str(message.id) for message in extract.sentences([Source(path, kind)], tmp_path, "some") if message.id]


def test_a_hole_is_called_by_what_is_filled_in(tmp_path):
    said = """f"{capitalised(name)} has {shape_of(a)}, but {len(x)} of {len(x)} {type(v).__name__}: {v.shape}, {d[0]:.2f}." """
    assert of(tmp_path, said) == ["{name} has {shape}, but {number_of_x} of {number_of_x_2} {v_name}: {v_shape}, {d}."]


@pytest.mark.parametrize(
    "text",
    ['"""Nobody reads this sentence."""', "x = d['a key of two words']", "raise ValueError('of the kit alone')",
     "re.compile('a (?:pattern) here')", "'import torch as t'", "'conv1.weight'", "'TWO WORDS'", "f'{a}{b}'"],
)  # fmt: skip
def test_what_is_no_sentence_is_left_out(tmp_path, text):
    assert of(tmp_path, text) == []


def test_what_stands_inside_an_f_string_is_a_piece_of_its_own(tmp_path):
    assert of(tmp_path, """f"It goes to {'the first GPU' if x else 'the CPU'}." """) == [
        "It goes to {which}.", "the first GPU", "the CPU",
    ]  # fmt: skip


def test_titles_hints_phrases_and_the_words_of_pages(tmp_path):
    assert of(tmp_path, 'def test_a__b(student):\n    """gives\n    the sum"""\n', "suite") == ["gives the sum"]
    course = "title: A course\ntopics: {t: {title: Tensors, tasks: {a: {hint: One.}, b: {hint: [Two., Three.]}}}}\n"
    assert of(tmp_path, course, "course", "course.yaml") == ["A course", "Tensors", "One.", "Two.", "Three."]
    mutants = "from autograder import Mutant\nMUTANTS = (Mutant('a', 'adds one', 'x', 'y'),)\n"
    assert of(tmp_path, mutants, "mutants") == ["adds one"]
    assert of(tmp_path, '<p>{{ say("task") }} {{ said("Data: {data}.", data=1) }}</p>', "template", "a.html") == [
        "task",
        "Data: {data}.",
    ]


def test_the_values_of_a_status_are_words(tmp_path):
    assert of(tmp_path, "class Status(StrEnum):\n    DONE = 'done'\nclass Form(StrEnum):\n    FILES = 'files'\n") == ["done"]


def test_a_pattern_of_two_same_expressions_has_two_names():
    assert extract.pattern(ast.parse("f'{a} and {a}'", mode="eval").body) == "{a} and {a_2}"


def test_every_sentence_is_translated_and_the_catalogues_are_in_step():
    done = subprocess.run(
        [sys.executable, "-m", "autograder.translating", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout[:2000] + done.stderr
