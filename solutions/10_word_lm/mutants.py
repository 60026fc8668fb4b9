"""Misconceptions about a word-level language model: each a one-place edit of word_lm.py."""

from autograder import Mutant

BOTH = "        self.word2idx: dict[str, int] = {}\n        self.idx2word: list[str] = []\n"
WRITE_DOWN = "            self.word2idx[word] = len(self.idx2word)\n            self.idx2word.append(word)\n"
STRETCHES = "data[: rows * columns].view(columns, rows).t().contiguous()"
WINDOW = "source[i : i + length], source[i + 1 : i + 1 + length].reshape(-1)"
BELOW = "source[i + 1 : i + 1 + length].reshape(-1)"
KNOWN = """                known = word if word in dictionary.word2idx else "<unk>"
                numbers.append(dictionary.word2idx[known])
"""
TIE_AND_DRAW = """            self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.uniform_(self.decoder.weight, -0.1, 0.1)
"""
DETACH = """if isinstance(h, Tensor):
        return h.detach()
    return tuple(repackage_hidden(each) for each in h)
"""
SQUARES = "math.sqrt(sum(float((g.double() ** 2).sum()) for g in grads))"
SCALE = """    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / (norm + 1e-6))
"""
BEGIN = """    hidden = model.init_hidden(source.shape[1])
    total, words = 0.0, 0
    for i in range(0, len(source) - 1, bptt):
        x, targets = get_batch(source, i, bptt)
        hidden = repackage_hidden(hidden)
        model.zero_grad()
"""
FORWARD = """        hidden = repackage_hidden(hidden)
        model.zero_grad()
        scores, hidden = model(x, hidden)
        loss = F.cross_entropy(scores, targets)
        loss.backward()
"""
CLIP = "        nn.utils.clip_grad_norm_(model.parameters(), clip)\n"
STEP = """        with torch.no_grad():
            for p in model.parameters():
                if p.grad is not None:
                    p.sub_(lr * p.grad)
"""
CLEAR_AND_LEARN = f"""        model.zero_grad()
        scores, hidden = model(x, hidden)
        loss = F.cross_entropy(scores, targets)
        loss.backward()
{CLIP}{STEP}"""
COUNT = "        total += loss.item() * len(targets)\n        words += len(targets)\n"
SUM = '            total += F.cross_entropy(scores, targets, reduction="sum").item()\n            words += len(targets)\n'
SCALED = "scores[-1] / temperature"
DRAW = "torch.multinomial(F.softmax(scores[-1] / temperature, 0), 1, generator=generator)"
NEVER_STEPS = (
    "leaves the parameters as they are: gradients are cleared before the step, or the new values are not written into "
    "the parameters"
)
UNCLIPPED = "takes its steps with gradients that are not clipped: that belongs between backward and the step"
NOT_LAST = "leaves out a last window that is shorter than bptt"
NO_ROW = "begins a window in the last row, after which there is none"
ZEROS_EACH = "begins every window with a hidden state of zeros"
NOT_RESTORED = "does not put the model back into the mode in which it came"
ALWAYS_TRAIN = "puts the model into train mode at the end, whatever it was in before"

# fmt: off
MUTANTS = (
    Mutant("Dictionary", "numbers words from 1", "= len(self.idx2word)\n", "= len(self.idx2word) + 1\n"),
    Mutant("Dictionary", "gives a known word a new number each time", "if word not in self.word2idx:", "if True:"),
    Mutant("Dictionary", "does not write new words into idx2word, by which it counts them",
           "            self.idx2word.append(word)\n", ""),
    Mutant("Dictionary", "appends to idx2word whenever a word comes, also a known one",
           "            self.idx2word.append(word)\n", "        self.idx2word.append(word)\n"),
    Mutant("Dictionary", "shares its words with all other dictionaries: the containers belong to the class",
           BOTH, "        self.word2idx, self.idx2word = Dictionary.shared\n\n    shared = ({}, [])\n"),
    Mutant("Dictionary", "forgets to return the number", "        return self.word2idx[word]\n", ""),
    Mutant("Dictionary", "returns the number for new words only",
           f"{WRITE_DOWN}        return self.word2idx[word]\n", f"{WRITE_DOWN}            return self.word2idx[word]\n"),
    Mutant("Dictionary", "returns how many words there are in the place of the word's number", "return self.word2idx[word]",
           "return len(self.idx2word)"),
    Mutant("Dictionary", "takes capitals for small letters", "        if word not in",
           "        word = word.lower()\n        if word not in"),
    Mutant("Dictionary", "begins with <eos> already in it", BOTH,
           '        self.word2idx: dict[str, int] = {"<eos>": 0}\n        self.idx2word: list[str] = ["<eos>"]\n'),
    Mutant("Dictionary", "leaves an empty word out", "if word not in self.word2idx:", "if word and word not in self.word2idx:"),
    #
    Mutant("tokenize", 'puts no "<eos>" after lines', '[*line.split(), "<eos>"]', "line.split()"),
    Mutant("tokenize", 'puts "<eos>" between lines only, not after the last one', "torch.tensor(numbers,",
           "torch.tensor(numbers[:-1],"),
    Mutant("tokenize", 'leaves empty lines out, and their "<eos>" with them', "for line in lines:",
           "for line in filter(str.strip, lines):"),
    Mutant("tokenize", 'puts "<eos>" before each line', '[*line.split(), "<eos>"]', '["<eos>", *line.split()]'),
    Mutant("tokenize", 'puts one "<eos>" at the end of the whole text', "for line in lines:", 'for line in [" ".join(lines)]:'),
    Mutant("tokenize", "splits at every single space, and at nothing else", "line.split()", 'line.split(" ")'),
    Mutant("tokenize", "makes floats of the numbers", "torch.int64", "torch.float32"),
    Mutant("tokenize", "makes numbers of int32", "torch.int64", "torch.int32"),
    Mutant("tokenize", "gives a list in place of a tensor", "torch.tensor(numbers, dtype=torch.int64)", "numbers"),
    Mutant("tokenize", "drops unknown words, so that what follows them shifts", KNOWN,
           "                if word in dictionary.word2idx:\n                    numbers.append(dictionary.word2idx[word])\n"),
    Mutant("tokenize", "adds new words although the dictionary must not grow", "if grow:", "if True:"),
    Mutant("tokenize", "never adds a word to the dictionary", "if grow:", "if False:"),
    Mutant("tokenize", "takes number 0 for unknown words", "dictionary.word2idx[known]", "dictionary.word2idx.get(word, 0)"),
    Mutant("tokenize", 'adds "<unk>" to a dictionary that does not have it', "dictionary.word2idx[known]",
           "dictionary.add(known)"),
    Mutant("tokenize", 'asks for "<unk>" also where every word is known', KNOWN,
           '                unknown = dictionary.word2idx["<unk>"]\n'
           "                numbers.append(dictionary.word2idx.get(word, unknown))\n"),
    Mutant("tokenize", "turns capitals into small letters", "line.split()", "line.lower().split()"),
    Mutant("tokenize", 'takes number 0 for "<eos>"', "dictionary.add(word)", '0 if word == "<eos>" else dictionary.add(word)'),
    #
    Mutant("batchify", "views the text as rows of `columns` words, without turning it over: the text runs along the rows",
           STRETCHES, "data[: rows * columns].view(rows, columns)"),
    Mutant("batchify", "does not turn the table over: each row is a stretch", ".t().contiguous()", ""),
    Mutant("batchify", "turns the wrong table over, the one whose rows have `columns` words",
           ".view(columns, rows)", ".view(rows, columns)"),
    Mutant("batchify", "turns the table over and leaves memory as it was", ".contiguous()", ""),
    Mutant("batchify", "keeps the remainder, which fits into no column", "data[: rows * columns]", "data"),
    Mutant("batchify", "fills the last column up in place of dropping the remainder",
           "data[: rows * columns].view(columns, rows)",
           "F.pad(data, (0, -len(data) % columns)).view(columns, -1)"),
    Mutant("batchify", "drops a row too many where nothing is left over", "len(data) // columns", "(len(data) - 1) // columns"),
    Mutant("batchify", "drops the remainder at the beginning of the text", "data[: rows * columns]",
           "data[len(data) - rows * columns :]"),
    Mutant("batchify", "cuts with chunk, whose pieces are not all of one length", STRETCHES,
           "torch.stack(data.chunk(columns), 1)"),
    Mutant("batchify", "makes floats of the numbers", ".contiguous()", ".contiguous().float()"),
    #
    Mutant("get_batch", "gives the window itself as its targets", BELOW, "source[i : i + length].reshape(-1)"),
    Mutant("get_batch", "takes the word to the right for the one that follows", BELOW,
           "source[i : i + length].roll(-1, 1).reshape(-1)"),
    Mutant("get_batch", "lists the targets column after column", BELOW, "source[i + 1 : i + 1 + length].t().reshape(-1)"),
    Mutant("get_batch", "reads the last row too, for which there is no target", "len(source) - 1 - i", "len(source) - i"),
    Mutant("get_batch", "stops a row too early", "len(source) - 1 - i", "len(source) - 2 - i"),
    Mutant("get_batch", "gives the targets as a table in place of one row of numbers", "length].reshape(-1)", "length]"),
    Mutant("get_batch", "gives the window as one row of numbers", "source[i : i + length],",
           "source[i : i + length].reshape(-1),"),
    Mutant("get_batch", "cuts columns out where it should cut rows", WINDOW,
           "source[:, i : i + length], source[:, i + 1 : i + 1 + length].reshape(-1)"),
    Mutant("get_batch", "takes the next window for the targets", BELOW, "source[i + length : i + 2 * length].reshape(-1)"),
    Mutant("get_batch", "gives only the row after the window as targets", BELOW, "source[i + length]"),
    Mutant("get_batch", "begins in the first row whatever i is", WINDOW, "source[:length], source[1 : 1 + length].reshape(-1)"),
    Mutant("get_batch", "takes i for the number of a window", "    length =", "    i *= bptt\n    length ="),
    Mutant("get_batch", "takes the words before for those that follow", WINDOW,
           "source[i + 1 : i + 1 + length], source[i : i + length].reshape(-1)"),
    #
    Mutant("WordModel", "puts a softmax after the decoder", "scores.flatten(0, 1)", "scores.flatten(0, 1).softmax(-1)"),
    Mutant("WordModel", "puts log_softmax after the decoder, as the official example does for its other loss",
           "scores.flatten(0, 1)", "F.log_softmax(scores.flatten(0, 1), -1)"),
    Mutant("WordModel", "gives the scores with an axis for rows and one for columns", "scores.flatten(0, 1)", "scores"),
    Mutant("WordModel", "lists the scores column after column", "scores.flatten(0, 1)", "scores.transpose(0, 1).flatten(0, 1)"),
    Mutant("WordModel", "scores the last row of a window only", "scores.flatten(0, 1)", "scores[-1]"),
    Mutant("WordModel", "ignores the hidden state that it is given", "self.rnn(embedded, hidden)", "self.rnn(embedded)"),
    Mutant("WordModel", "gives back the hidden state from before the window", "output, hidden =", "output, _ ="),
    Mutant("WordModel", "detaches the hidden state in forward", "scores.flatten(0, 1), hidden",
           "scores.flatten(0, 1), tuple(h.detach() for h in hidden)"),
    Mutant("WordModel", "detaches the hidden state that it is given", "self.rnn(embedded, hidden)",
           "self.rnn(embedded, tuple(h.detach() for h in hidden))"),
    Mutant("WordModel", "runs forward without a graph", "        embedded = self",
           "        torch.set_grad_enabled(False)\n        embedded = self"),
    Mutant("WordModel", "gives h alone as the hidden state", "scores.flatten(0, 1), hidden", "scores.flatten(0, 1), hidden[0]"),
    Mutant("WordModel", "gives the scores alone", "return scores.flatten(0, 1), hidden", "return scores.flatten(0, 1)"),
    Mutant("WordModel", "makes an LSTM that has the columns first", "nhid, nlayers, dropout",
           "nhid, nlayers, batch_first=True, dropout"),
    Mutant("WordModel", "multiplies the embeddings by the root of their size, as Transformers do", "self.drop(self.encoder(x))",
           "self.drop(self.encoder(x) * math.sqrt(self.encoder.embedding_dim))"),
    Mutant("WordModel", "learns the first hidden state as one more Parameter", "        if tied:",
           "        self.first = nn.Parameter(torch.zeros(nlayers, 1, nhid))\n        if tied:"),
    Mutant("WordModel", "ties by copying values: one moves, the other does not", TIE_AND_DRAW,
           TIE_AND_DRAW.replace("            self.decoder.weight = self.encoder.weight\n", "")
           + "        if tied:\n            self.decoder.weight.data.copy_(self.encoder.weight.data)\n"),
    Mutant("WordModel", "ties by a second Parameter with the same memory", "self.decoder.weight = self.encoder.weight",
           "self.decoder.weight = nn.Parameter(self.encoder.weight.data)"),
    Mutant("WordModel", "ties wherever the sizes allow it", "if tied:", "if tied or ninp == nhid:"),
    Mutant("WordModel", "does not tie: each weight is drawn by itself",
           "            self.decoder.weight = self.encoder.weight\n", ""),
    Mutant("WordModel", "ties weights of two shapes without an error",
           '            if ninp != nhid:\n                raise ValueError("tied weights need ninp == nhid")\n', ""),
    Mutant("WordModel", "refuses unequal sizes by assert, which is no ValueError", "raise ValueError(", "raise AssertionError("),
    Mutant("WordModel", "leaves the embeddings as PyTorch draws them, from a normal distribution",
           "        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)\n", ""),
    Mutant("WordModel", "leaves the decoder's weight as PyTorch draws it",
           "        nn.init.uniform_(self.decoder.weight, -0.1, 0.1)\n", ""),
    Mutant("WordModel", "leaves the decoder's bias as PyTorch draws it", "        nn.init.zeros_(self.decoder.bias)\n", ""),
    Mutant("WordModel", "draws the embeddings from 0 to 0.1", "(self.encoder.weight, -0.1, 0.1)",
           "(self.encoder.weight, 0.0, 0.1)"),
    Mutant("WordModel", "draws the decoder's weight from a normal distribution",
           "nn.init.uniform_(self.decoder.weight, -0.1, 0.1)",
           "nn.init.normal_(self.decoder.weight, 0.0, 0.05)"),
    Mutant("WordModel", "seeds PyTorch's generator, so that all models begin alike", "        self.drop =",
           "        torch.manual_seed(1)\n        self.drop ="),
    Mutant("WordModel", "does not drop embeddings", "self.drop(self.encoder(x))", "self.encoder(x)"),
    Mutant("WordModel", "does not drop what comes out of the LSTM", "self.drop(output)", "output"),
    Mutant("WordModel", "drops nothing between the layers of the LSTM", ", dropout=dropout if nlayers > 1 else 0.0", ""),
    Mutant("WordModel", "drops scores in place of what the decoder gets", "self.decoder(self.drop(output))",
           "self.drop(self.decoder(output))"),
    Mutant("WordModel", "drops in eval mode as well", "self.drop(output)", "F.dropout(output, self.drop.p)"),
    Mutant("WordModel", "takes `dropout` for the probability to keep", "nn.Dropout(dropout)", "nn.Dropout(1 - dropout)"),
    Mutant("WordModel", "drops half, whatever the probability", "nn.Dropout(dropout)", "nn.Dropout(0.5)"),
    Mutant("WordModel", "does not divide what dropout keeps by 1 - p", "self.drop(output)",
           "self.drop(output) * (1 - self.drop.p if self.training else 1)"),
    #
    Mutant("init_hidden", "gives one tensor, where an LSTM has two states", "weight.new_zeros(shape), weight.new_zeros(shape)",
           "weight.new_zeros(shape)"),
    Mutant("init_hidden", "makes zeros of float32 on the CPU, whatever the weights are",
           "weight.new_zeros(shape), weight.new_zeros(shape)", "torch.zeros(shape), torch.zeros(shape)"),
    Mutant("init_hidden", "takes the dtype of the weights and forgets their device",
           "weight.new_zeros(shape), weight.new_zeros(shape)",
           "torch.zeros(shape, dtype=weight.dtype), torch.zeros(shape, dtype=weight.dtype)"),
    Mutant("init_hidden", "takes the device of the weights and forgets their dtype",
           "weight.new_zeros(shape), weight.new_zeros(shape)",
           "torch.zeros(shape, device=weight.device), torch.zeros(shape, device=weight.device)"),
    Mutant("init_hidden", "draws the first state at random", "weight.new_zeros(shape), weight.new_zeros(shape)",
           "torch.randn_like(weight.new_zeros(shape)), torch.randn_like(weight.new_zeros(shape))"),
    Mutant("init_hidden", "lets the first state require grad", "weight.new_zeros(shape), weight.new_zeros(shape)",
           "weight.new_zeros(shape, requires_grad=True), weight.new_zeros(shape, requires_grad=True)"),
    Mutant("init_hidden", "puts the columns before the layers", "(self.rnn.num_layers, columns, self.rnn.hidden_size)",
           "(columns, self.rnn.num_layers, self.rnn.hidden_size)"),
    Mutant("init_hidden", "makes a state for one layer, however many there are", "self.rnn.num_layers", "1"),
    Mutant("init_hidden", "takes the embeddings' size for the hidden state's", "self.rnn.hidden_size", "self.rnn.input_size"),
    #
    Mutant("repackage_hidden", "detaches the tensor itself, with detach_()", "h.detach()", "h.detach_()"),
    Mutant("repackage_hidden", "copies without detaching", "h.detach()", "h.clone()"),
    Mutant("repackage_hidden", "gives the tensors back as they are, under no_grad", "return h.detach()",
           "with torch.no_grad():\n            return h"),
    Mutant("repackage_hidden", "goes down one level only", "repackage_hidden(each) for", "each.detach() for"),
    Mutant("repackage_hidden", "takes everything for a tuple of tensors", DETACH, "return tuple(each.detach() for each in h)\n"),
    Mutant("repackage_hidden", "gives zeros in place of the values", "h.detach()", "torch.zeros_like(h)"),
    Mutant("repackage_hidden", "makes tensors that require grad", "h.detach()", "h.detach().requires_grad_()"),
    Mutant("repackage_hidden", "leaves lists as they are", "return tuple(repackage_hidden(each) for each in h)",
           "return tuple(repackage_hidden(each) for each in h) if isinstance(h, tuple) else h"),
    Mutant("repackage_hidden", "gives a generator in place of a tuple", "tuple(repackage_hidden(each) for each in h)",
           "(repackage_hidden(each) for each in h)"),
    Mutant("repackage_hidden", "turns its result into float32", "h.detach()", "h.detach().float()"),
    Mutant("repackage_hidden", "repackages the first two items only", "for each in h)", "for each in h[:2])"),
    #
    Mutant("clip_gradients", "clips each gradient by itself", SCALE,
           "    for g in grads:\n        g.mul_(min(1.0, max_norm / (float(g.norm()) + 1e-6)))\n"),
    Mutant("clip_gradients", "multiplies by max_norm / norm also where the norm is smaller, so that gradients grow",
           "if norm > max_norm:", "if norm > 0:"),
    Mutant("clip_gradients", "adds up the norms of the gradients", SQUARES, "sum(float(g.double().norm()) for g in grads)"),
    Mutant("clip_gradients", "adds up absolute values", SQUARES, "sum(float(g.double().abs().sum()) for g in grads)"),
    Mutant("clip_gradients", "forgets the root", SQUARES, "sum(float((g.double() ** 2).sum()) for g in grads)"),
    Mutant("clip_gradients", "takes the largest of the gradients' norms", SQUARES,
           "max((float(g.double().norm()) for g in grads), default=0.0)"),
    Mutant("clip_gradients", "takes the mean of the squares in place of their sum", "(g.double() ** 2).sum()",
           "(g.double() ** 2).mean()"),
    Mutant("clip_gradients", "cuts off each number by itself, as clip_grad_value_ does", "g.mul_(max_norm / (norm + 1e-6))",
           "g.clamp_(-max_norm, max_norm)"),
    Mutant("clip_gradients", "gives the norm from afterwards", "return norm", "return min(norm, max_norm)"),
    Mutant("clip_gradients", "computes scaled gradients and does not put them where p.grad finds them", "g.mul_(", "g.mul("),
    Mutant("clip_gradients", "scales the parameters in place of their gradients", "for g in grads:\n            g.mul_(",
           "for p in params:\n            p.data.mul_("),
    Mutant("clip_gradients", "multiplies by norm / max_norm", "max_norm / (norm + 1e-6)", "norm / max_norm"),
    Mutant("clip_gradients", "divides by the norm and forgets max_norm", "max_norm / (norm + 1e-6)", "1 / (norm + 1e-6)"),
    Mutant("clip_gradients", "asks a parameter that has no gradient for its squares", " if p.grad is not None", ""),
    Mutant("clip_gradients", "calls nn.utils.clip_grad_norm_", "    if norm > max_norm:",
           "    nn.utils.clip_grad_norm_(params, max_norm)\n    if False:"),
    #
    Mutant("train_epoch", ZEROS_EACH, "hidden = repackage_hidden(hidden)", "hidden = model.init_hidden(source.shape[1])"),
    Mutant("train_epoch", "does not cut the hidden state from its past", "        hidden = repackage_hidden(hidden)\n", ""),
    Mutant("train_epoch", "keeps the whole past, with retain_graph=True", FORWARD,
           FORWARD.replace("        hidden = repackage_hidden(hidden)\n", "").replace("backward()",
           "backward(retain_graph=True)")),
    Mutant("train_epoch", "never clears the gradients", "        model.zero_grad()\n", ""),
    Mutant("train_epoch", "clears the gradients once an epoch only", BEGIN,
           "    model.zero_grad()\n" + BEGIN.replace("        model.zero_grad()\n", "")),
    Mutant("train_epoch", "clears the gradients after each step, so that old ones count in the first", CLEAR_AND_LEARN,
           CLEAR_AND_LEARN.removeprefix("        model.zero_grad()\n") + "        model.zero_grad()\n"),
    Mutant("train_epoch", UNCLIPPED, CLIP, ""),
    Mutant("train_epoch", "clips each parameter's gradient by itself", CLIP,
           "        for p in model.parameters():\n            nn.utils.clip_grad_norm_([p], clip)\n"),
    Mutant("train_epoch", "cuts off each number of the gradients, with clip_grad_value_", "clip_grad_norm_", "clip_grad_value_"),
    Mutant("train_epoch", "multiplies by clip / norm also where the norm is smaller, so that gradients grow", CLIP,
           "        norm = nn.utils.get_total_norm([p.grad for p in model.parameters()])\n"
           "        for p in model.parameters():\n            p.grad.mul_(clip / norm)\n"),
    Mutant("train_epoch", "goes up the gradient", "p.sub_(", "p.add_("),
    Mutant("train_epoch", NEVER_STEPS, "p.sub_(lr * p.grad)", "p = p - lr * p.grad"),
    Mutant("train_epoch", "adds weight decay, or a learning rate of its own, to plain steps", "lr * p.grad",
           "lr * (p.grad + 0.1 * p)"),
    Mutant("train_epoch", "gives the mean of the windows' means, in which a short window counts as much as a long one", COUNT,
           "        total += loss.item()\n        words += 1\n"),
    Mutant("train_epoch", "gives the sum of the losses", "return total / words", "return total"),
    Mutant("train_epoch", "gives the loss of the last window", "return total / words", "return loss.item()"),
    Mutant("train_epoch", "gives the perplexity in place of the mean loss", "return total / words",
           "return math.exp(total / words)"),
    Mutant("train_epoch", "adds up losses with their graphs", "loss.item()", "loss"),
    Mutant("train_epoch", "divides by the number of rows in place of words", "words += len(targets)", "words += len(x)"),
    Mutant("train_epoch", "forgets to return the loss", "    return total / words\n", ""),
    Mutant("train_epoch", "does not put the model into train mode", "    model.train()\n", ""),
    Mutant("train_epoch", "sums the loss over a window, so that its gradient is too large",
           "F.cross_entropy(scores, targets)", 'F.cross_entropy(scores, targets, reduction="sum")'),
    Mutant("train_epoch", "moves on by one row in place of bptt", "len(source) - 1, bptt)", "len(source) - 1, 1)"),
    Mutant("train_epoch", NO_ROW, "len(source) - 1, bptt)", "len(source), bptt)"),
    Mutant("train_epoch", NOT_LAST, "len(source) - 1, bptt)", "len(source) - bptt, bptt)"),
    Mutant("train_epoch", "learns to score the words that it reads, not those that follow", "(scores, targets)",
           "(scores, x.reshape(-1))"),
    Mutant("train_epoch", "puts a softmax before the cross entropy", "(scores, targets)", "(scores.softmax(-1), targets)"),
    Mutant("train_epoch", "makes one step an epoch", STEP,
           STEP.replace("        with torch.no_grad():",
           "        with torch.no_grad():\n            if i + bptt < len(source) - 1:\n"
                        "                total += loss.item() * len(targets)\n                words += len(targets)\n"
                        "                continue")),
    #
    Mutant("perplexity", "gives the mean of the windows' perplexities", SUM + "    model.train(was_training)\n"
           "    return math.exp(total / words)\n",
           "            total += F.cross_entropy(scores, targets).exp().item()\n            words += 1\n"
           "    model.train(was_training)\n    return total / words\n"),
    Mutant("perplexity", "takes the mean of the windows' means, in which a short window counts as much as a long one", SUM,
           "            total += F.cross_entropy(scores, targets).item()\n            words += 1\n"),
    Mutant("perplexity", "gives the mean cross entropy, without e to it", "math.exp(total / words)", "total / words"),
    Mutant("perplexity", "takes 2 to a cross entropy that was made with natural logarithms", "math.exp(total / words)",
           "2 ** (total / words)"),
    Mutant("perplexity", "leaves the model in train mode while it measures", "    model.eval()\n", ""),
    Mutant("perplexity", NOT_RESTORED, "    model.train(was_training)\n", ""),
    Mutant("perplexity", ALWAYS_TRAIN, "model.train(was_training)", "model.train()"),
    Mutant("perplexity", ZEROS_EACH, "scores, hidden =", "scores, _ ="),
    Mutant("perplexity", "divides by all words of the text, those of the first row too, which nobody predicts", "total / words",
           "total / source.numel()"),
    Mutant("perplexity", "divides by the number of rows in place of words", "words += len(targets)", "words += len(x)"),
    Mutant("perplexity", NOT_LAST, "len(source) - 1, bptt)", "len(source) - bptt, bptt)"),
    Mutant("perplexity", NO_ROW, "len(source) - 1, bptt)", "len(source), bptt)"),
    Mutant("perplexity", "clears the model's gradients", "    model.eval()\n", "    model.eval()\n    model.zero_grad()\n"),
    Mutant("perplexity", "puts a softmax before the cross entropy", "(scores, targets,", "(scores.softmax(-1), targets,"),
    Mutant("perplexity", "measures how well the model scores the words that it reads", "(scores, targets,",
           "(scores, x.reshape(-1),"),
    Mutant("perplexity", "forgets to return the number", "    return math.exp(total / words)\n", ""),
    #
    Mutant("generate", "multiplies the scores by the temperature", SCALED, "scores[-1] * temperature"),
    Mutant("generate", "draws at temperature 1 always", SCALED, "scores[-1]"),
    Mutant("generate", "takes the word of the highest score in place of drawing", "if temperature == 0:", "if True:"),
    Mutant("generate", "divides by the temperature 0", "if temperature == 0:", "if False:"),
    Mutant("generate", "reads `start` at every step", "torch.tensor([[word]])", "torch.tensor([[start]])"),
    Mutant("generate", "reads word number 0 first, whatever `start` is", "model.init_hidden(1), start, []",
           "model.init_hidden(1), 0, []"),
    Mutant("generate", "begins every step with a hidden state of zeros", "scores, hidden =", "scores, _ ="),
    Mutant("generate", "puts `start` into the result, in front of what was written", "model.init_hidden(1), start, []",
           "model.init_hidden(1), start, [start]"),
    Mutant("generate", "counts `start` as the first of the words", "return words", "return [start, *words][:length]"),
    Mutant("generate", "draws without the generator", ", generator=generator", ""),
    Mutant("generate", "seeds the generator anew in each call", "    was_training = model.training\n",
           "    was_training = model.training\n    generator.manual_seed(0)\n"),
    Mutant("generate", "seeds PyTorch's own generator and draws with that", DRAW,
           "torch.multinomial(F.softmax(scores[-1] / temperature, 0), 1, "
           "generator=torch.manual_seed(generator.initial_seed() + len(words)))"),
    Mutant("generate", "leaves the model in train mode while it writes", "    model.eval()\n", ""),
    Mutant("generate", NOT_RESTORED, "    model.train(was_training)\n", ""),
    Mutant("generate", ALWAYS_TRAIN, "model.train(was_training)", "model.train()"),
    Mutant("generate", "makes a graph that grows with every word", "torch.no_grad()", "torch.enable_grad()"),
    Mutant("generate", "draws by raw scores, which are no probabilities", "F.softmax(scores[-1] / temperature, 0)",
           "scores[-1] / temperature"),
    Mutant("generate", "takes the word of the lowest score at temperature 0", "argmax()", "argmin()"),
    Mutant("generate", "writes one word too many", "range(length)", "range(length + 1)"),
    Mutant("generate", "draws from all words alike", "F.softmax(scores[-1] / temperature, 0)", "torch.ones_like(scores[-1])"),
    Mutant("generate", "forgets to return the words", "    return words\n", ""),
    #
    Mutant("trained_perplexity", "takes no learning rate above 2, whatever it is given", "    model.train()\n",
           "    model.train()\n    lr = min(lr, 2.0)\n", within="train_epoch"),
    Mutant("trained_perplexity", "reads the first columns of a wide text only", "    model.train()\n",
           "    model.train()\n    source = source[:, :4]\n", within="train_epoch"),
    Mutant("trained_perplexity", "reads the first rows of a long text only", "    model.train()\n",
           "    model.train()\n    source = source[:40]\n", within="train_epoch"),
)
