"""The public checks in a notebook, where something is not as `autograder nbgrader init` has laid it out."""

import types

import pytest

from autograder.frontends import jupyter


def test_a_notebook_outside_its_assignment_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(jupyter.CannotCheckError) as raised:
        jupyter.check("slope", {})
    assert len(raised.value._render_traceback_()) == 1
    assert "keep the notebook in the folder of its assignment" in str(raised.value)


def test_a_task_that_there_is_not_is_one_line():
    suite = types.SimpleNamespace(TASKS={"slope": {}, "row_means": {}})
    with pytest.raises(jupyter.CannotCheckError, match="There is no task 'slop'; did you mean slope"):
        jupyter.run(suite, "slop", {})
    with pytest.raises(jupyter.CannotCheckError, match="there are slope, row_means"):
        jupyter.run(suite, "xyz", {})


def test_a_check_of_a_task_that_trains_knows_the_budget(tmp_path):
    suite = tmp_path / "public_checks.py"
    budget = {"minimum": 9.0, "seconds": 5.0, "episodes": 3}
    suite.write_text(
        "from autograder import expect_equal\n\n\n"
        "def test_plays__as_long_as_it_may(student, training):\n"
        '    """plays all episodes"""\n'
        '    expect_equal(student.call("plays", training.budget.episodes), 3, "the count")\n\n\n'
        'TOPIC = "01_mini"\n'
        f'TASKS = {{"plays": {{"hint": "", "forbid": "", "seconds": 5.0, "training": {budget!r}}}}}\n'
    )
    table = jupyter.run(jupyter._suite(suite), "plays", {"plays": lambda episodes: episodes})
    assert [result.status for result in table.results] == ["passed"], table
