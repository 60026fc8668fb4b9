"""The kit's modules are out of reach by name, those too that were imported after it was looked for."""

from types import SimpleNamespace

import pytest

from autograder.learner import calls


@pytest.fixture
def modules(monkeypatch):
    found = {name: object() for name in ("os", "autograder", "autograder.wire", "torch", "autograder.simulated_gpus.comm")}
    monkeypatch.setattr(calls, "sys", SimpleNamespace(modules=found))
    monkeypatch.setattr(calls, "_HIDDEN", {})
    monkeypatch.setattr(calls, "_FOUND", [])
    return found


@pytest.mark.parametrize("gone", ["", "late", "torch", "autograder.wire"])
@pytest.mark.parametrize("looked", [True, False])
def test_all_of_the_kit_is_hidden_whenever_it_was_imported(modules, looked, gone):
    modules["late"] = object()
    if looked:
        calls.find_kit()
    modules["numpy"] = modules["autograder.images.store"] = object()
    modules.pop(gone, None)
    calls.hide_kit()
    assert [name for name in modules if name.startswith("autograder.")] == ["autograder.simulated_gpus.comm"]
    assert set(calls._HIDDEN) == {"autograder.wire", "autograder.images.store"} - {gone}
