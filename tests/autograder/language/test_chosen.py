"""Which language a learner reads, and what is asked for in words that are no language here."""

from pathlib import Path

import pytest

from autograder import language
from autograder.frontends import cli
from autograder.language import chosen

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """What a test chooses ends with it."""
    monkeypatch.setattr(chosen._Current, "language", None)
    monkeypatch.setattr(chosen._Current, "folders", chosen._Current.folders)
    monkeypatch.setenv(language.VARIABLE, "en")


@pytest.mark.parametrize("name", ["zh", "zh_CN", "zh-Hans", "zh_CN.UTF-8", "ZH", "zh_TW@x"])
def test_forms_of_a_name(name):
    assert chosen.known(name) == "zh_CN"
    assert chosen.known("en_GB.UTF-8") == "en"


def test_the_variable_is_asked_first_and_an_unknown_language_is_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv(language.VARIABLE, "zh")
    assert language.use().name == "zh_CN"
    monkeypatch.chdir(tmp_path)
    assert cli.main(["--lang", "tlh", "check"]) == 2
    assert capsys.readouterr().err == "autograder: there is no language 'tlh' here: choose one of en, zh_CN\n"


def of_system(monkeypatch, **variables):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("locale", "name"), [("zh_CN.UTF-8", "zh_CN"), ("de_DE", "en")])
def test_a_variable_that_names_no_language_is_one_line_and_it_goes_on(monkeypatch, capsys, locale, name):
    monkeypatch.setenv(language.VARIABLE, "tlh")
    of_system(monkeypatch, LANG=locale)
    assert language.use().name == name
    told = f"AUTOGRADER_LANG: there is no language 'tlh' here: choose one of en, zh_CN; going on in {name}\n"
    assert capsys.readouterr().err == told
    assert language.use().name == name
    assert capsys.readouterr().err == "", "once, in this process and in those that it starts"


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh_CN"),
        ({"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, "zh_CN"),
        ({"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "zh_TW.UTF-8@x"}, "zh_CN"),
        ({"LANG": "de_DE"}, "en"),
        ({}, "en"),
    ],
)
def test_without_the_variable_the_locale_is_asked_and_one_that_is_not_here_is_english(monkeypatch, variables, name):
    monkeypatch.delenv(language.VARIABLE)
    of_system(monkeypatch, **variables)
    assert language.use().name == name


def test_a_courses_own_sentences_come_with_its_folder():
    title = "gives shape, dtype and device of a matrix"
    assert language.use("zh").say(title) == title
    assert language.use("zh", ROOT).say(title) != title
    assert language.say("The result should have shape (2,), but it has shape (3,).") == "结果的形状应为 (2,)，但实际是 (3,)。"


def test_english_is_said_as_it_is():
    text = "The result should have shape (2,), but it has shape (3,)."
    assert language.use("en", ROOT).say(text) is text
    assert language.parts(text)[0].pattern == "{name} should have shape {shape}, but it has shape {shape_2}."
    assert language.said("{a} and {b}", a=1, b="c") == "1 and c"
