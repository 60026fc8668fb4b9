"""Modules that are alike: copies are found whatever was renamed, and what all have been given counts for nothing."""

import itertools
import random
import re

import pytest

from autograder.feedback import similarity

STUB = "import torch\n\n\ndef f(x):\n    raise NotImplementedError\n\n\ndef train_step(net, x):\n    raise NotImplementedError\n"
LESSON = "optimizer.zero_grad()\nloss = criterion(net(x), target)\nloss.backward()\noptimizer.step()\nreturn loss.item()\n"
WORDS = ["abs", "sum", "mean", "std", "exp", "log", "sqrt", "clamp", "relu", "tanh"]


def module(seed, lines=40):
    """A module of its own: made at random, and the same for the same seed."""
    rng = random.Random(seed)
    body = [f"    v{rng.randrange(9)} = torch.{rng.choice(WORDS)}(x[{rng.randrange(9)}] {rng.choice('+-*/')} v{rng.randrange(9)})"
            for _ in range(lines)]  # fmt: skip
    return "\n".join(["import torch", "", "def f(x):", *body, "    return v1", ""])


def disguised(text):
    """The same code with other names, comments, docstrings, blank lines and quotes."""
    text = re.sub(r"\bv(\d)\b", r"value_\1", text).replace("def f(x):", 'def f(x):\n    """Of my own."""\n    # at all')
    return "\n\n".join(
        f"{line}  # {number}" if line.startswith("    v") else line for number, line in enumerate(text.splitlines())
    )


def test_a_copy_is_found_whatever_was_renamed_and_everybody_else_is_not():
    modules = {f"s{number}": module(number) for number in range(30)}
    modules["copy"] = disguised(modules["s7"])
    (pair,) = similarity.pairs(modules, [STUB, LESSON])
    assert {pair.first, pair.second} == {"s7", "copy"}
    assert pair.alike > 0.9
    lines = modules["copy"].splitlines()
    marked = [lines[number - 1] for number in (pair.second_lines if pair.second == "copy" else pair.first_lines)]
    assert sum("torch." in line for line in marked) >= 38
    assert not [line for line in marked if "Of my own" in line or not line.strip()]


def test_a_copied_part_is_found_and_its_lines_are_marked():
    modules = {f"s{number}": module(number) for number in range(20)}
    part = module(99, 25).splitlines()[3:28]
    for name in ("s3", "s4"):
        head, *tail = modules[name].split("\n    return")
        own = head.splitlines()[:13]
        modules[name] = "\n".join([*own, *part, "    return" + tail[0]])
    found = similarity.pairs(modules, [STUB])
    assert [(pair.first, pair.second) for pair in found] == [("s3", "s4")]
    assert len({*range(14, 39)} & found[0].first_lines) > 20
    assert len(found[0].first_lines - {*range(13, 40)}) < 10  # a run of tokens may be common by chance


def test_what_the_stub_and_the_lesson_have_makes_nobody_alike():
    answer = STUB.replace("raise NotImplementedError", LESSON.replace("\n", "\n    ").strip())
    assert similarity.pairs({"a": answer, "b": answer}, [STUB, answer]) == []
    assert similarity.pairs({"a": STUB, "b": STUB}, [STUB]) == []


def test_what_many_hand_in_makes_nobody_alike():
    common = module(0)
    assert similarity.pairs({f"s{number}": common for number in range(20)}, [STUB]) == []
    few = {**{f"s{number}": common for number in range(4)}, **{f"t{number}": module(number + 1) for number in range(20)}}
    found = similarity.pairs(few, [STUB])
    assert {pair.first[0] + pair.second[0] for pair in found} == {"ss"}
    assert len(found) == len(list(itertools.combinations(range(4), 2)))


@pytest.mark.parametrize(
    "text",
    ["", "(" * 9_000, "\"\"\"" + "x" * 60_000, "\\\n" * 20_000, "  x\n x\n", "'" * 50_000, "\x00\ud800$?", "a." * 32_000,
     "if x:\n" + " " * 60_000, "0" * 60_000 + "x", "f'{" * 20_000],
    ids=range(11),
)  # fmt: skip
def test_any_text_is_cut_into_tokens_or_left_alone(text):
    found = similarity.tokens(text)
    assert len(found.words) == len(found.lines) <= similarity.MOST_TOKENS
    similarity.pairs({"a": text, "b": text}, [STUB])


def test_every_common_run_that_is_long_enough_has_a_common_fingerprint():
    rng = random.Random(5)
    for _ in range(50):
        run = [str(rng.randrange(1000)) for _ in range(similarity.SURE)]
        a, b = ([*map(str, rng.choices(range(1000), k=rng.randrange(40))), *run, *map(str, rng.choices(range(1000), k=9))]
                for _ in range(2))  # fmt: skip
        prints = [similarity.fingerprints(similarity.Tokens(words, [1] * len(words))) for words in (a, b)]
        assert prints[0].keys() & prints[1].keys()
