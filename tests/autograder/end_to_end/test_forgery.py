"""The public benchmark of forgery and the threat model: the attacks can be run, and what the page points to is there."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def forgery():
    spec = importlib.util.spec_from_file_location("forgery", ROOT / "tests/benchmarks/forgery.py")
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(ROOT / "tests/benchmarks"))
    del sys.modules[spec.name]


def test_there_are_thirty_attacks_and_each_is_a_module_of_its_own(forgery):
    texts = forgery.submissions()
    assert len(texts) == 32
    for name, text in texts.items():
        compile(text, name, "exec")
        assert (f"def {name}():" in text) is (name[0] != "(")


def test_this_kit_is_not_forged_and_knows_right_from_nothing(forgery, tmp_path):
    chosen = ("(the right solution)", "(nothing)", "patch_allclose", "equals_everything", "patch_the_grader")
    full = forgery.by_kit(tmp_path, {name: forgery.submissions()[name] for name in chosen})
    assert full == {name: name == "(the right solution)" for name in chosen}


def test_every_mechanism_and_every_test_that_the_threat_model_names_is_there():
    page = (ROOT / "docs/threat_model.md").read_text(encoding="utf-8")
    named = {
        path
        for path in re.findall(r"`([\w/*.]+/?[\w*]*\.py)`", page)
        if "/" in path or path.startswith("test_") or path == "secret.py"
    }
    assert len(named) > 20
    homes = (ROOT / "autograder", ROOT / "tests/autograder", ROOT / "tests", ROOT / "tests/autograder/end_to_end/attacks", ROOT)
    assert not [path for path in named if not any(list(home.glob(path)) for home in homes)]
