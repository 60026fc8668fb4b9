"""Checks of topic 10 that you can follow on paper: `pytest exercises/10_word_lm`, or one task: add `-k batchify`.

`student.run` runs a small function of this file next to your module: it makes dictionaries and models, hands them to your
functions and returns what came of it.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from autograder import Student, expect, expect_close, expect_equal, expect_shape, expect_unchanged


class Words:
    """A dictionary as Dictionary should be one."""

    def __init__(self, words: list[str]) -> None:
        self.word2idx = {word: i for i, word in enumerate(words)}
        self.idx2word = list(words)

    def add(self, word: str) -> int:
        """The number of the word."""
        if word not in self.word2idx:
            self.word2idx[word] = len(self.idx2word)
            self.idx2word.append(word)
        return self.word2idx[word]

    def __len__(self) -> int:
        return len(self.idx2word)


class Same(nn.Module):
    """A model whose scores are the decoder's bias, after every word: its other weights are 0."""

    def __init__(self, bias: Any) -> None:
        super().__init__()
        self.encoder, self.rnn, self.decoder = nn.Embedding(len(bias), 2), nn.LSTM(2, 2, 1), nn.Linear(2, len(bias))
        with torch.no_grad():
            for p in self.parameters():
                p.zero_()
            self.decoder.bias.copy_(torch.as_tensor(bias))

    def forward(self, x: Tensor, hidden: Any) -> Any:
        """Scores (T·B, V) and the hidden state."""
        output, hidden = self.rnn(self.encoder(x), hidden)
        return self.decoder(output).flatten(0, 1), hidden

    def init_hidden(self, columns: int) -> Any:
        """Zeros."""
        return torch.zeros(1, columns, 2), torch.zeros(1, columns, 2)


# Dictionary ----------------------------------------------------------------------------------------------------------


def number(module: Any, words: list[str]) -> dict[str, Any]:
    """What a new dictionary says of words that are added one after the other."""
    dictionary = module.Dictionary()
    empty = len(dictionary)
    numbers = [dictionary.add(word) for word in words]
    back = dictionary.idx2word
    return {
        "empty": empty, "numbers": numbers, "length": len(dictionary), "word2idx": dict(dictionary.word2idx),
        "idx2word": [back[i] for i in sorted(set(numbers))],
    }  # fmt: skip


def test_Dictionary__numbers(student: Student) -> None:
    """numbers "a", "b", "a", "c" with 0, 1, 0, 2"""
    told = student.run(number, ["a", "b", "a", "c"])
    expect_equal(told["numbers"], [0, 1, 0, 2], "the list of numbers that add gives")
    expect_equal(told["word2idx"], {"a": 0, "b": 1, "c": 2}, "word2idx")
    expect_equal(told["idx2word"], ["a", "b", "c"], "the list of words that idx2word gives for 0, 1, 2")


def test_Dictionary__length(student: Student) -> None:
    """has the length 0 when it is new, each time, and counts each word once"""
    for _ in range(2):
        told = student.run(number, ["x", "x", "y"])
        expect_equal([told["empty"], told["length"]], [0, 2], "the list of the lengths when it is new and after x, x, y")


# tokenize ------------------------------------------------------------------------------------------------------------


def tokens(module: Any, lines: list[str], words: list[str], grow: bool) -> dict[str, Any]:
    """The numbers of a text, and the dictionary afterwards."""
    dictionary = Words(words)
    found = module.tokenize(lines, dictionary, grow)
    return {"numbers": found, "words": dictionary.idx2word}


def test_tokenize__grows(student: Student) -> None:
    """makes of "a b" and "a" the numbers 0 1 2 0 2, of which 2 is that of <eos>"""
    told = student.run(tokens, ["a b", "a"], [], True)
    expect_equal(told["words"], ["a", "b", "<eos>"], "the list of words in the dictionary afterwards")
    slips = {
        "The last line has no <eos>: every line ends with one.": torch.tensor([0, 1, 2, 0]),
        "There is no <eos> at all: every line ends with one.": torch.tensor([0, 1, 0]),
    }
    expect_close(told["numbers"], torch.tensor([0, 1, 2, 0, 2]), "the tensor of numbers", dtype=torch.int64, slips=slips)


def test_tokenize__white_space(student: Student) -> None:
    """splits at tabs and several spaces, and gives an empty line its <eos>"""
    told = student.run(tokens, ["a\tb  a\n", ""], ["<eos>", "a", "b"], True)
    slips = {"The empty line has no <eos>.": torch.tensor([1, 2, 1, 0])}
    expect_close(told["numbers"], torch.tensor([1, 2, 1, 0, 0]), "the tensor of numbers", dtype=torch.int64, slips=slips)


def test_tokenize__unknown(student: Student) -> None:
    """counts an unknown word as "<unk>" and leaves the dictionary alone where it must not grow"""
    told = student.run(tokens, ["a z a"], ["<unk>", "<eos>", "a"], False)
    slips = {"The unknown word is gone, so that all that follows stands one place too early.": torch.tensor([2, 2, 1])}
    expect_close(told["numbers"], torch.tensor([2, 0, 2, 1]), "the tensor of numbers", dtype=torch.int64, slips=slips)
    expect_equal(told["words"], ["<unk>", "<eos>", "a"], "the list of words in the dictionary afterwards")


# batchify and get_batch ----------------------------------------------------------------------------------------------


def cut(module: Any, data: Tensor, columns: int) -> dict[str, Any]:
    """The columns, and whether their memory is in order."""
    found = module.batchify(data, columns)
    return {"columns": found, "contiguous": getattr(found, "is_contiguous", bool)()}


def test_batchify__alphabet(student: Student) -> None:
    """cuts 0 to 25 into 4 columns, of which the first row is 0, 6, 12, 18"""
    data = torch.arange(26)
    expected = torch.stack([torch.arange(6) + 6 * j for j in range(4)], 1)
    slips = {
        "The text runs along the rows: it has to run down the columns. Is the transpose missing?": data[:24].view(6, 4),
        "Each row is a stretch of the text: it should be the columns. Is the transpose missing?": expected.t(),
    }
    expect_close(student.run(cut, data, 4)["columns"], expected, "the tensor of columns", dtype=torch.int64, slips=slips)


def test_batchify__contiguous(student: Student) -> None:
    """gives a contiguous tensor, also for one column and for as many columns as words"""
    for columns, expected in ((2, [[5, 7], [6, 8]]), (1, [[5], [6], [7], [8], [9]]), (5, [[5, 6, 7, 8, 9]])):
        told = student.run(cut, torch.arange(5, 10), columns)
        expect_close(told["columns"], torch.tensor(expected), "the tensor of columns", dtype=torch.int64)
        expect(told["contiguous"], "The tensor should be contiguous: t() turns a table over and leaves memory as it was.")


ROWS = torch.tensor([[0, 6], [1, 7], [2, 8], [3, 9]])


def test_get_batch__window(student: Student) -> None:
    """gives the rows (0, 6), (1, 7) and the targets 1, 7, 2, 8"""
    expected = (ROWS[:2], torch.tensor([1, 7, 2, 8]))
    slips = {
        "The targets are the inputs themselves: they stand one row further down.": (ROWS[:2], torch.tensor([0, 6, 1, 7])),
        "The targets stand column after column: they go row after row, as the scores do.": (
            ROWS[:2], torch.tensor([1, 2, 7, 8])),
        "The targets are shifted along the columns: text runs down.": (ROWS[:2], torch.tensor([6, 1, 7, 2])),
    }  # fmt: skip
    expect_close(student.call("get_batch", ROWS, 0, 2), expected, ("the window", "the targets"), slips=slips)


def test_get_batch__last(student: Student) -> None:
    """gives a shorter window at the end, which still has a row after it"""
    for i, bptt in ((1, 5), (2, 2)):
        expected = (ROWS[i:3], ROWS[i + 1 :].reshape(-1))
        expect_close(student.call("get_batch", ROWS, i, bptt), expected, ("the last window", "its targets"))


# WordModel and init_hidden -------------------------------------------------------------------------------------------


def describe(module: Any, sizes: list[int], tied: bool) -> dict[str, Any]:
    """The model's state_dict by shapes, the number of its parameters, and its first weights."""
    model = module.WordModel(*sizes, tied=tied)
    with torch.no_grad():
        return {
            "shapes": {name: tuple(t.shape) for name, t in model.state_dict().items()},
            "count": sum(p.numel() for p in model.parameters()),
            "encoder": model.encoder.weight.abs().max().item(),
            "decoder": model.decoder.weight.abs().max().item(),
            "bias": model.decoder.bias.abs().max().item(),
        }


def read(module: Any, x: Tensor, bias: Tensor) -> dict[str, Any]:
    """Scores of a window, of a model whose decoder's weight is 0, and the shapes of the hidden state."""
    model = module.WordModel(len(bias), 3, 5, 2)
    with torch.no_grad():
        model.decoder.weight.zero_()
        model.decoder.bias.copy_(bias)
    scores, hidden = model(x, (torch.zeros(2, x.shape[1], 5), torch.zeros(2, x.shape[1], 5)))
    return {"scores": scores, "hidden": [tuple(h.shape) for h in hidden], "attached": all(h.requires_grad for h in hidden)}


def refused(module: Any) -> str:
    """What a tied model of unequal sizes raises."""
    try:
        module.WordModel(10, 3, 4, 1, tied=True)
    except Exception as error:  # noqa: BLE001  its name is told
        return type(error).__name__
    return "nothing"


def test_WordModel__layers(student: Student) -> None:
    """has an encoder, an LSTM and a decoder of the right sizes, by their names"""
    told = student.run(describe, [7, 2, 3, 1], False)
    expected = {"encoder.weight": (7, 2), "rnn.weight_ih_l0": (12, 2), "rnn.weight_hh_l0": (12, 3), "rnn.bias_ih_l0": (12,),
                "rnn.bias_hh_l0": (12,), "decoder.weight": (7, 3), "decoder.bias": (7,)}  # fmt: skip
    expect_equal(told["shapes"], expected, "the shape")
    for name in ("encoder", "decoder"):
        expect(0 < told[name] <= 0.1, f"The weights of the {name} should be drawn uniformly from -0.1 to 0.1.")
    expect(told["bias"] == 0, "The decoder's bias should be 0 at the beginning.")


def test_WordModel__scores(student: Student) -> None:
    """gives raw scores: with a decoder whose weight is 0, its bias for every word"""
    bias = torch.tensor([1.0, -2.0, 3.0, 0.5])
    told = student.run(read, torch.tensor([[0, 3], [2, 2], [1, 0]]), bias)
    soft = "It is {} of the scores: cross entropy takes the scores as they are, so leave them raw."
    slips = {
        soft.format("the softmax"): bias.softmax(0).expand(6, 4),
        soft.format("log_softmax"): bias.log_softmax(0).expand(6, 4),
    }
    expect_close(told["scores"], bias.expand(6, 4), "the tensor of scores", slips=slips)
    expect_equal(told["hidden"], [(2, 2, 5), (2, 2, 5)], "the list of the hidden state's shapes")
    expect(told["attached"], "The hidden state should still be attached: it is repackaged outside, once a window.")


def test_WordModel__tied(student: Student) -> None:
    """has 210 parameters for WordModel(10, 4, 4, 1, tied=True), and refuses unequal sizes by ValueError"""
    count = student.run(describe, [10, 4, 4, 1], True)["count"]
    expect(count != 250, "The two weights are two Parameters: one has to be the other, not to have its values.")
    expect_equal(count, 210, "the number of parameters")
    expect_equal(student.run(refused), "ValueError", "what a tied model with ninp = 3 and nhid = 4 raises")


def begin(module: Any, columns: int) -> dict[str, Any]:
    """The hidden state that a model of float64 begins with."""
    hidden = module.WordModel(10, 4, 6, 2).double().init_hidden(columns)
    return {"hidden": list(hidden), "grad": [h.requires_grad for h in hidden]}


def test_init_hidden__zeros(student: Student) -> None:
    """gives two tensors of zeros (2, 3, 6), in float64 where the weights are float64"""
    told = student.run(begin, 3)
    expect_close(told["hidden"], [torch.zeros(2, 3, 6).double()] * 2, ("h", "c"), dtype=torch.float64)
    expect_equal(told["grad"], [False, False], "the list of their requires_grad")


# repackage_hidden and clip_gradients ---------------------------------------------------------------------------------


def repackage(module: Any, nested: bool) -> dict[str, Any]:
    """A hidden state with a past, repackaged, and whether its values still have one."""
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    h = (a * 2, [a * 3, (a * 4,)]) if nested else (a * 2, a * 3)
    found = module.repackage_hidden(h)
    flat = [found[0], found[1][0], found[1][1][0]] if nested else list(found)
    return {"values": flat, "grad": [t.requires_grad for t in flat], "kept": h[0].requires_grad}


def test_repackage_hidden__pair(student: Student) -> None:
    """gives the same two values without a past, and leaves the past of the ones it was given"""
    told = student.run(repackage, False)
    expect_close(told["values"], [torch.tensor([2.0, 4.0]), torch.tensor([3.0, 6.0])], ("the first value", "the second value"))
    expect_equal(told["grad"], [False, False], "the list of their requires_grad")
    expect(told["kept"], "The tensor that was given has lost its past: detach_() changes it, detach() makes another one.")


def test_repackage_hidden__nested(student: Student) -> None:
    """goes down to tensors in tuples and lists within each other"""
    told = student.run(repackage, True)
    expected = [torch.tensor([2.0, 4.0]), torch.tensor([3.0, 6.0]), torch.tensor([4.0, 8.0])]
    expect_close(told["values"], expected, ("the first value", "the second value", "the third value"))
    expect_equal(told["grad"], [False] * 3, "the list of their requires_grad")


def clip(module: Any, gradients: list[Any], max_norm: float) -> dict[str, Any]:
    """The norm, and the gradients afterwards; a parameter whose gradient is "none" has none."""
    params = [nn.Parameter(torch.zeros(1)) for _ in gradients]
    for p, g in zip(params, gradients, strict=True):
        p.grad = None if isinstance(g, str) else g.clone()
    norm = module.clip_gradients(params, max_norm)
    return {"norm": norm, "gradients": [p.grad for p in params if p.grad is not None], "count": len(params)}


def test_clip_gradients__larger(student: Student) -> None:
    """makes 0.6 and 0.8 of the gradients 3 and 4 with max_norm = 1, and gives their norm 5"""
    told = student.run(clip, [torch.tensor([3.0]), "none", torch.tensor([4.0])], 1.0)
    expect_close(told["norm"], 5.0, "the norm", slips={"It is the norm from afterwards.": 1.0})
    slips = {
        "Each gradient is clipped by itself: the norm is that of all together.": [torch.ones(1), torch.ones(1)],
        "The gradients are not changed: p.grad has to hold the scaled values.": [torch.tensor([3.0]), torch.tensor([4.0])],
    }
    expected = [torch.tensor([0.6]), torch.tensor([0.8])]
    expect_close(told["gradients"], expected, ("the first gradient", "the second gradient"), slips=slips)


def test_clip_gradients__smaller(student: Student) -> None:
    """leaves 3 and 4 as they are with max_norm = 10, and gives 0 where there is no gradient"""
    told = student.run(clip, [torch.tensor([3.0]), torch.tensor([4.0])], 10.0)
    expect_close(told["norm"], 5.0, "the norm")
    expected = [torch.tensor([3.0]), torch.tensor([4.0])]
    slips = {"The gradients have grown: they are scaled only where the norm is larger than max_norm.": [e * 2 for e in expected]}
    expect_close(told["gradients"], expected, ("the first gradient", "the second gradient"), slips=slips)
    expect_close(student.run(clip, ["none"], 1.0)["norm"], 0.0, "the norm without a gradient")


# train_epoch, perplexity and generate --------------------------------------------------------------------------------


def train(module: Any, bias: list[float], source: Tensor, bptt: int, limit: float, lr: float) -> dict[str, Any]:
    """One epoch of a model that knows nothing but how frequent words are."""
    model = Same(bias)
    model.decoder.bias.grad = torch.full((len(bias),), 100.0)  # an old one, which counts for nothing
    loss = module.train_epoch(model, source, bptt, limit, lr)
    return {"loss": loss, "bias": model.decoder.bias.detach(), "training": model.training}


ONES = torch.tensor([[0], [1], [1], [1]])


def test_train_epoch__one_step(student: Student) -> None:
    """makes (-0.5, 0.5) of the scores (0, 0) in one window of ones, with lr = 1, and gives the loss ln 2"""
    told = student.run(train, [0.0, 0.0], ONES, 5, 9.0, 1.0)
    expect_close(told["loss"], math.log(2), "the mean loss per word")
    slips = {
        "The gradients from before the call count as well: clear them.": torch.tensor([-100.5, -99.5]),
        "The step goes up the gradient: it is subtracted.": torch.tensor([0.5, -0.5]),
    }
    expect_close(told["bias"], torch.tensor([-0.5, 0.5]), "the decoder's bias after one step", slips=slips)
    expect(told["training"] is not False, "The model is in eval mode while it is trained: call model.train().")


def test_train_epoch__clipped(student: Student) -> None:
    """makes a step of the length lr · clip where the gradient is longer than clip, and else one of its own length"""
    told = student.run(train, [0.0, 0.0], ONES, 5, 0.6 * 2**0.5, 0.1)
    slips = {"The gradients are not clipped before the step, or have grown.": torch.tensor([-0.06, 0.06])}
    expect_close(told["bias"], torch.tensor([-0.05, 0.05]), "the decoder's bias, whose gradient was shorter", slips=slips)
    told = student.run(train, [0.0, 0.0], ONES, 5, 0.06 * 2**0.5, 1.0)
    slips = {"The gradients are not clipped before the step.": torch.tensor([-0.5, 0.5])}
    expect_close(told["bias"], torch.tensor([-0.06, 0.06]), "the decoder's bias after a clipped step", slips=slips)


def test_train_epoch__mean(student: Student) -> None:
    """weights windows by their words: with lr = 0, windows of 2 and 1 words have the mean of 3"""
    bias = torch.tensor([0.25, 0.75]).log()
    right = -(2 * math.log(0.75) + math.log(0.25)) / 3
    slips = {"It is the mean of the windows' means: count each as many times as it has words.":
             -(math.log(0.75) + math.log(0.25)) / 2}  # fmt: skip
    told = student.run(train, bias.tolist(), torch.tensor([[0], [1], [1], [0]]), 2, 1.0, 0.0)
    expect_close(told["loss"], right, "the mean loss per word", slips=slips)


def surprise(module: Any, bias: list[float], source: Tensor, bptt: int, training: bool) -> dict[str, Any]:
    """The perplexity of a model that knows nothing but how frequent words are."""
    model = Same(bias).train(training)
    found = module.perplexity(model, source, bptt)
    return {"perplexity": found, "training": model.training, "source": source}


def test_perplexity__equal(student: Student) -> None:
    """is 4 for four words with equal scores, and leaves the text and the model's mode alone"""
    source = torch.tensor([[0, 3], [1, 2], [2, 1]])
    for training in (True, False):
        told = student.run(surprise, [1.0] * 4, source, 2, training)
        slips = {"It is the mean cross entropy: take e to it.": math.log(4)}
        expect_close(told["perplexity"], 4.0, "the perplexity", slips=slips)
        expect_unchanged(told["source"], source, "the text")
        expect(told["training"] is training, "The model should afterwards be in the mode in which it came.")


def test_perplexity__mean(student: Student) -> None:
    """is e to the mean over all words: the root of 2 · 4 for two words with the probabilities 1/2 and 1/4"""
    bias = [math.log(0.5), math.log(0.25), math.log(0.25)]
    slips = {"It is the mean of the windows' perplexities: take e once, at the end.": 3.0}
    for bptt in (1, 2, 9):
        told = student.run(surprise, bias, torch.tensor([[2], [0], [1]]), bptt, False)
        expect_close(told["perplexity"], 8**0.5, "the perplexity", slips=slips)


def write(module: Any, bias: list[float], length: int, temperature: float, seed: int) -> list[int]:
    """Words that a model writes."""
    return module.generate(Same(bias), 0, length, temperature, torch.Generator().manual_seed(seed))


def test_generate__largest(student: Student) -> None:
    """takes the word of the highest score at temperature 0, and gives [] for length 0"""
    found = student.run(write, [0.0, 9.0, 0.0], 3, 0.0, 1)
    expect(found != [0, 1, 1], "The word to start with is no part of the result.")
    expect_equal(found, [1, 1, 1], "the list of words")
    expect_equal(student.run(write, [0.0, 9.0, 0.0], 0, 1.0, 1), [], "the list of no words")


def test_generate__draws(student: Student) -> None:
    """draws words: of two that are equally likely, each comes in about half of 200 places, and one seed draws the same again"""
    found = student.run(write, [0.0, 0.0, -40.0], 200, 1.0, 1)
    expect(len(found) == 200 and set(found) <= {0, 1}, "200 words should come, and none that is next to impossible.")
    expect(len(set(found)) == 2, "Only one of the two words came: draw by the probabilities, do not take the largest.")
    expect(60 < sum(found) < 140, "Of two words that are equally likely, one came much more often.")
    expect_equal(student.run(write, [0.0, 0.0, -40.0], 200, 1.0, 1), found, "the list of words for the same seed")


def test_generate__temperature(student: Student) -> None:
    """divides by the temperature: with scores (0, 1), a low one leaves only the second word, a high one both"""
    cold, hot = (student.run(write, [0.0, 1.0], 100, temperature, 3) for temperature in (0.05, 50.0))
    expect(sum(cold) == 100, "At temperature 0.05 the second word should come always: the scores are divided by it.")
    expect(25 < sum(hot) < 75, "At temperature 50 both words should come about as often as each other.")


# trained_perplexity --------------------------------------------------------------------------------------------------


def learn(module: Any, source: Tensor) -> dict[str, Any]:
    """Your model after some epochs of yours over a rhyme of eight words."""
    torch.manual_seed(0)
    model = module.WordModel(8, 16, 16, 1, tied=True)
    losses = [float(module.train_epoch(model, source, 10, 0.5, 2.0)) for _ in range(40)]
    return {"losses": losses, "shapes": {name: tuple(t.shape) for name, t in model.state_dict().items()}}


def test_trained_perplexity__rhyme(student: Student) -> None:
    """learns a rhyme of eight words by heart: the loss per word falls from ln 8 = 2.08 to less than 0.2"""
    told = student.run(learn, torch.arange(8).repeat(32).view(4, 64).t().contiguous())
    first, last = told["losses"][0], told["losses"][-1]
    expect(first < 2.5, f"In the first epoch the loss is {first:.2f}, where about 2 is what knowing nothing costs.")
    expect(last < 0.2, f"After 40 epochs the loss is {last:.2f}. It was trained by your train_epoch: mend that first.")
    expect_shape(torch.zeros(told["shapes"].get("decoder.weight", ())), (8, 16), "decoder.weight")
