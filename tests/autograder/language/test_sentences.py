"""A sentence is found by its pattern, and said in another language with its values."""

import pytest

from autograder.language.sentences import MOST_SENTENCES, Part, Sentences

CHINESE = Sentences(
    {
        "{name} should have shape {shape}, but it has shape {shape_2}.": "{name}的形状应为 {shape}，但实际是 {shape_2}。",
        "{name} is not right.": "{name}不对。",
        "the gradient of {name}": "{name} 的梯度",
        "the result": "结果",
        "Expected: it {title}.": "期望：{title}。",
        "gives the sum": "给出总和",
        "Your code raised {kind}{place}.": "你的代码抛出了 {kind}{place}。",
        "Your code raised {kind}: {text}{place}.": "你的代码抛出了 {kind}：{text}{place}。",
        "(line {line} of {file}: `{text}`)": "（{file} 第 {line} 行：`{text}`）",
        "{what} of {which}": "{which} 的 {what}",
        "{problem}. {advice}": "{problem}。{advice}",
        "it goes to {devices}. {advice}": "它去了 {devices}。{advice}",
        "the bias": "偏置",
        "{name} does not parse: {msg}, line {lineno}{shown}.": "{name} 无法解析：{msg}，第 {lineno} 行{shown}。",
    },
    space="",
    stop="。",
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The result is not right.", "结果不对。"),
        ("the gradient of conv1.weight is not right.", "conv1.weight 的梯度不对。"),
        ("The result should have shape (2, 3), but it has shape (3,).", "结果的形状应为 (2, 3)，但实际是 (3,)。"),
        ("Expected: it gives the sum. The result is not right.", "期望：给出总和。结果不对。"),
        ("Expected: it gives the sum.\nThe result is not right.", "期望：给出总和。结果不对。"),
        (
            "Your code raised ValueError: a. b: c (line 3 of net.py: `x. y`).",
            "你的代码抛出了 ValueError：a. b: c（net.py 第 3 行：`x. y`）。",
        ),
        ("Your code raised KeyError (line 3 of net.py: `x`).", "你的代码抛出了 KeyError（net.py 第 3 行：`x`）。"),
        (
            "Your code raised IndexError: tuple index out of range (line 3 of net.py: `a[1] * b[2]  # a, b, c, d and so on`).",
            "你的代码抛出了 IndexError：tuple index out of range（net.py 第 3 行：`a[1] * b[2]  # a, b, c, d and so on`）。",
        ),
        ("Your code raised sum of parts.", "Your code raised sum of parts."),
        ("Your code raised KeyError.", "你的代码抛出了 KeyError。"),
        ("It goes to cuda:0.", "它去了 cuda:0。"),
        ("The result is not right (line 3 of net.py: `x`).", "结果不对（net.py 第 3 行：`x`）。"),
        ("the gradient of the bias", "偏置 的梯度"),
        (
            "net.py does not parse: '(' was never closed, line 24: `x = (`.",
            "net.py 无法解析：'(' was never closed，第 24 行: `x = (`。",
        ),
        ("net.py does not parse: invalid syntax, line 3.", "net.py 无法解析：invalid syntax，第 3 行。"),
    ],
)
def test_a_text_is_said_sentence_by_sentence(text, said):
    assert CHINESE.say(text) == said


def test_of_patterns_with_few_letters_the_one_whose_holes_hold_what_is_known_is_meant():
    several = {"the new value": "新值", "the {sort} {value}": "{sort}{value}", "{done} of {total}": "{done} / {total}",
               "{name} of {key}": "{name}（{key}）", "{name} is not right.": "{name}不对。"}  # fmt: skip
    assert Sentences(several, "", "。").say("The new value of 0.weight is not right.") == "新值（0.weight）不对。"
    assert Sentences(several, "", "。").say("3 of 11") == "3 / 11"


def test_what_is_not_known_stays_and_is_set_apart():
    assert CHINESE.say("Nobody knows this. The result is not right.") == "Nobody knows this. 结果不对。"
    assert CHINESE.say("It raised: odd words here.") == "It raised: odd words here."
    assert CHINESE.say("") == ""


def test_a_pattern_of_few_letters_does_not_fit_everything():
    long = "size of tensor a (32) must match the size of tensor b (3) at dimension 0"
    assert CHINESE.say(long) == long
    assert CHINESE.say("sum of parts and of much else besides") == "sum of parts and of much else besides"
    assert CHINESE.say("Sum of parts is not right.") == "parts 的 Sum不对。"


def test_the_parts_are_patterns_and_their_values():
    assert CHINESE.parts("Expected: it gives the sum. Odd.") == [
        Part("Expected: it gives the sum.", "Expected: it {title}.", (("title", "gives the sum"),)),
        Part("Odd.", None),
    ]


def test_a_text_of_too_many_sentences_is_shown_as_it_is():
    text = "The result is not right. " * MOST_SENTENCES
    assert CHINESE.say(text) == text
