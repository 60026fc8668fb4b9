"""Tests of the drawn language: its words, what agrees with what, and the perplexity that it says of itself."""

import itertools
import math

from autograder import grammar

WAYS = 4 * (10 + 10 + 5 + 5 + 5) + 2 * 8 + 7 + 16 + 5 + 8  # nouns in two forms, verbs in two, places; the rest


def nats(probability):
    return -sum(p * math.log(p) for p in (probability, 1 - probability))


def falling(count):
    weights = [1 / (k + 1) for k in range(count)]
    return -sum(w / sum(weights) * math.log(w / sum(weights)) for w in weights)


def test_a_word_belongs_to_one_part_of_the_grammar():
    assert len(grammar.vocabulary()) == WAYS


def test_the_same_seed_draws_the_same_text_and_another_one_another():
    assert grammar.draw(500, 3) == grammar.draw(500, 3)
    assert grammar.draw(500, 3).lines != grammar.draw(500, 4).lines


def test_a_text_has_the_words_that_it_was_asked_for_and_ends_with_a_line():
    for tokens in (0, 1, 50, 1000):
        text = grammar.draw(tokens, 1)
        written = sum(len(line.split()) + 1 for line in text.lines)
        assert tokens <= written < tokens + 20
        assert all(text.lines)
        assert {word for line in text.lines for word in line.split()} <= set(grammar.vocabulary())


def test_the_perplexity_is_that_of_the_grammar():
    a_place = falling(5) + falling(5)
    a_noun = falling(4) + nats(0.35) + 0.35 * falling(16) + falling(10)
    stays = grammar.STAYS
    a_line = (nats(stays) + (1 - stays) * math.log(3) + math.log(2) + a_noun + nats(0.25) + 0.25 * a_place + nats(0.6)
              + 0.6 * (falling(5) + nats(0.4) + a_noun) + 0.4 * falling(8) + nats(0.4) + 0.4 * a_place + nats(0.35)
              + 0.35 * falling(8))  # fmt: skip
    words = 2.35 + 0.25 * 3 + 0.6 * (1 + 2.35) + 0.4 + 0.4 * 3 + 0.35 + 1  # the line's end is one of them
    assert math.isclose(grammar.draw(100_000, 0).perplexity, math.exp(a_line / words), rel_tol=0.02)


def test_a_line_keeps_to_its_scene_and_most_lines_to_that_of_the_line_before():
    scenes = []
    for line in grammar.draw(5000, 2).lines:
        nouns = [
            {i for i, scene in enumerate(grammar.SCENES) for noun in scene.nouns if word in {noun, f"{noun}s", f"{noun}es"}}
            for word in line.split()
        ]
        (scene,) = set.union(*nouns)
        scenes.append(scene)
    same = sum(a == b for a, b in itertools.pairwise(scenes)) / (len(scenes) - 1)
    assert 0.85 < same < 0.95
    assert set(scenes) == {0, 1, 2, 3}


def test_a_verb_agrees_with_its_subject_also_behind_a_place():
    several, seen = {"some", "many", "two"}, set()
    verbs = {verb for scene in grammar.SCENES for verb in scene.verbs} | set(grammar.REST)
    for line in grammar.draw(5000, 5).lines:
        words = line.split()
        at = next(i for i, word in enumerate(words) if word in verbs or word.removesuffix("s") in verbs
                  or word.removesuffix("es") in verbs)  # fmt: skip
        if words[0] != "the":
            assert (words[at] in verbs) == (words[0] in several), line
            seen.add((words[0] in several, any(word in grammar.PREPOSITIONS for word in words[:at])))
    assert seen == {(False, False), (False, True), (True, False), (True, True)}
