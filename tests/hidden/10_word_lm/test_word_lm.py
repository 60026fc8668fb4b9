"""Hidden checks of topic 10. The oracle is the same model in float64, trained, measured and asked on this side.

Texts, weights and gradients are drawn here; probes build dictionaries and models from them beside the learner's module. Only
the checks of `Dictionary`, `WordModel`, `init_hidden` and `trained_perplexity` touch the learner's classes; every other task
gets objects of the suite's own, whose scores are others in train mode than in eval mode. Random results are judged by their
frequencies, with room for five standard errors.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from autograder import (
    Student,
    conduct,
    expect,
    expect_close,
    expect_dtype,
    expect_equal,
    expect_shape,
    expect_unchanged,
    grammar,
)

Told = dict[str, Any]  # what a probe brings back
Tensors = dict[str, Tensor]  # parameters by name


def randn(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=rng, dtype=dtype)


def whole(rng: torch.Generator, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=rng))


def seed_of(rng: torch.Generator) -> int:
    return whole(rng, 0, 1 << 40)


def words_of(rng: torch.Generator, different: int, count: int) -> list[str]:
    """`count` words, of which `different` differ; the first ones come again and again."""
    names = [f"{'bdfgklmnprst'[whole(rng, 0, 11)]}{'aeiou'[whole(rng, 0, 4)]}{i}" for i in range(different)]
    rest = [names[whole(rng, 0, different - 1)] for _ in range(count - different)]
    all_words = [*names, *rest]
    return [all_words[i] for i in torch.randperm(count, generator=rng)]


def expect_number(found: Any, expected: float, name: str, **tolerances: Any) -> None:
    """A number without a graph."""
    graph = isinstance(found, Tensor) and found.requires_grad
    expect(not graph, f"{name[:1].upper()}{name[1:]} still has a graph, and with it all that it was computed from: take .item().")
    expect_close(found, expected, name, **tolerances)


# Dictionary ----------------------------------------------------------------------------------------------------------


def number(module: Any, words: list[str]) -> Told:
    dictionary = module.Dictionary()
    empty = len(dictionary)
    numbers = [dictionary.add(word) for word in words]
    back = dictionary.idx2word
    there = [i for i in sorted({i for i in numbers if isinstance(i, int)}) if not isinstance(back, list) or 0 <= i < len(back)]
    return {
        "empty": empty,
        "numbers": numbers,
        "length": len(dictionary),
        "word2idx": dict(dictionary.word2idx),
        "idx2word": [back.get(i) if isinstance(back, dict) else back[i] for i in there],
        "held": len(back),
    }


def number_in_turns(module: Any, first: list[str], second: list[str]) -> list[Any]:
    """Two dictionaries that grow side by side."""
    one, two = module.Dictionary(), module.Dictionary()
    found = [[one.add(a), two.add(b)] for a, b in zip(first, second)]  # noqa: B905  as long as each other
    return [[pair[0] for pair in found], [pair[1] for pair in found], len(one), len(two)]


def in_order(words: Sequence[str]) -> dict[str, int]:
    """Each word's number by its first appearance."""
    return {word: i for i, word in enumerate(dict.fromkeys(words))}


def expect_numbered(told: Told, words: Sequence[str]) -> None:
    expected = in_order(words)
    expect_equal(told["numbers"], [expected[word] for word in words], "the list of numbers that add gives")
    expect_equal(told["length"], len(expected), "len() of the dictionary")
    expect_equal(told["word2idx"], expected, "word2idx")
    expect_equal(len(told["word2idx"]), len(expected), "the number of words in word2idx")
    expect_equal(told["idx2word"], list(expected), "the list of words that idx2word gives for 0, 1, 2, …")
    expect_equal(told["held"], len(expected), "the number of words in idx2word")


def test_Dictionary__numbers_by_first_appearance(student: Student, rng: torch.Generator) -> None:
    """numbers words by their first appearance, and gives a known word its number again"""
    for different in (4, whole(rng, 7, 12)):
        words = words_of(rng, different, 3 * different)
        expect_numbered(student.run(number, words), words)


def test_Dictionary__is_empty_when_new(student: Student, rng: torch.Generator) -> None:
    """is empty when it is new, also after another one was filled"""
    for _ in range(2):
        told = student.run(number, words_of(rng, 3, 5))
        expect_equal(told["empty"], 0, "len() of a new dictionary")


def test_Dictionary__shares_nothing(student: Student, rng: torch.Generator) -> None:
    """numbers its words by itself where two dictionaries grow side by side"""
    first, second = words_of(rng, 5, 9), words_of(rng, 3, 9)
    found = student.run(number_in_turns, first, second)
    expected = [[in_order(words)[word] for word in words] for words in (first, second)]
    expect_equal(found[:2], expected, ("the list of the first one's numbers", "the list of the second one's numbers"))
    expect_equal(found[2:], [5, 3], "the list of both lengths")


def test_Dictionary__takes_any_word(student: Student, rng: torch.Generator) -> None:
    """tells words apart by every letter: capitals, signs, digits, other scripts, and none at all"""
    words = ["the", "The", "<eos>", "0", "1", "词", "thé", "", "the", "", "1", "THE"]
    expect_numbered(student.run(number, words), words)


def test_Dictionary__grows_large(student: Student, rng: torch.Generator) -> None:
    """numbers three thousand words, and knows each again"""
    words = [f"w{i}" for i in torch.randperm(3000, generator=rng).tolist()]
    expect_numbered(student.run(number, [*words, *words[::-7]]), [*words, *words[::-7]])


# tokenize ------------------------------------------------------------------------------------------------------------


class Words:
    """A dictionary as Dictionary should be one, with idx2word as a list or as a dict."""

    def __init__(self, words: list[str], as_dict: bool) -> None:
        self.word2idx = {}
        self.idx2word = {} if as_dict else []
        for word in words:
            self.add(word)

    def add(self, word: str) -> int:
        if word not in self.word2idx:
            if isinstance(self.idx2word, dict):
                self.idx2word[len(self.word2idx)] = word
            else:
                self.idx2word.append(word)
            self.word2idx[word] = len(self.word2idx)
        return self.word2idx[word]

    def __len__(self) -> int:
        return len(self.word2idx)


def tokens(module: Any, lines: list[str], words: list[str], grow: Any, as_dict: bool) -> Told:
    """The numbers of a text, its lines and the dictionary afterwards; `grow` is left out where it is None."""
    dictionary = Words(words, as_dict)
    try:
        found = module.tokenize(lines, dictionary) if grow is None else module.tokenize(lines, dictionary, grow=grow)
    except KeyError as error:
        found = "KeyError" if error.args == ("<unk>",) else "another KeyError"
    return {"numbers": found, "words": list(dictionary.word2idx), "lines": lines}


def numbered(lines: Sequence[str], words: Sequence[str], *, grow: bool) -> tuple[Tensor, list[str]]:
    """The numbers of a text, and the words afterwards."""
    known, numbers = {word: i for i, word in enumerate(words)}, []
    for line in lines:
        for word in [*line.split(), "<eos>"]:
            if grow:
                known.setdefault(word, len(known))
            numbers.append(known.get(word, known.get("<unk>")))
    return torch.tensor(numbers), list(known)


def expect_tokens(
    student: Student, lines: list[str], words: list[str], *, grow: bool | None = None, as_dict: bool = False
) -> None:
    told = student.run(tokens, lines, words, grow, as_dict)
    expected, after = numbered(lines, words, grow=grow is not False)
    expect(not isinstance(told["numbers"], str), "A KeyError came where the dictionary has all words, or has <unk> for them.")
    expect_close(told["numbers"], expected, "the tensor of numbers", dtype=torch.int64)
    expect_equal(told["words"], after, "the list of words in the dictionary afterwards")


def text_of(rng: torch.Generator, lines: int) -> list[str]:
    words = words_of(rng, 9, 30)
    return [" ".join(words[whole(rng, 0, 29)] for _ in range(whole(rng, 1, 6))) for _ in range(lines)]


def test_tokenize__numbers_a_text(student: Student, rng: torch.Generator) -> None:
    """numbers the words of each line and "<eos>" after it, and adds new ones to the dictionary"""
    expect_tokens(student, text_of(rng, 2), [])
    expect_tokens(student, text_of(rng, whole(rng, 5, 9)), [])


def test_tokenize__splits_at_white_space(student: Student, rng: torch.Generator) -> None:
    """splits at tabs, at several spaces and at line ends, which are no words themselves"""
    expect_tokens(student, ["  one two\t\tthree \n", "two\tOne\r\n", "three   Two"], ["<eos>"])


def test_tokenize__ends_empty_lines_too(student: Student, rng: torch.Generator) -> None:
    """gives "<eos>" to an empty line as well, wherever it stands"""
    first, second = text_of(rng, 2)
    expect_tokens(student, ["", first, "", " \t\n", second, ""], [])
    expect_tokens(student, [""], ["x"])


def test_tokenize__goes_on_with_a_dictionary(student: Student, rng: torch.Generator) -> None:
    """keeps the numbers of the words that the dictionary has, whether idx2word is a list or a dict"""
    lines = text_of(rng, 6)
    known = [*dict.fromkeys(lines[3].split()), "<eos>", "elsewhere"]
    for as_dict in (False, True):
        expect_tokens(student, lines, known, as_dict=as_dict)


def test_tokenize__counts_unknown_words(student: Student, rng: torch.Generator) -> None:
    """counts unknown words as "<unk>", each in its place, where the dictionary must not grow"""
    lines = text_of(rng, 7)
    words = dict.fromkeys(word for line in lines for word in line.split())
    known = [*list(words)[::2], "<eos>", "more", "<unk>"]
    expect_tokens(student, [*lines, "never seen before", ""], known, grow=False)


def test_tokenize__needs_no_unknown_word(student: Student, rng: torch.Generator) -> None:
    """does without "<unk>" where every word is known"""
    lines = text_of(rng, 4)
    known = ["<eos>", *dict.fromkeys(word for line in lines for word in line.split())]
    expect_tokens(student, lines, known, grow=False)


def test_tokenize__raises_for_an_unknown_word(student: Student, rng: torch.Generator) -> None:
    """raises KeyError for an unknown word where the dictionary has no "<unk>", and does not add it"""
    line = text_of(rng, 1)[0]
    known = [*dict.fromkeys(line.split()), "<eos>"]
    told = student.run(tokens, [line, f"{line} unheard"], known, False, False)
    raised = isinstance(told["numbers"], str)
    expect(raised, "A word is unknown, and the dictionary has no <unk> to stand for it: that should be a KeyError.")
    expect_equal(told["words"], known, "the list of words in the dictionary afterwards")


def test_tokenize__leaves_the_lines_alone(student: Student, rng: torch.Generator) -> None:
    """leaves the list of lines as it was"""
    lines = [*text_of(rng, 3), "", "a  b\n"]
    expect_unchanged(student.run(tokens, lines, [], True, False)["lines"], lines, "the list of lines")


# batchify ------------------------------------------------------------------------------------------------------------


def cut(module: Any, data: Tensor, columns: int) -> Told:
    found = module.batchify(data, columns)
    usable = isinstance(found, torch.Tensor)
    return {"columns": found, "contiguous": found.is_contiguous() if usable else None, "data": data}


def side_by_side(data: Tensor, columns: int) -> Tensor:
    rows = len(data) // columns
    return torch.stack([data[j * rows : (j + 1) * rows] for j in range(columns)], 1)


def expect_columns(student: Student, data: Tensor, columns: int) -> None:
    told = student.run(cut, data, columns)
    expect_close(told["columns"], side_by_side(data, columns), "the tensor of columns", dtype=data.dtype)
    expect(
        told["contiguous"], "The columns are right, but not contiguous in memory: turning a table over leaves memory as it was."
    )


def test_batchify__puts_stretches_side_by_side(student: Student, rng: torch.Generator) -> None:
    """puts the stretches of the text side by side, each down its own column, without the remainder"""
    expect_columns(student, torch.randperm(26, generator=rng), 4)
    expect_columns(student, torch.randint(100, (59,), generator=rng), whole(rng, 5, 8))


def test_batchify__needs_no_remainder(student: Student, rng: torch.Generator) -> None:
    """takes a text without a remainder, and one whose remainder is as long as it can be"""
    expect_columns(student, torch.randperm(35, generator=rng), 5)
    expect_columns(student, torch.randperm(34, generator=rng), 5)
    expect_columns(student, torch.randperm(36, generator=rng), 6)


def test_batchify__takes_one_column(student: Student, rng: torch.Generator) -> None:
    """takes one column, as many columns as words, and more than half as many"""
    data = torch.randperm(11, generator=rng)
    for columns in (1, 11, 7):
        expect_columns(student, data, columns)


def test_batchify__takes_one_word(student: Student, rng: torch.Generator) -> None:
    """takes a text of a single word"""
    expect_columns(student, torch.tensor([whole(rng, 3, 99)]), 1)


def test_batchify__leaves_the_text_alone(student: Student, rng: torch.Generator) -> None:
    """leaves the text as it was"""
    data = torch.randperm(22, generator=rng)
    expect_unchanged(student.run(cut, data, 4)["data"], data, "the text")


# get_batch -----------------------------------------------------------------------------------------------------------


def window(source: Tensor, i: int, bptt: int) -> tuple[Tensor, Tensor]:
    rows = min(bptt, len(source) - 1 - i)
    return source[i : i + rows], source[i + 1 : i + 1 + rows].flatten()


def expect_window(student: Student, source: Tensor, i: int, bptt: int) -> None:
    x, targets = window(source, i, bptt)
    slips = {
        "The targets are the window itself: the word that follows stands one row further down.": (x, x.flatten()),
        "The targets stand column after column: they go row after row, as the scores do.": (
            x, targets.view(x.shape).t().flatten()),
    }  # fmt: skip
    slips = {said: wrong for said, wrong in slips.items() if not torch.equal(wrong[1], targets)}
    found = student.call("get_batch", source, i, bptt)
    expect_close(found, (x, targets), ("the window", "the targets"), dtype=torch.int64, slips=slips)


def text(rng: torch.Generator, rows: int, columns: int) -> Tensor:
    """Word numbers that all differ."""
    return torch.randperm(3 * rows * columns, generator=rng)[: rows * columns].view(rows, columns)


def test_get_batch__gives_a_window_and_what_follows(student: Student, rng: torch.Generator) -> None:
    """gives bptt rows, and for each word the one below it, row after row"""
    expect_window(student, text(rng, 4, 2), 0, 2)
    expect_window(student, text(rng, 17, 5), whole(rng, 1, 6), whole(rng, 3, 7))


def test_get_batch__shortens_the_last_window(student: Student, rng: torch.Generator) -> None:
    """gives a shorter window where the text ends, with a target for each of its words"""
    expect_window(student, text(rng, 12, 3), 8, 6)
    expect_window(student, text(rng, 12, 3), 7, 5)
    expect_window(student, text(rng, 12, 3), 0, 40)


def test_get_batch__fits_to_the_end(student: Student, rng: torch.Generator) -> None:
    """gives a full window that ends just before the last row"""
    expect_window(student, text(rng, 12, 3), 6, 5)
    expect_window(student, text(rng, 9, 2), 0, 8)


def test_get_batch__gives_single_rows(student: Student, rng: torch.Generator) -> None:
    """gives a window of one row: with bptt = 1, and at the end of the text"""
    expect_window(student, text(rng, 6, 4), 2, 1)
    expect_window(student, text(rng, 6, 4), 4, 3)
    expect_window(student, text(rng, 2, 3), 0, 5)


def test_get_batch__takes_one_column(student: Student, rng: torch.Generator) -> None:
    """keeps the axis of the columns where there is only one"""
    for i, bptt in ((0, 4), (7, 9), (8, 1)):
        expect_window(student, text(rng, 10, 1), i, bptt)


def test_get_batch__leaves_the_text_alone(student: Student, rng: torch.Generator) -> None:
    """leaves the text as it was"""
    source = text(rng, 7, 3)
    _, after = student.observe("get_batch", source, 2, 3)
    expect_unchanged(after[0], source, "the text")


# models of the suite's own -------------------------------------------------------------------------------------------


class Model(nn.Module):
    """What WordModel should be, without dropout; in the one mode its scores are multiplied by `mood`, in the other they are not.

    It keeps for each forward pass whether its scores had a graph.
    """

    def __init__(self, words: int, ninp: int, nhid: int, nlayers: int, mood: float = 1.0, moody: bool = True) -> None:
        super().__init__()
        self.encoder = nn.Embedding(words, ninp)
        self.rnn = nn.LSTM(ninp, nhid, nlayers)
        self.decoder = nn.Linear(nhid, words)
        self.mood, self.moody = mood, moody
        self.graphs = []

    def forward(self, x: Any, hidden: Any) -> Any:
        output, hidden = self.rnn(self.encoder(x), hidden)
        scores = self.decoder(output).flatten(0, 1)
        if self.training is self.moody:
            scores = scores * self.mood
        self.graphs.append(scores.requires_grad)
        return scores, hidden

    def init_hidden(self, columns: int) -> Any:
        zeros = self.decoder.weight.new_zeros(self.rnn.num_layers, columns, self.rnn.hidden_size)
        return zeros, zeros.clone()


def make(weights: Tensors, mood: float = 1.0, moody: bool = True) -> Model:
    """A Model with these weights, in their dtype."""
    words, ninp = weights["encoder.weight"].shape
    layers = sum(name.startswith("rnn.weight_ih") for name in weights)
    model = Model(words, ninp, weights["decoder.weight"].shape[1], layers, mood, moody)
    model.to(weights["decoder.weight"].dtype).load_state_dict(weights)
    return model


def draw_weights(
    rng: torch.Generator, words: int, ninp: int, nhid: int, nlayers: int, *, tied: bool = False, scale: float = 1.0
) -> Tensors:
    """Weights with which the hidden state matters, and scores of different words differ."""
    model = Model(words, ninp, nhid, nlayers)
    drawn = {name: scale * randn(rng, *p.shape) for name, p in model.named_parameters()}
    return drawn | ({"decoder.weight": drawn["encoder.weight"]} if tied else {})


def wide(tensors: Tensors) -> Tensors:
    return {name: t.double() for name, t in tensors.items()}


def values(model: nn.Module) -> Tensors:
    return {name: p.detach().clone() for name, p in model.state_dict().items()}


def state(rng: torch.Generator, nlayers: int, columns: int, nhid: int) -> list[Tensor]:
    """A hidden state that is not zero, as an LSTM may have it."""
    return [randn(rng, nlayers, columns, nhid).tanh(), randn(rng, nlayers, columns, nhid)]


def reading(rng: torch.Generator, words: int, rows: int, columns: int) -> Tensor:
    return torch.randint(words, (rows, columns), generator=rng)


# WordModel -----------------------------------------------------------------------------------------------------------


def parameter_shapes(module: Any, sizes: list[int], tied: bool) -> Told:
    model = module.WordModel(*sizes, tied=tied)
    return {
        "shapes": {name: tuple(t.shape) for name, t in model.state_dict().items()},
        "parameters": {name: tuple(p.shape) for name, p in model.named_parameters()},
        "buffers": [name for name, _ in model.named_buffers()],
    }


def loaded(module: Any, weights: Tensors, sizes: list[int], dropout: float, tied: bool) -> Any:
    model = module.WordModel(*sizes, dropout, tied)
    model.load_state_dict(weights, strict=False)
    return model


def scores_of(module: Any, weights: Tensors, sizes: list[int], batches: list[Any], train: bool, dropout: float) -> list[Any]:
    """Scores and hidden state for each window and state."""
    model = loaded(module, weights, sizes, dropout, False).train(train)
    found = []
    for x, hidden in batches:
        answer = model(x, tuple(hidden))
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            return [type(answer).__name__]
        scores, after = answer
        found.append([scores, list(after) if isinstance(after, tuple | list) else type(after).__name__])
    return found


def expect_names(student: Student, sizes: list[int], *, tied: bool = False) -> Told:
    """The state_dict has the layers' weights by their names."""
    told: Told = student.run(parameter_shapes, sizes, tied)
    expected = {name: tuple(p.shape) for name, p in Model(*sizes).named_parameters()}
    expect_equal(told["shapes"], expected, "the shape")
    return told


SOFT = "It is {} of the scores. Cross entropy takes the scores as they are, and does that itself: leave them raw."


def expect_scores(
    student: Student, rng: torch.Generator, sizes: list[int], windows: list[tuple[int, int]], *, train: bool = False,
    dropout: float = 0.0,
) -> None:  # fmt: skip
    """Fail unless scores and hidden states of windows (T, B) are right."""
    weights = draw_weights(rng, *sizes)
    words, _, nhid, nlayers = sizes
    batches = [[reading(rng, words, *w), state(rng, nlayers, w[1], nhid)] for w in windows]
    found = student.run(scores_of, weights, sizes, batches, train, dropout)
    model = make(wide(weights))
    for answer, (x, hidden) in zip(found, batches, strict=False):
        expect(isinstance(answer, list), "The model should give two things: the scores, and the hidden state after the window.")
        scores, after = model(x, tuple(h.double() for h in hidden))
        slips = {SOFT.format("the softmax"): scores.softmax(-1), SOFT.format("log_softmax"): scores.log_softmax(-1)}
        expect_close(answer[0], scores, "the tensor of scores", rtol=1e-3, atol=1e-4, slips=slips if words > 1 else None)
        expect_close(answer[1], list(after), ("the hidden state h after the window", "the cell state c after the window"),
                     rtol=1e-3, atol=1e-4)  # fmt: skip


def test_WordModel__scores_the_next_word(student: Student, rng: torch.Generator) -> None:
    """computes the scores and the hidden state from the window and the hidden state before it"""
    sizes = [whole(rng, 9, 12), 4, 6, 2]
    expect_names(student, sizes)
    expect_scores(student, rng, sizes, [(5, 3), (2, 4)])


def test_WordModel__has_these_weights_alone(student: Student, rng: torch.Generator) -> None:
    """has the weights of encoder, rnn and decoder, and no others"""
    sizes = [11, 3, 5, whole(rng, 2, 3)]
    told = expect_names(student, sizes)
    expected = {name for name, _ in Model(*sizes).named_parameters()}
    extra = sorted({*told["shapes"], *told["parameters"], *told["buffers"]} - expected)
    expect(not extra, f"The model has more than the weights of encoder, rnn and decoder: {', '.join(map(str, extra[:4]))}.")
    missing = sorted(expected - {*told["parameters"]})
    expect(not missing, f"These should be Parameters: {', '.join(missing[:4])}.")


def test_WordModel__takes_any_window(student: Student, rng: torch.Generator) -> None:
    """takes windows of one row, of one column and of a single word, through one layer or three"""
    for layers in (1, 3):
        expect_scores(student, rng, [7, 5, 3, layers], [(1, 4), (6, 1), (1, 1), (3, 2)])


def test_WordModel__is_deterministic_without_dropout(student: Student, rng: torch.Generator) -> None:
    """computes the same in train mode, where dropout is 0 unless something else is said"""
    expect_scores(student, rng, [8, 4, 4, 2], [(4, 3)], train=True)


def test_WordModel__drops_nothing_in_eval_mode(student: Student, rng: torch.Generator) -> None:
    """drops nothing in eval mode, whatever the probability"""
    expect_scores(student, rng, [8, 4, 5, 2], [(4, 3), (1, 2)], dropout=0.6)


def wide_scores(module: Any, weights: Tensors, sizes: list[int], x: Any, hidden: list[Any]) -> list[Any]:
    model = module.WordModel(*sizes).double()
    model.load_state_dict(weights, strict=False)
    scores, after = model(x, tuple(hidden))
    return [scores, *after]


def test_WordModel__computes_in_float64(student: Student, rng: torch.Generator) -> None:
    """computes in float64 after double()"""
    sizes = [6, 3, 4, 1]
    weights, x = wide(draw_weights(rng, *sizes)), reading(rng, 6, 3, 2)
    hidden = [h.double() for h in state(rng, 1, 2, 4)]
    scores, after = make(weights)(x, tuple(hidden))
    found = student.run(wide_scores, weights, sizes, x, hidden)
    expect_close(found, [scores, *after], ("the tensor of scores", "h", "c"), rtol=1e-9, atol=1e-9, dtype=torch.float64)


def slopes(module: Any, weights: Tensors, sizes: list[int], x: Any, hidden: list[Any], seeds: list[Any]) -> Told:
    """The gradients of scores and hidden state: of every parameter, and of the hidden state before."""
    model = loaded(module, weights, sizes, 0.0, False)
    before = [h.requires_grad_() for h in hidden]
    scores, after = model(x, tuple(before))
    parts = [t for t in (scores, *after) if t.requires_grad]
    told = {"attached": [t.requires_grad for t in (scores, *after)]}
    if len(parts) == len(seeds):
        torch.autograd.backward(parts, seeds)
        none = torch.zeros(())
        told["gradients"] = {name: none if p.grad is None else p.grad for name, p in model.named_parameters()}
        told["before"] = [none if h.grad is None else h.grad for h in before]
    return told


def test_WordModel__can_be_trained(student: Student, rng: torch.Generator) -> None:
    """passes gradients back from the scores and the hidden state to every parameter and to the hidden state before"""
    sizes = [7, 4, 5, 2]
    weights, x, hidden = draw_weights(rng, *sizes, scale=0.5), reading(rng, 7, 3, 2), state(rng, 2, 2, 5)
    seeds = [randn(rng, 6, 7), randn(rng, 2, 2, 5), randn(rng, 2, 2, 5)]
    told = student.run(slopes, weights, sizes, x, hidden, seeds)
    expect(told["attached"][0], "The scores have no graph, so nothing can be learned: is there a detach() or no_grad in forward?")
    expect(all(told["attached"]), "The hidden state has no graph: forward leaves it attached, and repackaging happens outside.")
    model, before = make(wide(weights)), [h.double().requires_grad_() for h in hidden]
    scores, after = model(x, tuple(before))
    torch.autograd.backward([scores, *after], [seed.double() for seed in seeds])
    gradients = {name: p.grad for name, p in model.named_parameters()}
    expect_close(told["gradients"], gradients, "the gradient", rtol=1e-2, atol=1e-3)
    expect_close(told["before"], [h.grad for h in before], ("the gradient of h before", "the gradient of c before"),
                 rtol=1e-2, atol=1e-3)  # fmt: skip


def tied_weights(module: Any, sizes: list[int], tied: bool, weights: Tensors, x: Any) -> Told:
    """Whether the two are one, before and after loading, how many parameters there are, and a step's effect on both."""
    model = module.WordModel(*sizes, tied=tied)
    same = [model.encoder.weight is model.decoder.weight, torch.equal(model.encoder.weight, model.decoder.weight)]
    model.load_state_dict(weights, strict=False)
    same.append(model.encoder.weight is model.decoder.weight)
    count = sum(p.numel() for p in model.parameters())
    hidden = (torch.zeros(sizes[3], x.shape[1], sizes[2]), torch.zeros(sizes[3], x.shape[1], sizes[2]))
    scores = model(x, hidden)[0]
    scores.square().mean().backward()
    with torch.no_grad():
        for p in model.parameters():
            p.sub_(p.grad)
    return {"same": same, "count": count, "scores": scores, "encoder": model.encoder.weight, "decoder": model.decoder.weight}


def test_WordModel__ties_both_weights(student: Student, rng: torch.Generator) -> None:
    """holds one and the same Parameter in encoder and decoder where it is tied, which both learn from"""
    sizes = [9, 5, 5, 1]
    weights, x = draw_weights(rng, *sizes, tied=True, scale=0.4), reading(rng, 9, 4, 3)
    told = student.run(tied_weights, sizes, True, weights, x)
    copied = "With tied=True the two weights are two Parameters: one has to *be* the other, not to have its values."
    expect(told["same"][0], copied)
    expect(told["same"][2], "After loading, the two weights are no longer one.")
    expect_equal(
        told["count"], sum(p.numel() for p in Model(*sizes).parameters()) - 45, "the number of a tied model's parameters"
    )
    model = make(wide(weights))
    model.decoder.weight = model.encoder.weight
    scores = model(x, None)[0]
    scores.square().mean().backward()
    expect_close(told["scores"], scores, "the tensor of a tied model's scores", rtol=1e-3, atol=1e-4)
    after = model.encoder.weight.detach() - model.encoder.weight.grad
    for name in ("encoder", "decoder"):
        expect_close(told[name], after, f"{name}.weight after a step", rtol=1e-2, atol=1e-3)


def test_WordModel__ties_only_when_asked(student: Student, rng: torch.Generator) -> None:
    """has two weights where it is not tied, also where both have one shape"""
    sizes = [9, 5, 5, 1]
    told = student.run(tied_weights, sizes, False, draw_weights(rng, *sizes), reading(rng, 9, 4, 3))
    expect(not told["same"][0], "Encoder and decoder hold one Parameter although tied is False.")
    expect_equal(told["count"], sum(p.numel() for p in Model(*sizes).parameters()), "the number of parameters")


def raised_by(module: Any, sizes: list[int], tied: bool) -> str:
    try:
        module.WordModel(*sizes, tied=tied)
    except Exception as error:  # noqa: BLE001  its kind is told
        return type(error).__name__
    return ""


def test_WordModel__refuses_unequal_sizes(student: Student, rng: torch.Generator) -> None:
    """raises ValueError where tied weights would have two shapes, and only there"""
    for ninp, nhid in ((3, 5), (5, 3)):
        kind = student.run(raised_by, [8, ninp, nhid, 1], True)
        expect(kind != "", "Tied weights with ninp ≠ nhid should raise ValueError, but nothing was raised.")
        expect(kind == "ValueError", f"Tied weights with ninp ≠ nhid should raise ValueError, but it is {kind}.")
        expect(student.run(raised_by, [8, ninp, nhid, 1], False) == "", "ninp ≠ nhid is fine where the weights are not tied.")
    expect(student.run(raised_by, [8, 4, 4, 2], True) == "", "Tied weights with ninp = nhid are fine.")


def first_weights(module: Any, sizes: list[int], tied: bool) -> Tensors:
    model = module.WordModel(*sizes, tied=tied)
    return {name: p.detach() for name, p in model.state_dict().items() if not name.startswith("rnn")}


def expect_uniform(weight: Tensor, name: str) -> None:
    """Drawn uniformly from [-0.1, 0.1], to five standard errors."""
    count = weight.numel()
    most = weight.abs().max().item()
    expect(most <= 0.1 + 1e-6, f"The largest of {name} is {most:.2g}: at the beginning they lie between -0.1 and 0.1.")
    spread = weight.double().square().mean().item() * 300  # 1 for that uniform distribution, with the variance 4/5
    expect(abs(spread - 1) < 5 * math.sqrt(0.8 / count), f"The values of {name} do not fill the range from -0.1 to 0.1 evenly.")
    middle = weight.double().mean().item() / 0.1
    expect(abs(middle) < 5 / math.sqrt(3 * count), f"The values of {name} have a mean that is not 0: they lie on both sides.")


def test_WordModel__draws_its_first_weights(student: Student, rng: torch.Generator) -> None:
    """draws the weights of encoder and decoder uniformly from [-0.1, 0.1], anew for each model; the decoder's bias is 0"""
    for sizes, tied in (([150, 20, 30, 1], False), ([200, 24, 24, 1], True)):
        found = [student.run(first_weights, sizes, tied) for _ in range(2)]
        for weights in found:
            expect_uniform(weights["encoder.weight"], "encoder.weight")
            expect_uniform(weights["decoder.weight"], "decoder.weight")
            expect_close(weights["decoder.bias"], torch.zeros(sizes[0]), "decoder.bias at the beginning", rtol=0, atol=0)
        again = torch.equal(found[0]["encoder.weight"], found[1]["encoder.weight"])
        expect(not again, "Two models have the same first weights: draw them anew, without a seed of your own.")


def dropping(module: Any, weights: Tensors, sizes: list[int], p: float, words: list[int]) -> list[Any]:
    """Scores in train mode of windows of one row with so many columns, each from a state of zeros."""
    model = loaded(module, weights, sizes, p, False).train()
    found = []
    for columns in words:
        hidden = (torch.zeros(sizes[3], columns, sizes[2]), torch.zeros(sizes[3], columns, sizes[2]))
        found.append(model(torch.zeros(1, columns, dtype=torch.int64), hidden)[0])
    return found


BIAS = 2.0  # of the decoder, in the place of what was dropped before it
UNITS, COLUMNS = 8, 900  # how many numbers each column's scores are, and how many columns are drawn


def straight(layers: int, embedding: float, gains: Sequence[float]) -> Tensors:
    """Weights with which unit k sees only number k of what comes in: `gains[l]` times it, plus 1; scores are outputs plus BIAS.

    All words have the one embedding; gates stand half open.
    """
    weights = {name: torch.zeros_like(p) for name, p in Model(UNITS, UNITS, UNITS, layers).named_parameters()}
    weights["encoder.weight"] += embedding
    weights["decoder.weight"] += torch.eye(UNITS)
    weights["decoder.bias"] += BIAS
    for layer, gain in enumerate(gains):
        weights[f"rnn.weight_ih_l{layer}"][2 * UNITS : 3 * UNITS] = gain * torch.eye(UNITS)  # of the gates i, f, g, o the third
        weights[f"rnn.bias_ih_l{layer}"][2 * UNITS : 3 * UNITS] = 1.0
    return weights


def through(value: float, gain: float) -> float:
    """What a unit of such a layer gives for `value`."""
    return 0.5 * math.tanh(0.5 * math.tanh(gain * value + 1.0))


def expect_dropped(scores: Tensor, p: float, kept: float, without: float, where: str) -> None:
    """Of the scores that the last dropout has left, the share p comes from a number that was dropped `where`."""
    outputs = scores.double() - BIAS
    left = outputs[outputs.abs() > 1e-5] * (1 - p)
    dropped, there = (left - without).abs() < 1e-4, (left - kept).abs() < 1e-4
    expect(dropped.any(), f"In train mode nothing is dropped {where}, whatever the probability.")
    expect(bool((dropped | there).all()), f"In train mode there are other values than dropout {where} and on the output makes: "
           "what is kept is divided by 1 - p, and each place is dropped once.")  # fmt: skip
    share = dropped.double().mean().item()
    near = abs(share - p) < 5 * math.sqrt(p * (1 - p) / COLUMNS)
    expect(near, f"With dropout={p} the share of numbers that are dropped {where} is {share:.2f}.")


def expect_output_dropped(scores: Tensor, p: float) -> None:
    share = ((scores - BIAS).abs() < 1e-5).double().mean().item()
    expect(share > 0, "In train mode nothing is dropped of what the LSTM gives to the decoder.")
    near = abs(share - p) < 5 * math.sqrt(p * (1 - p) / COLUMNS)
    expect(near, f"With dropout={p} the share of numbers that are dropped before the decoder is {share:.2f}.")


def test_WordModel__drops_embeddings_and_outputs(student: Student, rng: torch.Generator) -> None:
    """drops, in train mode, numbers of the embeddings and of the LSTM's output, each with the probability `dropout`"""
    sizes = [UNITS, UNITS, UNITS, 1]
    for p in (0.3, 0.6):
        (scores,) = student.run(dropping, straight(1, 1.2, [-1.5]), sizes, p, [COLUMNS])
        expect_shape(scores, (COLUMNS, UNITS), "the tensor of scores")
        expect_output_dropped(scores, p)
        expect_dropped(scores, p, through(1.2 / (1 - p), -1.5), through(0.0, -1.5), "of the embeddings")


def test_WordModel__drops_between_layers(student: Student, rng: torch.Generator) -> None:
    """drops, in train mode, numbers between the layers of the LSTM"""
    p, sizes = 0.4, [UNITS, UNITS, UNITS, 2]
    (scores,) = student.run(dropping, straight(2, 0.0, [0.0, -4.0]), sizes, p, [COLUMNS])
    between = through(0.0, 0.0)
    expect_output_dropped(scores, p)
    expect_dropped(scores, p, through(between / (1 - p), -4.0), through(0.0, -4.0), "between the layers")


def two_drops(module: Any, weights: Tensors, sizes: list[int]) -> list[Any]:
    return dropping(module, weights, sizes, 0.5, [40, 40])


def test_WordModel__drops_others_each_time(student: Student, rng: torch.Generator) -> None:
    """drops other numbers in each forward pass"""
    first, second = student.run(two_drops, straight(1, 1.0, [2.0]), [UNITS, UNITS, UNITS, 1])
    expect(not torch.equal(first, second), "Two forward passes dropped the same numbers: draw anew each time.")


def arguments_after(module: Any, weights: Tensors, sizes: list[int], x: Any, hidden: list[Any]) -> list[Any]:
    loaded(module, weights, sizes, 0.0, False)(x, tuple(hidden))
    return [x, *hidden]


def test_WordModel__leaves_its_arguments_alone(student: Student, rng: torch.Generator) -> None:
    """does not change the window or the hidden state"""
    sizes = [6, 4, 3, 2]
    x, hidden = reading(rng, 6, 4, 2), state(rng, 2, 2, 3)
    found = student.run(arguments_after, draw_weights(rng, *sizes), sizes, x, hidden)
    for after, before, name in zip(found, [x, *hidden], ("the window", "h", "c"), strict=True):
        expect_unchanged(after, before, name)


def scores_of_two(module: Any, first: Tensors, second: Tensors, sizes: list[int], x: Any, hidden: list[Any]) -> list[Any]:
    one, two = loaded(module, first, sizes, 0.0, False), loaded(module, second, sizes, 0.0, False)
    return [one(x, tuple(hidden))[0], two(x, tuple(hidden))[0]]


def test_WordModel__is_not_shared(student: Student, rng: torch.Generator) -> None:
    """makes layers of its own for every model"""
    sizes = [6, 4, 3, 1]
    first, second, x, hidden = draw_weights(rng, *sizes), draw_weights(rng, *sizes), reading(rng, 6, 3, 2), state(rng, 1, 2, 3)
    expected = [make(wide(w))(x, tuple(h.double() for h in hidden))[0] for w in (first, second)]
    found = student.run(scores_of_two, first, second, sizes, x, hidden)
    expect_close(found, expected, ("the scores of the first model", "the scores of the second model"), rtol=1e-3, atol=1e-4)


# init_hidden ---------------------------------------------------------------------------------------------------------


def begin(module: Any, sizes: list[int], columns: list[int], wheres: list[str]) -> list[Any]:
    """The states that a model begins with, its weights float64 for "double" and on no device for "meta"."""
    found = []
    for where in wheres:
        model = module.WordModel(*sizes)
        with torch.no_grad():
            for p in model.parameters():
                p.add_(1.0)
        if "double" in where:
            model = model.double()
        if "meta" in where:
            model = model.to("meta")
        for count in columns:
            state = model.init_hidden(count)
            if not isinstance(state, tuple | list) or len(state) != 2:
                return [type(state).__name__]
            found.append([[t if isinstance(t, torch.Tensor) and t.device.type == "cpu" else None, tuple(t.shape), str(t.dtype),
                           t.device.type, t.requires_grad] for t in state])  # fmt: skip
    return found


def expect_begin(student: Student, sizes: list[int], columns: list[int], wheres: Sequence[str] = ("",)) -> None:
    """Two zeros for each number of columns."""
    asked = [(where, count) for where in wheres for count in columns]
    for found, (where, count) in zip(student.run(begin, sizes, columns, list(wheres)), asked, strict=False):
        dtype = torch.float64 if "double" in where else torch.float32
        expect(isinstance(found, list), "init_hidden should give two tensors, h and c: an LSTM has two states.")
        for (value, shape, kind, device, grad), name in zip(found, ("h", "c"), strict=True):
            expected = (sizes[3], count, sizes[2])
            expect_shape(torch.empty(shape, device="meta"), expected, name)
            right = device == ("meta" if "meta" in where else "cpu")
            expect(
                right, f"{name} is on the device {device}, and the weights were moved elsewhere: ask one of them for its device."
            )
            expect(kind == str(dtype), f"{name} should have the weights' dtype, {dtype}, but it has {kind}.")
            if value is not None:
                expect_close(value, torch.zeros(expected, dtype=dtype), name, rtol=0, atol=0)
            expect(grad is False, f"{name} requires grad, as if it were a parameter: new zeros do not.")


def test_init_hidden__gives_two_zeros(student: Student, rng: torch.Generator) -> None:
    """gives two tensors of zeros (nlayers, columns, nhid)"""
    expect_begin(student, [9, 3, whole(rng, 4, 7), 2], [3, 5])
    expect_begin(student, [5, 4, 2, 1], [6])


def test_init_hidden__takes_one_column(student: Student, rng: torch.Generator) -> None:
    """takes one column, and one layer or three"""
    expect_begin(student, [4, 3, 5, 1], [1, 2, 1])
    expect_begin(student, [4, 3, 5, 3], [1])


def test_init_hidden__takes_the_dtype_of_the_weights(student: Student, rng: torch.Generator) -> None:
    """gives float64 after double()"""
    expect_begin(student, [7, 3, 4, 2], [2, 3], ["double", "double on meta"])


def test_init_hidden__is_where_the_weights_are(student: Student, rng: torch.Generator) -> None:
    """gives tensors on the device that the weights were moved to"""
    expect_begin(student, [7, 3, 4, 2], [3, 2], ["double on meta", "meta"])


# repackage_hidden ----------------------------------------------------------------------------------------------------


def grown(shape: Any, leaf: Any, factors: Any) -> Any:
    """Tensors with a past in the nesting of `shape`, in which a number is a tensor's place, "leaf" the leaf itself."""
    if isinstance(shape, int):
        return leaf * factors[shape]
    if shape == "leaf":
        return leaf
    return type(shape)(grown(each, leaf, factors) for each in shape)


def told_of(it: Any, kind: str) -> Any:
    """The nesting in lists, with each tensor's values or its requires_grad."""
    if isinstance(it, torch.Tensor):
        return it.detach().clone() if kind == "values" else it.requires_grad
    return [told_of(each, kind) for each in it] if isinstance(it, tuple | list) else type(it).__name__


def flat_of(it: Any) -> list[Any]:
    """All tensors in it."""
    if isinstance(it, torch.Tensor):
        return [it]
    return [t for each in it for t in flat_of(each)] if isinstance(it, tuple | list) else []


def repackage(module: Any, shape: Any, start: Any, factors: list[Any]) -> Told:
    leaf = start.requires_grad_()
    h = grown(shape, leaf, factors)
    found = module.repackage_hidden(h)
    told = {"values": told_of(found, "values"), "grad": told_of(found, "grad")}
    told["form"] = [[a is b, a.is_leaf] for a, b in zip(flat_of(found), flat_of(h))]  # noqa: B905  tells mistakes apart
    told["kept"] = told_of(h, "grad")
    told["before"] = told_of(h, "values")
    sum(t.sum() for t in flat_of(h)).backward()
    told["slope"] = leaf.grad
    return told


def listed(shape: Any, start: Tensor, factors: Sequence[Tensor]) -> Any:
    """The values in the nesting, in lists."""
    if isinstance(shape, int):
        return start * factors[shape]
    return start if shape == "leaf" else [listed(each, start, factors) for each in shape]


def expect_repackaged(student: Student, rng: torch.Generator, shape: Any, dtype: torch.dtype = torch.float32) -> None:
    start, factors = randn(rng, 2, 3, dtype=dtype), [randn(rng, 2, 3, dtype=dtype) for _ in range(6)]
    told = student.run(repackage, shape, start, factors)
    expected = listed(shape, start, factors)
    expect_close(told["values"], expected, "the repackaged value", dtype=dtype)
    none = [False] * len(flat_of(expected))
    expect_equal(flat(told["grad"]), none, "the list of the results' requires_grad")
    expect(all(flat(told["kept"])), "What was given has lost its past: detach_() changes a tensor, detach() makes another one.")
    expect_close(told["before"], expected, "the value that was given, afterwards,", rtol=0, atol=1e-6)


def flat(nested: Any) -> list[Any]:
    return [item for each in nested for item in flat(each)] if isinstance(nested, list | tuple) else [nested]


def test_repackage_hidden__detaches_a_pair(student: Student, rng: torch.Generator) -> None:
    """gives the values of a pair of tensors without their past, and leaves the pair its own"""
    expect_repackaged(student, rng, (0, 1))
    expect_repackaged(student, rng, (3, 2))


def test_repackage_hidden__detaches_a_tensor(student: Student, rng: torch.Generator) -> None:
    """takes a single tensor, as an RNN or a GRU has it"""
    expect_repackaged(student, rng, 0)


def test_repackage_hidden__goes_down(student: Student, rng: torch.Generator) -> None:
    """goes down through tuples and lists within each other"""
    expect_repackaged(student, rng, ((0, 1), (2, 3)))
    expect_repackaged(student, rng, [0, (1, [2, (3,)])])
    expect_repackaged(student, rng, [[[[4]]], 5])


def test_repackage_hidden__takes_lists(student: Student, rng: torch.Generator) -> None:
    """takes lists of any length, and pairs that hold the same tensor twice"""
    expect_repackaged(student, rng, [0, 1, 2])
    expect_repackaged(student, rng, (1,))
    expect_repackaged(student, rng, (1, 1))


def test_repackage_hidden__detaches_leaves(student: Student, rng: torch.Generator) -> None:
    """detaches a tensor that is itself a leaf with requires_grad, such as a learned first state"""
    expect_repackaged(student, rng, ("leaf", 0))


def test_repackage_hidden__keeps_the_dtype(student: Student, rng: torch.Generator) -> None:
    """keeps float64"""
    expect_repackaged(student, rng, (0, [1]), torch.float64)


# clip_gradients ------------------------------------------------------------------------------------------------------


class NoticeUtils(TorchFunctionMode):
    """Notices whether something of torch.nn.utils computes."""

    def __init__(self) -> None:
        super().__init__()
        self.noticed = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        frame = sys._getframe(1)
        while frame is not None:
            name = str(frame.f_globals.get("__name__", ""))
            if name.startswith("torch.nn.utils"):
                self.noticed.append(name)
                break
            frame = frame.f_back
        return func(*args, **(kwargs or {}))


def clip(module: Any, params: list[Any], gradients: list[Any], max_norm: float, calls: int) -> Told:
    """The norms of `calls` calls, and what is in `.grad` afterwards; text in a gradient's place stands for none."""
    params = [nn.Parameter(p) for p in params]
    for p, g in zip(params, gradients):  # noqa: B905  as long as each other
        p.grad = None if isinstance(g, str) else g
    with NoticeUtils() as notice:
        norms = [module.clip_gradients(params, max_norm) for _ in range(calls)]
    return {
        "norms": norms,
        "gradients": [p.grad for p, g in zip(params, gradients) if not isinstance(g, str)],  # noqa: B905
        "none": [p.grad is None for p, g in zip(params, gradients) if isinstance(g, str)],  # noqa: B905
        "params": [p.detach() for p in params],
        "noticed": notice.noticed[:1],
    }


BY_HAND = "This task is to be done by hand, but your code uses torch.nn.utils: compute the norm and scale yourself."


def total_norm(gradients: Sequence[Tensor | str]) -> float:
    return math.sqrt(sum(g.double().square().sum().item() for g in gradients if isinstance(g, Tensor)))


def expect_clipped(
    student: Student, gradients: list[Tensor | str], max_norm: float, *, grows: float | None = None, calls: int = 1
) -> None:
    """Fail unless the norm is right, and all gradients are scaled by one factor, or none."""
    params = [torch.full_like(g, 2.0) if isinstance(g, Tensor) else torch.full((2,), 2.0) for g in gradients]
    told = student.run(clip, params, gradients, max_norm, calls)
    there = [g.double() for g in gradients if isinstance(g, Tensor)]
    norm = total_norm(gradients)
    factor = max_norm / (norm + 1e-6) if norm > max_norm else 1.0
    expect_number(told["norms"][0], norm, "the norm")
    slips = {"Each gradient is clipped by itself: the norm is that of all together, and so is the factor.":
             [g * min(max_norm / (g.norm().item() + 1e-6), 1.0) for g in there],
             "The gradients have grown: they are scaled only where the norm is larger than max_norm.":
             [g * max_norm / (norm + 1e-6) for g in there]}  # fmt: skip
    expected = [g * factor for g in there]
    slips = {said: wrong for said, wrong in slips.items()
             if not all(torch.allclose(a, b) for a, b in zip(wrong, expected, strict=True))}  # fmt: skip
    names = [f"gradient {i} afterwards" for i in range(len(there))]
    expect_close(told["gradients"], expected, names, dtype=None, slips=slips)
    for found, before in zip(told["gradients"], (g for g in gradients if isinstance(g, Tensor)), strict=True):
        expect_dtype(found, before.dtype, "a gradient afterwards")
    expect(all(told["none"]), "A parameter without a gradient should have none afterwards.")
    for after, before in zip(told["params"], params, strict=True):
        expect_unchanged(after, before, "a parameter's value")
    if calls > 1:
        expect_number(told["norms"][1], min(norm, max_norm), "the norm in a second call")
    expect(not told["noticed"], BY_HAND)


def gradients_of(rng: torch.Generator, scale: float, dtype: torch.dtype = torch.float32) -> list[Tensor | str]:
    shapes = ((whole(rng, 3, 6), 4), (5,), (2, 3, 2), ())
    return [scale * randn(rng, *shape, dtype=dtype) for shape in shapes]


@conduct
def test_clip_gradients__scales_all_together(student: Student, rng: torch.Generator) -> None:
    """scales all gradients by one factor where their norm together is too large, and gives the norm from before"""
    expect_clipped(student, gradients_of(rng, 2.0), 0.7)
    expect_clipped(student, [randn(rng, 1) + 4, randn(rng, 1) - 5], 1.0)


def test_clip_gradients__leaves_small_ones(student: Student, rng: torch.Generator) -> None:
    """leaves gradients as they are whose norm is smaller, and gives it all the same"""
    expect_clipped(student, gradients_of(rng, 0.1), 5.0)
    expect_clipped(student, gradients_of(rng, 1e-3), 0.2)


def test_clip_gradients__looks_at_all_together(student: Student, rng: torch.Generator) -> None:
    """scales where each gradient is small by itself, and only all together are too large"""
    expect_clipped(student, [0.5 * F.normalize(randn(rng, 6), dim=0) for _ in range(9)], 1.0)


def test_clip_gradients__skips_what_has_none(student: Student, rng: torch.Generator) -> None:
    """goes round parameters that have no gradient"""
    one, two, *_ = gradients_of(rng, 3.0)
    expect_clipped(student, ["none", one, "none", two, "none"], 0.9)
    expect_clipped(student, ["none", 0.01 * one], 0.9)


def test_clip_gradients__takes_none_at_all(student: Student, rng: torch.Generator) -> None:
    """gives 0.0 where no parameter has a gradient, and where there is no parameter"""
    expect_clipped(student, ["none", "none"], 1.0)
    expect_clipped(student, [], 2.0)


def test_clip_gradients__takes_zeros(student: Student, rng: torch.Generator) -> None:
    """leaves gradients that are zero, of which the norm is 0"""
    expect_clipped(student, [torch.zeros(3, 2), torch.zeros(4)], 0.5)


def test_clip_gradients__takes_a_single_gradient(student: Student, rng: torch.Generator) -> None:
    """takes a single gradient of one number, negative ones too"""
    expect_clipped(student, [torch.tensor(-3.5)], 0.25)
    expect_clipped(student, [torch.tensor([-0.5])], 2.0)


def test_clip_gradients__keeps_the_dtype(student: Student, rng: torch.Generator) -> None:
    """computes in float64 where the gradients are float64"""
    expect_clipped(student, gradients_of(rng, 2.0, torch.float64), 1.5)


def test_clip_gradients__can_be_called_twice(student: Student, rng: torch.Generator) -> None:
    """finds the norm max_norm when it is called once more"""
    expect_clipped(student, gradients_of(rng, 4.0), 2.5, calls=2)


# train_epoch ---------------------------------------------------------------------------------------------------------


MOOD = 0.4  # what the suite's models multiply their scores by in the wrong mode


def trained(
    module: Any, weights: Tensors, source: Any, bptt: int, limit: float, rates: list[float], old: float, arrives: bool
) -> Told:
    """The weights after epochs with these rates; before the first one, `.grad` holds `old` everywhere unless that is 0."""
    model = make(weights, 0.4, False).train(arrives)
    for p in model.parameters():
        p.grad = torch.full_like(p, old) if old else None
    losses = [module.train_epoch(model, source, bptt, limit, lr) for lr in rates]
    return {"losses": losses, "weights": values(model), "source": source}


def epochs(weights: Tensors, source: Tensor, bptt: int, limit: float, rates: Sequence[float]) -> tuple[list[float], Tensors]:
    """What such epochs come to, in float64."""
    model, losses = make(wide(weights)), []
    for lr in rates:
        hidden, total = model.init_hidden(source.shape[1]), 0.0
        for i in range(0, len(source) - 1, bptt):
            x, targets = window(source, i, bptt)
            scores, hidden = model(x, tuple(h.detach() for h in hidden))
            loss = F.cross_entropy(scores, targets)
            slopes = torch.autograd.grad(loss, list(model.parameters()))
            norm = total_norm(slopes)
            factor = limit / (norm + 1e-6) if norm > limit else 1.0
            with torch.no_grad():
                for p, slope in zip(model.parameters(), slopes, strict=True):
                    p.sub_(lr * factor * slope)
            total += loss.item() * len(targets)
        losses.append(total / ((len(source) - 1) * source.shape[1]))
    return losses, values(model)


def norms(weights: Tensors, source: Tensor, bptt: int) -> list[float]:
    """The gradients' norm in each window, with the weights as they are."""
    model, found = make(wide(weights)), []
    hidden = model.init_hidden(source.shape[1])
    for i in range(0, len(source) - 1, bptt):
        x, targets = window(source, i, bptt)
        scores, hidden = model(x, tuple(h.detach() for h in hidden))
        found.append(total_norm(torch.autograd.grad(F.cross_entropy(scores, targets), list(model.parameters()))))
    return found


def expect_trained(
    student: Student, weights: Tensors, source: Tensor, bptt: int, limit: float, rates: Sequence[float] = (0.5,), *,
    old: float = 0.0, arrives: bool = True,
) -> None:  # fmt: skip
    told = student.run(trained, weights, source, bptt, limit, list(rates), old, arrives)
    losses, after = epochs(weights, source, bptt, limit, rates)
    for i, (found, right) in enumerate(zip(told["losses"], losses, strict=True)):
        expect_number(found, right, "the mean loss per word" if i == 0 else f"the mean loss per word in epoch {i + 1}", atol=1e-4)
    expect_close(told["weights"], after, "after training, the value", rtol=1e-3, atol=1e-4)


def draw_task(rng: torch.Generator, rows: int, columns: int) -> tuple[Tensors, Tensor]:
    """Weights of a small model with two layers, and a text."""
    return draw_weights(rng, 7, 3, 4, 2, scale=0.8), reading(rng, 7, rows, columns)


def between(weights: Tensors, source: Tensor, bptt: int) -> float:
    """A limit that some windows' gradients exceed and others do not."""
    found = sorted(norms(weights, source, bptt))
    return (found[0] + found[-1]) / 2


def test_train_epoch__trains_in_windows(student: Student, rng: torch.Generator) -> None:
    """makes a clipped step in each window, with the hidden state of the window before, and gives the mean loss per word"""
    weights, source = draw_task(rng, 15, 3)
    expect_trained(student, weights, source, 4, 0.3 * min(norms(weights, source, 4)), (1.0,), old=0.3)
    weights, source = draw_task(rng, 12, 4)
    expect_trained(student, weights, source, 5, between(weights, source, 5), (0.3,), old=-0.2)


def test_train_epoch__clips_large_gradients(student: Student, rng: torch.Generator) -> None:
    """clips the gradients, all together, after backward and before the step"""
    weights, source = draw_task(rng, 13, 3)
    expect_trained(student, weights, source, 4, 0.05, (2.0,))


def test_train_epoch__leaves_small_gradients(student: Student, rng: torch.Generator) -> None:
    """leaves gradients alone whose norm is below the limit"""
    weights, source = draw_task(rng, 13, 3)
    expect_trained(student, weights, source, 4, 50.0, (0.2,))


def test_train_epoch__clears_gradients(student: Student, rng: torch.Generator) -> None:
    """clears the gradients for each window, those from before the call as well"""
    weights, source = draw_task(rng, 17, 2)
    expect_trained(student, weights, source, 4, 50.0, (0.1,), old=5.0)


def test_train_epoch__carries_the_hidden_state(student: Student, rng: torch.Generator) -> None:
    """carries the hidden state from window to window: with lr = 0 the loss shows it"""
    weights, source = draw_weights(rng, 6, 3, 5, 1, scale=1.5), reading(rng, 6, 9, 4)
    expect_trained(student, weights, source, 2, 1.0, (0.0,))


def test_train_epoch__begins_at_zeros(student: Student, rng: torch.Generator) -> None:
    """begins each epoch with zeros for the hidden state, and keeps nothing from the epoch before"""
    weights, source = draw_task(rng, 11, 3)
    expect_trained(student, weights, source, 3, 1.0, (0.3, 0.1, 0.3))


def test_train_epoch__cuts_the_past_off(student: Student, rng: torch.Generator) -> None:
    """cuts the hidden state from its past in each of many windows"""
    weights, source = draw_weights(rng, 5, 3, 3, 1), reading(rng, 5, 31, 2)
    expect_trained(student, weights, source, 1, 5.0, (0.05,))


def test_train_epoch__weighs_windows_by_their_words(student: Student, rng: torch.Generator) -> None:
    """counts a last window of one row less than the others in the mean"""
    weights, source = draw_task(rng, 7, 3)
    expect_trained(student, weights, source, 5, 1.0, (0.4,))
    weights, source = draw_task(rng, 14, 2)
    expect_trained(student, weights, source, 6, 1.0, (0.0,))


def test_train_epoch__takes_one_window(student: Student, rng: torch.Generator) -> None:
    """takes a text that is shorter than bptt, one of two rows, and one column"""
    for rows, columns, bptt in ((6, 3, 40), (2, 4, 1), (2, 1, 9), (9, 1, 3)):
        weights, source = draw_task(rng, rows, columns)
        expect_trained(student, weights, source, bptt, 0.5)


def test_train_epoch__is_in_train_mode(student: Student, rng: torch.Generator) -> None:
    """trains in train mode a model that came in eval mode"""
    weights, source = draw_task(rng, 10, 2)
    expect_trained(student, weights, source, 4, 1.0, arrives=False)


def test_train_epoch__leaves_the_text_alone(student: Student, rng: torch.Generator) -> None:
    """leaves the text as it was"""
    weights, source = draw_task(rng, 8, 2)
    expect_unchanged(student.run(trained, weights, source, 3, 1.0, [0.1], 0.0, True)["source"], source, "the text")


# perplexity ----------------------------------------------------------------------------------------------------------


def measured(module: Any, weights: Tensors, source: Any, windows: list[int], training: bool, mood: float) -> Told:
    """The perplexity for each size of windows, and what became of the model and of the text."""
    model = make(weights, mood, True).train(training)
    for p in model.parameters():
        p.grad = torch.full_like(p, 0.5)
    found = [module.perplexity(model, source, bptt) for bptt in windows]
    return {
        "found": found, "training": [each.training for each in model.modules()], "weights": values(model), "source": source,
        "gradients": [torch.full((1,), float("nan")) if p.grad is None else p.grad for p in model.parameters()],
    }  # fmt: skip


def surprise(weights: Tensors, source: Tensor) -> float:
    model = make(wide(weights)).eval()
    with torch.no_grad():
        scores, _ = model(source[:-1], None)
        return F.cross_entropy(scores, source[1:].flatten()).exp().item()


def expect_perplexity(
    student: Student, weights: Tensors, source: Tensor, windows: list[int], *, training: bool = False, mood: float = 1.0
) -> Told:
    told: Told = student.run(measured, weights, source, windows, training, mood)
    right = surprise(weights, source)
    for found, bptt in zip(told["found"], windows, strict=True):
        expect_number(found, right, f"the perplexity in windows of {bptt}" if len(windows) > 1 else "the perplexity", rtol=2e-4)
    return told


def draw_text(rng: torch.Generator, rows: int, columns: int) -> tuple[Tensors, Tensor]:
    return draw_weights(rng, 9, 4, 5, 2), reading(rng, 9, rows, columns)


def test_perplexity__measures_every_word(student: Student, rng: torch.Generator) -> None:
    """is e to the mean cross entropy of all words that are predicted, with a shorter last window"""
    weights, source = draw_text(rng, 12, 3)
    expect_perplexity(student, weights, source, [4])
    weights, source = draw_text(rng, 9, 4)
    expect_perplexity(student, weights, source, [3])


def test_perplexity__is_the_same_for_every_bptt(student: Student, rng: torch.Generator) -> None:
    """is the same for windows of every size, from one row to more than there are"""
    weights, source = draw_text(rng, 11, 3)
    expect_perplexity(student, weights, source, [1, 3, 5, 10, 11, 60])


def test_perplexity__is_in_eval_mode(student: Student, rng: torch.Generator) -> None:
    """measures in eval mode a model that comes in train mode"""
    weights, source = draw_text(rng, 8, 3)
    expect_perplexity(student, weights, source, [5], training=True, mood=MOOD)


def test_perplexity__restores_the_mode(student: Student, rng: torch.Generator) -> None:
    """leaves the model in the mode in which it came, train or eval"""
    weights, source = draw_text(rng, 7, 2)
    for training in (True, False, True):
        told = expect_perplexity(student, weights, source, [3], training=training)
        mode = "train" if training else "eval"
        expect(told["training"][0] is training, f"A model that came in {mode} mode should be in {mode} mode afterwards.")


def test_perplexity__takes_small_texts(student: Student, rng: torch.Generator) -> None:
    """takes one column, two rows, and a single word to predict"""
    for rows, columns, bptt in ((10, 1, 4), (2, 5, 3), (2, 1, 1), (3, 2, 1)):
        weights, source = draw_text(rng, rows, columns)
        expect_perplexity(student, weights, source, [bptt])


def test_perplexity__starts_afresh(student: Student, rng: torch.Generator) -> None:
    """begins with zeros for the hidden state at every call"""
    weights, source = draw_text(rng, 6, 2)
    expect_perplexity(student, weights, source, [2, 2, 2])


def test_perplexity__counts_surprises(student: Student, rng: torch.Generator) -> None:
    """is large where a model is sure and mistaken in a part of the text"""
    weights = draw_weights(rng, 8, 4, 5, 1)
    weights["decoder.bias"] = torch.arange(8.0)
    source = torch.cat([torch.full((6, 2), 7), reading(rng, 8, 4, 2)])
    expect_perplexity(student, weights, source, [3])


def test_perplexity__changes_nothing(student: Student, rng: torch.Generator) -> None:
    """leaves parameters, gradients and the text as they are"""
    weights, source = draw_text(rng, 9, 2)
    told = expect_perplexity(student, weights, source, [4], training=True)
    expect_close(told["weights"], weights, "after measuring, the value", rtol=0, atol=0)
    for gradient in told["gradients"]:
        kept = bool((gradient == 0.5).all())
        expect(kept, "The parameters' gradients are not what they were: measuring needs no backward and clears nothing.")
    expect_unchanged(told["source"], source, "the text")


# generate ------------------------------------------------------------------------------------------------------------


class Chain(nn.Module):
    """Scores that depend on the word before and, by `beat`, on how many words were read: the hidden state counts them.

    It has WordModel's attributes, though only `table` matters; in train mode the scores are turned round.
    """

    def __init__(self, table: Any, beat: Any) -> None:
        super().__init__()
        self.encoder, self.rnn, self.decoder = nn.Embedding(len(table), 2), nn.LSTM(2, 2, 1), nn.Linear(2, len(table))
        self.table, self.beat = nn.Parameter(table), beat
        self.graphs = []

    def forward(self, x: Any, hidden: Any) -> Any:
        count, other = self.init_hidden(x.shape[1]) if hidden is None else hidden
        steps = (int(count[0, 0, 0]) + torch.arange(len(x))) % len(self.beat)
        scores = (self.table[x] + self.beat[steps].unsqueeze(1)).flatten(0, 1)
        self.graphs.append(scores.requires_grad)
        return -scores if self.training else scores, (count + len(x), other)

    def init_hidden(self, columns: int) -> Any:
        return torch.zeros(1, columns, 2), torch.zeros(1, columns, 2)


def written(
    module: Any, table: Any, beat: Any, start: int, lengths: list[int], temperature: float, seed: int, training: bool
) -> Told:
    """What a chain writes in calls with one generator, and what became of model, mode and PyTorch's own generator."""
    model, generator = Chain(table, beat).train(training), torch.Generator().manual_seed(seed)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    found = [module.generate(model, start, length, temperature, generator) for length in lengths]
    return {
        "found": found, "training": model.training, "graphs": model.graphs, "table": model.table.detach(),
        "moved": torch.get_rng_state() != before, "gradient": model.table.grad is not None,
    }  # fmt: skip


def write_by(
    student: Student, table: Tensor, lengths: list[int], temperature: float, rng: torch.Generator, *, start: int = 0,
    beat: Tensor | None = None, training: bool = False,
) -> Told:  # fmt: skip
    """What came, of which each is a list of numbers of words."""
    beat = torch.zeros(1, len(table)) if beat is None else beat
    told: Told = student.run(written, table, beat, start, lengths, temperature, seed_of(rng), training)
    for found, length in zip(told["found"], lengths, strict=True):
        expect(isinstance(found, list | tuple), "generate should return a list of word numbers.")
        words = [int(i) if isinstance(i, Tensor) and i.numel() == 1 and not i.requires_grad else i for i in found]
        expect(all(isinstance(i, int) for i in words), "The list should hold word numbers, each a whole number.")
        expect_equal(len(words), length, "the number of words")
        expect(all(0 <= i < len(table) for i in words), "There is a number in the list that no word has.")
        found[:] = words
    return told


def expect_shares(counts: Counter[int], probabilities: Tensor, what: str) -> None:
    """Each word's share is its probability, to five standard errors and a little."""
    total = sum(counts.values())
    for i, p in enumerate(probabilities.double().tolist()):
        room = 5 * math.sqrt(p * (1 - p) / total) + 4 / total  # of which a rare word takes more
        expect(abs(counts[i] / total - p) < room, f"{what} a word came {counts[i]} times in {total}; "
               "that is not what softmax(scores / temperature) says.")  # fmt: skip


def expect_pairs(words: Sequence[int], start: int, table: Tensor, temperature: float) -> None:
    """After each word, the next one has the shares that the table says."""
    after: dict[int, Counter[int]] = {}
    for before, word in zip([start, *words], words, strict=False):
        after.setdefault(before, Counter())[word] += 1
    for before, counts in after.items():
        if sum(counts.values()) >= 60:
            expect_shares(counts, (table[before] / temperature).softmax(0), "After a certain word,")


LENGTH = 450


def test_generate__draws_by_the_scores(student: Student, rng: torch.Generator) -> None:
    """draws each word from softmax(scores / temperature) and reads it next"""
    for temperature in (1.0, 0.6):
        table = randn(rng, 5, 5)
        (words,) = write_by(student, table, [LENGTH], temperature, rng)["found"]
        expect_pairs(words, 0, table, temperature)


def test_generate__divides_by_the_temperature(student: Student, rng: torch.Generator) -> None:
    """draws more evenly where the temperature is high, and more surely where it is low"""
    table = randn(rng, 4, 4)
    for temperature in (2.5, 0.3):
        (words,) = write_by(student, table, [LENGTH], temperature, rng)["found"]
        expect_pairs(words, 0, table, temperature)


def test_generate__carries_the_hidden_state(student: Student, rng: torch.Generator) -> None:
    """hands the hidden state on from word to word"""
    beat = 30.0 * F.one_hot(torch.tensor([2, 0, 3, 1]), 4)
    (words,) = write_by(student, randn(rng, 4, 4), [11], 1.0, rng, beat=beat, start=3)["found"]
    expect_equal(words, ([2, 0, 3, 1] * 3)[:11], "the list of words of a model that counts what it has read")


def test_generate__takes_the_largest_at_temperature_0(student: Student, rng: torch.Generator) -> None:
    """takes the word of the highest score at temperature 0, beginning after `start`, which is not in the list"""
    for size in (5, 8):
        steps, table = torch.randperm(size, generator=rng), 0.1 * randn(rng, size, size)
        table[steps, steps.roll(-1)] += 2.0
        start, found = whole(rng, 0, size - 1), []
        for _ in range(9):
            found.append(table[found[-1] if found else start].argmax().item())
        for temperature in (0.0, 0):
            (words,) = write_by(student, table, [9], temperature, rng, start=start)["found"]
            expect_equal(words, found, "the list of words at temperature 0")


def test_generate__begins_after_the_start(student: Student, rng: torch.Generator) -> None:
    """reads `start` first: the first word is one that follows it"""
    table = torch.zeros(6, 6)
    for start, follows in ((4, 1), (0, 5), (2, 3)):
        table[start, follows] = 40.0
        firsts = write_by(student, table, [1] * 8, 1.0, rng, start=start)["found"]
        expect_equal([first[0] for first in firsts], [follows] * 8, "the list of words that follow a certain start")


def test_generate__takes_any_length(student: Student, rng: torch.Generator) -> None:
    """gives [] for the length 0, and one word for 1"""
    for temperature in (1.0, 0.0):
        write_by(student, randn(rng, 4, 4), [0, 1, 7, 0], temperature, rng)


def test_generate__draws_with_the_generator_alone(student: Student, rng: torch.Generator) -> None:
    """draws with the generator that it is given: the same seed gives the same words, and PyTorch's own is not touched"""
    table, seed = randn(rng, 6, 6), seed_of(rng)
    beat = torch.zeros(1, 6)
    first, again, other = (student.run(written, table, beat, 1, [40], 1.0, each, False) for each in (seed, seed, seed + 1))
    expect_equal(again["found"], first["found"], "the list of words with a generator of the same seed")
    expect(
        first["found"] != other["found"], "Generators of different seeds gave the same words: draw with the one that is given."
    )
    expect(not first["moved"].any(), "PyTorch's own generator was used or seeded: draw with the one that is given alone.")


def test_generate__goes_on_with_the_generator(student: Student, rng: torch.Generator) -> None:
    """writes something else in a second call with the same generator"""
    first, second = write_by(student, 0.5 * randn(rng, 6, 6), [40, 40], 1.0, rng)["found"]
    expect(first != second, "Two calls with one generator gave the same words: do not seed it or copy it.")


def test_generate__is_in_eval_mode(student: Student, rng: torch.Generator) -> None:
    """writes in eval mode with a model that comes in train mode, and restores the mode"""
    for training in (True, False, True):
        table = 3.0 * randn(rng, 4, 4)
        told = write_by(student, table, [200], 1.0, rng, training=training)
        expect_pairs(told["found"][0], 0, table, 1.0)
        mode = "train" if training else "eval"
        expect(told["training"] is training, f"A model that came in {mode} mode should be in {mode} mode afterwards.")


@conduct
def test_generate__makes_no_graph(student: Student, rng: torch.Generator) -> None:
    """makes no graph, and changes neither weights nor gradients"""
    table = randn(rng, 5, 5)
    told = write_by(student, table, [6], 1.0, rng)
    expect(not any(told["graphs"]), "The scores have a graph, which grows with every word: write under torch.no_grad().")
    expect_close(told["table"], table, "the weights afterwards", rtol=0, atol=0)
    expect(not told["gradient"], "There is a gradient afterwards where there was none.")


def written_by_lstm(module: Any, weights: Tensors, start: int, length: int) -> Any:
    return module.generate(make(weights, 0.4, True).eval(), start, length, 0.0, torch.Generator())


def test_generate__works_with_an_lstm(student: Student, rng: torch.Generator) -> None:
    """writes what a model with two layers of LSTM scores highest, word by word"""
    for _ in range(20):
        weights = draw_weights(rng, 9, 4, 6, 2, scale=1.5)
        model, hidden, word, expected, sure = make(wide(weights)).eval(), None, 3, [], True
        for _ in range(12):
            scores, hidden = model(torch.tensor([[word]]), hidden)
            best = scores[0].topk(2)
            word, sure = int(best.indices[0]), sure and bool(best.values[0] - best.values[1] > 0.02)
            expected.append(word)
        if sure and len(set(expected)) > 2:
            break
    found = student.run(written_by_lstm, weights, 3, 12)
    expect_equal([int(i) for i in found] if isinstance(found, list | tuple) else found, expected, "the list of words")


# trained_perplexity --------------------------------------------------------------------------------------------------


TOKENS, UNSEEN = 20_000, 6000  # of the text to train on, and of the one to measure on
HIDDEN, SIDE, ROWS, LIMIT = 64, 20, 20, 0.25  # of the model; columns, rows of a window, and the clipping
RATES = (10.0,) * 10 + (2.5,) * 2  # of the epochs
MOST = 1.4  # times the grammar's own perplexity; right programs have 1.09 to 1.11 of it over 20 seeds


def train_on_text(
    module: Any, source: Any, words: int, size: int, bptt: int, limit: float, rates: list[float], seed: int
) -> Told:
    """The learner's model, trained by the learner's train_epoch: its weights, and the mean loss of each epoch."""
    torch.manual_seed(seed)
    model = module.WordModel(words, size, size, 1, tied=True)
    losses = [module.train_epoch(model, source, bptt, limit, lr) for lr in rates]
    return {"weights": {name: t.detach() for name, t in model.state_dict().items()}, "losses": losses}


def expect_fits(weights: Tensors, words: int) -> None:
    """The weights fit the grader's own model."""
    wanted = {name: p.shape for name, p in Model(words, HIDDEN, HIDDEN, 1).named_parameters()}
    extra, missing = sorted(set(weights) - set(wanted)), sorted(set(wanted) - set(weights))
    expect(
        not extra,
        f"The trained model's state_dict has {', '.join(map(str, extra[:4]))} beside the weights of the task WordModel.",
    )
    expect(not missing, f"The trained model's state_dict lacks {', '.join(missing[:4])}: see the task WordModel.")
    for name, shape in wanted.items():
        expect_shape(weights[name], shape, f"after training, {name}")
        expect_dtype(weights[name], torch.float32, f"after training, {name}")
        bad = f"After training, {name} contains nan or inf: the training diverged. Are gradients cleared and clipped?"
        expect(bool(torch.isfinite(weights[name]).all()), bad)
    tied = torch.equal(weights["encoder.weight"], weights["decoder.weight"])
    expect(tied, "After training, encoder.weight and decoder.weight differ: with tied=True both are one Parameter.")


def plain_numbers(losses: Any) -> list[float]:
    """The finite ones of what should be a list of losses."""
    scalars = [x for x in losses if isinstance(x, int | float) or (isinstance(x, Tensor) and x.numel() == 1)]
    return [float(x) for x in scalars if math.isfinite(x)]


def cut_up(lines: Sequence[str], known: dict[str, int], columns: int) -> Tensor:
    """A text in columns."""
    numbers = torch.tensor([known[word] for line in lines for word in [*line.split(), "<eos>"]])
    return side_by_side(numbers, columns)


def sentences(weights: Tensors, known: dict[str, int], rng: torch.Generator) -> list[dict[str, Any]]:
    """What the model writes at three temperatures: ten sentences each."""
    model, names, found = make(weights).eval(), list(known), []
    for temperature in (0.5, 1.0, 2.0):
        hidden, word, words = None, known["<eos>"], []
        with torch.no_grad():
            while words.count("<eos>") < 10 and len(words) < 200:
                scores, hidden = model(torch.tensor([[word]]), hidden)
                word = int(torch.multinomial((scores[0] / temperature).softmax(0), 1, generator=rng))
                words.append(names[word])
        lines = " ".join(words).split("<eos>")
        found.append({"temperature": temperature, "lines": [line.strip() for line in lines[:10] if line.strip()]})
    return found


def test_trained_perplexity__stays_below_the_limit(
    student: Student, rng: torch.Generator, attach: Callable[[str, Any], None]
) -> None:
    """trains this topic's model so that an unseen text surprises it little more than the grammar itself"""
    read, unseen = grammar.draw(TOKENS, seed_of(rng)), grammar.draw(UNSEEN, seed_of(rng))
    names = ["<eos>", *grammar.vocabulary()]
    known = {names[i]: number for number, i in enumerate(torch.randperm(len(names), generator=rng).tolist())}
    plan = [len(known), HIDDEN, ROWS, LIMIT, list(RATES)]
    found = student.run(train_on_text, cut_up(read.lines, known, SIDE), *plan, seed_of(rng))
    expect_fits(found["weights"], len(known))
    reached = surprise(found["weights"], cut_up(unseen.lines, known, 10))
    counts = Counter(word for line in read.lines for word in [*line.split(), "<eos>"])
    total = counts.total()
    alone = math.exp(-sum(n / total * math.log(n / total) for n in counts.values()))
    most = MOST * unseen.perplexity
    attach("losses", plain_numbers(found["losses"]))
    about = {"reached": reached, "most": most, "own": unseen.perplexity, "alone": alone, "words": len(known)}
    attach("written", {**about, "texts": sentences(found["weights"], known, rng)})
    expect(reached <= most, f"The trained model's perplexity on an unseen text is {reached:.1f}; at most {most:.1f} is wanted, "
                            f"and who knows only how frequent each word is has {alone:.0f}. It was trained by your train_epoch: "
                            "if that task lost points, mend it first.")  # fmt: skip
