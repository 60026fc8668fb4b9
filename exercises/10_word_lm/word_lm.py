"""A word-level language model: which word comes next? Read README.md first.

A text is a list of lines; a line is words with white space between them. Words become numbers, numbers become columns, an
LSTM goes down the columns in windows and learns to score the next word. M is the number of words of a text, T the rows of a
window, B the columns, V the number of different words.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Dictionary:
    """Numbers words 0, 1, 2, … in the order in which they are added first.

    `word2idx` is a dict from each word to its number, `idx2word` a list (or a dict) from each number to its word, and len()
    is how many there are. A new Dictionary is empty, and shares nothing with another one.
    Example: adding "a", "b", "a" gives 0, 1, 0; then word2idx is {"a": 0, "b": 1} and idx2word ["a", "b"].
    """

    def __init__(self) -> None:
        # TODO: the two attributes
        raise NotImplementedError

    def add(self, word: str) -> int:
        """The number of `word`, which is a new one if the word is new."""
        # TODO
        raise NotImplementedError

    def __len__(self) -> int:
        # TODO
        raise NotImplementedError


def tokenize(lines: list[str], dictionary: Dictionary, grow: bool = True) -> Tensor:
    """The numbers of a text's words, (M,) int64, with that of "<eos>" after the words of each line, an empty line too.

    Words are what line.split() gives. With `grow`, new words are added to the dictionary, "<eos>" too. Without it the
    dictionary stays as it is, and an unknown word counts as "<unk>" (KeyError if the dictionary does not have that either).
    Use of the dictionary only add, word2idx, idx2word and len().
    Example: ["a b", "a"] and a new dictionary give [0, 1, 2, 0, 2]: "<eos>" has become number 2.
    """
    # TODO: line by line, word by word
    raise NotImplementedError


def batchify(data: Tensor, columns: int) -> Tensor:
    """Cut a text (M,) into `columns` stretches of equal length, side by side: (M // columns, columns), contiguous.

    Column j is the j-th stretch, read downwards; what is left over at the text's end is dropped. M ≥ columns ≥ 1.
    Example: 0, 1, …, 25 in 4 columns: the first row is 0, 6, 12, 18, the second 1, 7, 13, 19; 24 and 25 are dropped.
    """
    # TODO
    raise NotImplementedError


def get_batch(source: Tensor, i: int, bptt: int) -> tuple[Tensor, Tensor]:
    """A window of source (R, B) that begins in row i, and the words that follow each of its words.

    The window has T = min(bptt, R - 1 - i) rows, so that the last one still has a row after it: (T, B). What follows is
    (T·B,), row after row. 0 ≤ i ≤ R - 2.
    Example: of the rows (0, 6), (1, 7), (2, 8), get_batch(source, 0, 2) gives (0, 6), (1, 7) and the targets 1, 7, 2, 8.
    """
    # TODO
    raise NotImplementedError


class WordModel(nn.Module):
    """Scores for the next word: encoder = Embedding(V, ninp), rnn = LSTM(ninp, nhid, nlayers), decoder = Linear(nhid, V).

    V is `ntoken`. Dropout with probability `dropout` acts in train mode on the embeddings, between the layers of the LSTM, and
    on what comes out of it. With `tied`, encoder and decoder have one and the same Parameter for their weight, which
    takes ninp == nhid; else ValueError. Weights of encoder and decoder are uniform in [-0.1, 0.1], the decoder's bias is 0.
    The state_dict has the weights of these three layers and nothing else.
    Example: WordModel(10, 4, 4, 1, tied=True) has 10·4 + 160 + 10 = 210 parameters.
    """

    def __init__(self, ntoken: int, ninp: int, nhid: int, nlayers: int, dropout: float = 0.0, tied: bool = False) -> None:
        super().__init__()
        # TODO: create the layers, by the names above; tie them; draw the weights
        raise NotImplementedError

    def forward(self, x: Tensor, hidden: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Read a window.

        Args:
            x: word numbers (T, B)
            hidden: the LSTM's state from before the window, two tensors (nlayers, B, nhid)

        Returns:
            scores (T·B, V), row after row, raw (no softmax of any kind), and the LSTM's state after the window, attached
        """
        # TODO: encoder, rnn, decoder, with dropout between them
        raise NotImplementedError

    def init_hidden(self, columns: int) -> tuple[Tensor, Tensor]:
        """The state before the first word: two tensors of zeros (nlayers, columns, nhid).

        They have the dtype and the device that the weights have at that moment, and do not require grad.
        Example: WordModel(10, 4, 6, 2).init_hidden(3) gives two tensors of shape (2, 3, 6).
        """
        # TODO
        raise NotImplementedError


def repackage_hidden(h: Any) -> Any:
    """The same values without their past: for a tensor, or tuples and lists of tensors, nested to any depth.

    The result has the same nesting (a list may become a tuple); no tensor in it requires grad. h itself keeps its graph.
    Example: (a * 2, [b * 2]) becomes the same two values, detached, in (…, (…,)).
    """
    # TODO: one case for a tensor, one for everything else
    raise NotImplementedError


def clip_gradients(params: list[Tensor], max_norm: float) -> float:
    """Scale the gradients of `params` in place so that the norm of all together is at most max_norm; by hand.

    The norm is the root of the sum of all squares, over all gradients. Where it is larger than max_norm, every gradient is
    multiplied by max_norm / (norm + 1e-6); else none changes. A parameter whose .grad is None is left out.
    Returns the norm from before, as a number; 0.0 where there is no gradient. torch.nn.utils stays out of this task.
    Example: gradients [3.] and [4.] have the norm 5.0; with max_norm = 1 they become [0.6] and [0.8].
    """
    # TODO
    raise NotImplementedError


def train_epoch(model: nn.Module, source: Tensor, bptt: int, clip: float, lr: float) -> float:
    """Train once over source (R, B) in windows that begin in rows 0, bptt, 2·bptt, …; the mean loss per word.

    In each window: the hidden state that the window before has left (zeros before the first), without its past;
    fresh gradients of the mean cross entropy; all of them together clipped to the norm `clip`; the step p ← p - lr·p.grad.
    The result is the mean over all predicted words of the epoch, each window's loss taken before its step, as a number: a
    shorter window counts less. The model is in train mode. R ≥ 2, and bptt may be larger than R.
    Example: 11 rows and bptt = 4 make windows of 4, 4 and 2 rows.
    """
    # TODO: your functions do most of it; to clip, nn.utils.clip_grad_norm_ is fine here, and so is torch.optim.SGD
    raise NotImplementedError


def perplexity(model: nn.Module, source: Tensor, bptt: int) -> float:
    """e to the mean cross entropy per predicted word over all of source (R, B), whose words after row 0 are predicted.

    The hidden state is carried from window to window, so that every bptt gives the same number. No graph is needed; the model
    is in eval mode meanwhile, and afterwards in the mode it was in. Parameters, gradients and source stay as they are.
    Example: a model whose scores are all equal has the perplexity V.
    """
    # TODO
    raise NotImplementedError


def generate(model: nn.Module, start: int, length: int, temperature: float, generator: torch.Generator) -> list[int]:
    """`length` word numbers that follow the word `start`, which is not among them; [] for length 0.

    Each is drawn from softmax(scores / temperature), by `generator` alone, and read by the model next, with the hidden state
    so far. Temperature 0 takes the word of the highest score. No graph is made; the model is in eval mode meanwhile, and
    afterwards in the mode it was in.
    Example: where scores are (0, 9, 0) after every word, generate(model, 0, 3, 0.0, generator) gives [1, 1, 1].
    """
    # TODO
    raise NotImplementedError
