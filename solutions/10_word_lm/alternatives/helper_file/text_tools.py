"""What the model itself does not need."""
import torch

EOS, UNK = "<eos>", "<unk>"


def words_with_ends(lines):
    for line in lines:
        for word in line.split():
            yield word
        yield EOS


def windows(source, bptt):
    last = source.shape[0] - 1
    for begin in range(0, last, bptt):
        yield window(source, begin, min(begin + bptt, last))


def window(source, begin, end):
    return source[begin:end], torch.flatten(source[begin + 1:end + 1])
