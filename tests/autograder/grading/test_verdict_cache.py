"""What was judged before is not judged again: no result may depend on who was graded earlier."""

from itertools import pairwise

from hostile import FINDS_KIT

COUNTED = "    global calls\n    calls = globals().get('calls', 0) + 1\n    "


def slope_that(solution, later, after=1):
    """The solution, but from some call of `slope` in a process on it does something else."""
    body = f"{COUNTED}if calls > {after}:\n        {later}\n    return 2 * x"
    return "import os\n" + solution.replace("    return 2 * x", body)


def other_bits(solution):
    """As right as the solution, but not byte for byte."""
    return solution.replace("return t.mean(1)", "return t.double().mean(1).float() + 1e-7")


def meddling(solution, how):
    """The solution, but its second call of `row_means` in a process takes the next request from the grader's channel."""
    take = f"""
{FINDS_KIT}
import struct
from autograder.wire import frames, values

def take_the_next():
    size, nonce = struct.unpack("<Q16s", bytes(frames.read_exactly(frames.Descriptor(3), 24)))
    frames.read_exactly(frames.Descriptor(3), size)
    return nonce

def answer(nonce, value):
    frames.send(frames.Descriptor(3), nonce, values.encode({{"value": value}}))
"""
    counted = COUNTED.replace("calls", "mean_calls")
    return take + solution.replace("    return t.mean(1)", f"{counted}if mean_calls == 2:\n        {how}\n    return t.mean(1)")


def judged(result):
    return [(t["id"], t["status"], t["score"], t["message"], t["diagnosis"]) for t in result["tasks"]]


def test_results_are_the_same_in_any_company_and_order(kit, tmp_path):
    s = kit.solution
    texts = {
        "solution": s,
        "other_bits": other_bits(s),
        "other_kind": s.replace("return 2 * x", "return (2 * x).double()"),
        "wrong_later": slope_that(s, "return 3 * x"),
        "raises_later": slope_that(s, "raise ValueError('enough')"),
        "ends_later": slope_that(s, "os._exit(0)"),
        "waits_later": slope_that(s, "while True: pass"),
        "spoils_its_input": s.replace("return t.mean(1)", "means = t.mean(1); t.zero_(); return means"),
        "wrong_in_the_end": slope_that(s, "return 3 * x", after=2),
        "takes_the_next": meddling(s, "take_the_next()"),
        "answers_the_next": meddling(s, "answer(take_the_next(), t.mean(1))"),
        "answers_it_twice": meddling(s, "answer(take_the_next(), t.mean(1)); answer(bytes(16), t.mean(1))"),
        "wrong": s.replace("return x * self.factor", "return x + self.factor"),
    }
    found = []
    for turn, order in enumerate(([*texts, *texts], list(reversed(texts)))):  # each from a process that has judged nobody
        handed_in = {f"{i:02}_{name}": texts[name] for i, name in enumerate(order)}
        results = sorted(kit.grade(kit.course(tmp_path / str(turn)), handed_in, "--workers", "1").items())
        rounds = [dict(results[at : at + len(texts)]) for at in range(0, len(results), len(texts))]
        found += [{name[3:]: judged(result) for name, result in each.items()} for each in rounds]
    assert len(found) == 3
    assert all(one.keys() == texts.keys() for one in found)
    assert all(one == other for one, other in pairwise(found))
    scores = {name: sum(score for _, _, score, _, _ in tasks) for name, tasks in found[0].items()}
    right = {"solution", "other_bits", "other_kind"}
    right_at_first = {"takes_the_next", "answers_the_next", "answers_it_twice", "wrong_in_the_end"}  # in a fresh process, then
    assert {scores.pop(name) for name in right | right_at_first} == {6.0}
    assert max(scores.values()) < 6.0


def test_a_suite_that_draws_its_own_luck_still_judges_everybody(course, grade, solution):
    suite = course / "tests/hidden/01_mini/test_mini.py"
    suite.write_text(suite.read_text().replace("torch.randn(4, 3, generator=rng)", "torch.randn(4, 3)"))
    wrong = solution.replace("t.mean(1)", "t.sum(1)")
    results = grade({"a": solution, "b": solution, "c": wrong, "d": other_bits(solution), "e": wrong})
    assert {name: (result["status"], result["score"]) for name, result in results.items()} == {
        "a": ("graded", 6.0), "b": ("graded", 6.0), "c": ("graded", 3.0), "d": ("graded", 6.0), "e": ("graded", 3.0),
    }  # fmt: skip
