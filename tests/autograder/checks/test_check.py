"""One function runs a check, whoever answers; what it may ask for is drawn from the grading's secret."""

from __future__ import annotations

import itertools

import pytest
import torch

from autograder import secret
from autograder.checks.check import Check, prepare, run, title_of
from autograder.checks.compare import expect_close
from autograder.results import Fault, Status, StudentFault
from autograder.wire import values

KEY = secret.of_seed(1)


class Doubles:
    """A Respondent whose submission doubles its argument."""

    def __init__(self, factor=2.0):
        self.factor, self.requests = factor, []

    def ask(self, request, ahead=()):
        self.requests.append(values.decode(request, layout=True))
        return values.encode({"value": self.requests[-1]["args"][0] * self.factor})

    def ask_ranks(self, make_requests):
        return [self.ask(request) for request in make_requests("tcp://nowhere")]


def check_of(body, **more):
    return Check("01_mini", "slope", "test_slope__values", "gives the slope", body, **more)


def asks(fixtures):
    x = torch.randn(3, generator=fixtures.rng)
    expect_close(fixtures.student.call("slope", x), 2 * x, "the slope")


def result_of(body, respondent=None):
    check = check_of(body)
    return run(check, prepare(check, respondent or Doubles(), KEY))


def test_a_check_that_raises_nothing_has_passed():
    result = result_of(asks)
    assert (result.status, result.title) == (Status.PASSED, "gives the slope")
    assert result.seconds > 0


def test_a_wrong_value_has_failed_and_a_fault_has_its_own_status():
    assert result_of(asks, Doubles(3.0)).status is Status.FAILED

    def crashes(fixtures):
        raise StudentFault(Fault(Status.CRASHED, "It ended."))

    assert (result_of(crashes).status, result_of(crashes).message) == (Status.CRASHED, "It ended.")


def test_a_fault_of_the_suite_is_broken_and_what_a_test_runner_raises_passes_through():
    assert result_of(lambda fixtures: 1 / 0).status is Status.BROKEN

    def interrupted(fixtures):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        result_of(interrupted)


def seen(key, name="test_slope__values", topic="01_mini", body=asks):
    """The seeds and the inputs of a check's requests."""
    check, respondent = Check(topic, "slope", name, "gives", body), Doubles()
    run(check, prepare(check, respondent, key))
    requests = respondent.requests
    return [request["seed"] for request in requests], [request["args"][0].tolist() for request in requests]


def test_inputs_and_seeds_follow_from_the_gradings_secret_the_topic_and_the_checks_name():
    assert seen(KEY) == seen(KEY)
    others = seen(KEY), seen(secret.of_seed(2)), seen(KEY, "test_slope__again"), seen(KEY, topic="02_other")
    seeds, inputs = zip(*others, strict=True)
    assert len(set(map(str, seeds))) == len(set(map(str, inputs))) == 4


def test_the_seed_that_a_submission_sees_is_not_that_of_the_inputs_and_leads_to_no_other_seed():
    seeds, inputs = seen(KEY, body=lambda fixtures: [asks(fixtures) for _ in range(9)])
    steps = {later - earlier for earlier, later in itertools.pairwise(seeds)}
    assert len(steps) == 8  # no counter
    for seed in seeds:
        assert torch.randn(3, generator=torch.Generator().manual_seed(seed)).tolist() not in inputs


def test_several_ranks_are_asked_at_once():
    def body(fixtures):
        def probe(module, rank, world_size, init_method):
            return rank

        replies = fixtures.student.ranks(probe, 2)
        assert replies == [0, 2.0]  # each rank's first argument, doubled

    respondent = Doubles()
    assert result_of(body, respondent).status is Status.PASSED
    assert [request["args"][1:3] for request in respondent.requests] == [[2, "tcp://nowhere"]] * 2


def test_what_a_check_attaches_is_kept():
    check = check_of(lambda fixtures: fixtures.attach("losses", [1.0]))
    fixtures = prepare(check, Doubles(), KEY)
    run(check, fixtures)
    assert fixtures.attached == {"losses": [1.0]}


def test_a_title_is_the_docstrings_first_paragraph_without_its_period():
    def documented():
        """gives the slope
        of x.

        More for authors.
        """

    assert title_of(documented) == "gives the slope of x"
    assert title_of(lambda: None) == ""
