"""A version that the kit has not been tried with is one line, at start and from doctor."""

from importlib import metadata

import pytest

from autograder import versions
from autograder.frontends import cli, doctor


@pytest.fixture
def newer(monkeypatch):
    """As if a torch of the year after next were installed."""
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "2.99.0" if name == "torch" else real(name))


def test_the_installed_versions_are_within_the_range():
    assert versions.untried() == ""


@pytest.mark.usefixtures("newer")
def test_a_newer_one_is_named_with_the_range():
    text = versions.untried()
    assert text.startswith("this kit has not been tried with the versions that are installed: torch 2.99.0 is not in >=2.11,<")
    assert "torchvision" not in text


@pytest.mark.usefixtures("newer")
def test_a_command_says_so_first_and_goes_on(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["report", "nothing"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "torch 2.99.0 is not in" in first
    assert second.startswith("autograder: ")
    assert "not tried" not in second


@pytest.mark.usefixtures("newer")
def test_doctor_has_a_row_for_it():
    assert ("versions", versions.untried(), False) in list(doctor._facts())
