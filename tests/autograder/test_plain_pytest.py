"""Plain `pytest` in a clone, by someone who has not installed what the kit's own tests need."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest


def test_who_lacks_what_the_tests_need_is_told_what_to_run_instead(monkeypatch):
    spec = importlib.util.spec_from_file_location("conftest_of_all", Path(__file__).parents[1] / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sources = pytest.Config.ArgsSource
    plain, asked = (SimpleNamespace(ArgsSource=sources, args_source=kind) for kind in (sources.TESTPATHS, sources.ARGS))
    module.pytest_configure(plain)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    module.pytest_configure(asked)
    with pytest.raises(pytest.UsageError, match="autograder check") as raised:
        module.pytest_configure(plain)
    assert "\n" not in str(raised.value)
