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
