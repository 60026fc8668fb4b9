# Following pytorch/examples, word_language_model (data.py, model.py, main.py, generate.py), with this topic's signatures.
import math

import torch
import torch.nn as nn


class Dictionary(object):
    def __init__(self):
        self.word2idx = {}
        self.idx2word = []

    def add(self, word):
        if word not in self.word2idx:
            self.idx2word.append(word)
            self.word2idx[word] = len(self.idx2word) - 1
        return self.word2idx[word]

    def __len__(self):
        return len(self.idx2word)


def tokenize(lines, dictionary, grow=True):
    # Add words to the dictionary
    if grow:
        for line in lines:
            for word in line.split() + ['<eos>']:
                dictionary.add(word)

    # Tokenize file content
    idss = []
    for line in lines:
        ids = []
        for word in line.split() + ['<eos>']:
            if word not in dictionary.word2idx:
                word = '<unk>'
            ids.append(dictionary.word2idx[word])
        idss.append(torch.tensor(ids).type(torch.int64))
    return torch.cat(idss)


def batchify(data, columns):
    # Work out how cleanly we can divide the dataset into columns parts.
    nbatch = data.size(0) // columns
    # Trim off any extra elements that wouldn't cleanly fit (remainders).
    data = data.narrow(0, 0, nbatch * columns)
    # Evenly divide the data across the batches.
    return data.view(columns, -1).t().contiguous()


def get_batch(source, i, bptt):
    seq_len = min(bptt, len(source) - 1 - i)
    data = source[i:i + seq_len]
    target = source[i + 1:i + 1 + seq_len].view(-1)
    return data, target


class WordModel(nn.Module):
    """Container module with an encoder, a recurrent module, and a decoder."""

    def __init__(self, ntoken, ninp, nhid, nlayers, dropout=0.0, tied=False):
        super(WordModel, self).__init__()
        self.ntoken = ntoken
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid, nlayers, dropout=dropout)
        self.decoder = nn.Linear(nhid, ntoken)

        if tied:
            if nhid != ninp:
                raise ValueError('When using the tied flag, nhid must be equal to emsize')
            self.decoder.weight = self.encoder.weight

        self.init_weights()

        self.nhid = nhid
        self.nlayers = nlayers

    def init_weights(self):
        initrange = 0.1
        nn.init.uniform_(self.encoder.weight, -initrange, initrange)
        nn.init.zeros_(self.decoder.bias)
        nn.init.uniform_(self.decoder.weight, -initrange, initrange)

    def forward(self, input, hidden):
        emb = self.drop(self.encoder(input))
        output, hidden = self.rnn(emb, hidden)
        output = self.drop(output)
        decoded = self.decoder(output)
        decoded = decoded.view(-1, self.ntoken)
        return decoded, hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        return (weight.new_zeros(self.nlayers, bsz, self.nhid),
                weight.new_zeros(self.nlayers, bsz, self.nhid))


def repackage_hidden(h):
    """Wraps hidden states in new Tensors, to detach them from their history."""
    if isinstance(h, torch.Tensor):
        return h.detach()
    else:
        return tuple(repackage_hidden(v) for v in h)


def clip_gradients(params, max_norm):
    total_norm = 0.
    for p in params:
        if p.grad is not None:
            param_norm = p.grad.data.norm(2)
            total_norm += param_norm.item() ** 2
    total_norm = total_norm ** (1. / 2)
    clip_coef = max_norm / (total_norm + 1e-6)
    if clip_coef < 1:
        for p in params:
            if p.grad is not None:
                p.grad.data.mul_(clip_coef)
    return total_norm


criterion = nn.CrossEntropyLoss()


def train_epoch(model, source, bptt, clip, lr):
    # Turn on training mode which enables dropout.
    model.train()
    total_loss = 0.
    hidden = model.init_hidden(source.size(1))
    for batch, i in enumerate(range(0, source.size(0) - 1, bptt)):
        data, targets = get_batch(source, i, bptt)
        # Starting each batch, we detach the hidden state from how it was previously produced.
        # If we didn't, the model would try backpropagating all the way to start of the dataset.
        model.zero_grad()
        hidden = repackage_hidden(hidden)
        output, hidden = model(data, hidden)
        loss = criterion(output, targets)
        loss.backward()

        # `clip_grad_norm` helps prevent the exploding gradient problem in RNNs / LSTMs.
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        for p in model.parameters():
            p.data.add_(p.grad, alpha=-lr)

        total_loss += len(data) * loss.item()
    return total_loss / (len(source) - 1)


def perplexity(model, source, bptt):
    # Turn on evaluation mode which disables dropout.
    mode = model.training
    model.eval()
    total_loss = 0.
    hidden = model.init_hidden(source.size(1))
    with torch.no_grad():
        for i in range(0, source.size(0) - 1, bptt):
            data, targets = get_batch(source, i, bptt)
            output, hidden = model(data, hidden)
            hidden = repackage_hidden(hidden)
            total_loss += len(data) * criterion(output, targets).item()
    model.train(mode)
    return math.exp(total_loss / (len(source) - 1))


def generate(model, start, length, temperature, generator):
    mode = model.training
    model.eval()
    hidden = model.init_hidden(1)
    input = torch.full((1, 1), start, dtype=torch.long)
    words = []
    with torch.no_grad():  # no tracking history
        for i in range(length):
            output, hidden = model(input, hidden)
            if temperature > 0:
                word_weights = output.squeeze(0).div(temperature).exp().cpu()
                word_idx = torch.multinomial(word_weights, 1, generator=generator)[0]
            else:
                word_idx = output.squeeze(0).argmax()
            input.fill_(word_idx)
            words.append(word_idx.item())
    model.train(mode)
    return words
