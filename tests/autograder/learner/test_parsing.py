"""A text is parsed once, whoever asks, and whatever it does to the parser is a fault of its own."""

import ast

import pytest

from autograder.learner.parsing import Parser


def test_a_text_is_parsed_once_and_its_nodes_are_those_of_a_walk():
    parser = Parser()
    parsed = parser.of("def f(x):\n    return x + 1\n")
    assert parser.of("def f(x):\n    return x + 1\n") is parsed
    assert list(parsed.nodes) == list(ast.walk(parsed.tree))
    assert parsed.fault is None


@pytest.mark.parametrize(("text", "kind"), [("def f(", SyntaxError), ("x = '\0'", (SyntaxError, ValueError)),
                                            ("(" * 100_000, (SyntaxError, MemoryError, RecursionError))])  # fmt: skip
def test_what_does_not_parse_has_no_nodes_but_its_module(text, kind):
    parsed = Parser().of(text)
    assert isinstance(parsed.fault, kind)
    assert len(parsed.nodes) == 1
