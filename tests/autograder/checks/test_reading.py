"""Public checks read without pytest: the same cases, by the same names."""

import types

import pytest

from autograder.checks import reading
from autograder.errors import KitError
from autograder.images.training import Training

SEEN = set()


@pytest.mark.parametrize("a", [1, "x", None, 2.5, int])
@pytest.mark.parametrize(("b", "c"), [pytest.param(True, [1], id="named"), (types, {})])
@pytest.mark.parametrize("d", [{1}, (2, 3)], ids=["first", None])
def test_task__cases(a, b, c, d, request):
    """is given each case once"""
    SEEN.add((a, str(b), str(c), str(d)))
    found = reading.checks(request.module, "topic", "task", "")
    assert len(found) == 20
    assert request.node.name in [check.name for check in found]
    assert {check.title for check in found} == {"is given each case once"}


def test_a_check_gets_its_arguments_and_what_the_kit_offers():
    suite, got = types.ModuleType("suite"), []

    @pytest.mark.devices(2)
    @pytest.mark.parametrize("n", [3, 4])
    def check(student, n, rng, training, attach):
        got.append((student, n, rng, training))
        attach("curve", [n])

    suite.test_f__twice, suite.test_other__no = check, check
    fixtures = types.SimpleNamespace(student="s", rng="r", training=Training, attach=lambda *_: None)
    found = reading.checks(suite, "topic", "f", "autograd")
    for each in found:
        each.call(fixtures)
    assert got == [("s", 3, "r", Training), ("s", 4, "r", Training)]
    assert {(each.devices, each.forbid) for each in found} == {(2, "autograd")}


def test_what_only_pytest_offers_is_the_suites_fault():
    suite = types.ModuleType("suite")
    suite.test_f__file = lambda tmp_path: None
    (check,) = reading.checks(suite, "topic", "f", "")
    with pytest.raises(KitError, match="tmp_path, which only pytest offers"):
        check.call(types.SimpleNamespace())
