"""词级语言模型。"""
import math

import torch
from torch import nn


class Dictionary:
    """词典：词 -> 编号，编号 -> 词。"""

    def __init__(self):
        self.word2idx = dict()
        self.idx2word = list()

    def add(self, word):
        if word in self.word2idx:  # 已经有了
            return self.word2idx[word]
        编号 = len(self.idx2word)
        self.idx2word.append(word)
        self.word2idx[word] = 编号
        return 编号

    def __len__(self):
        return len(self.word2idx)


def tokenize(lines, dictionary, grow=True):
    结果 = []
    for line in lines:
        words = line.split()
        words.append("<eos>")  # 每行末尾加上 <eos>，空行也加
        for word in words:
            if grow:
                结果.append(dictionary.add(word))
            elif word in dictionary.word2idx:
                结果.append(dictionary.word2idx[word])
            else:
                结果.append(dictionary.word2idx["<unk>"])
    return torch.tensor(结果).long()


def batchify(data, columns):
    rows = len(data) // columns          # 每一列的长度
    data = data[0:rows * columns]        # 丢掉余下的部分
    return data.reshape(columns, rows).transpose(0, 1).contiguous()


def get_batch(source, i, bptt):
    # 最后一行只能作目标
    长度 = min(bptt, source.shape[0] - 1 - i)
    x = source[i:i + 长度]
    y = source[i + 1:i + 1 + 长度]
    return x, y.contiguous().view(-1)


class WordModel(nn.Module):
    def __init__(self, ntoken, ninp, nhid, nlayers, dropout=0.0, tied=False):
        super().__init__()
        self.nhid, self.nlayers, self.p = nhid, nlayers, dropout
        self.encoder = nn.Embedding(ntoken, ninp)
        if nlayers == 1:
            self.rnn = nn.LSTM(ninp, nhid, nlayers)
        else:
            self.rnn = nn.LSTM(ninp, nhid, nlayers, dropout=dropout)
        self.decoder = nn.Linear(nhid, ntoken)
        # 初始化
        self.encoder.weight.data.uniform_(-0.1, 0.1)
        self.decoder.weight.data.uniform_(-0.1, 0.1)
        self.decoder.bias.data.zero_()
        if tied:
            if ninp != nhid:
                raise ValueError("ninp 与 nhid 必须相等")
            self.decoder.weight = self.encoder.weight  # 同一个 Parameter

    def forward(self, x, hidden):
        嵌入 = torch.dropout(self.encoder(x), self.p, self.training)
        输出, hidden = self.rnn(嵌入, hidden)
        输出 = torch.dropout(输出, self.p, self.training)
        T, B, H = 输出.shape
        得分 = self.decoder(输出.view(T * B, H))
        return 得分, hidden

    def init_hidden(self, columns):
        w = self.encoder.weight
        h = torch.zeros(self.nlayers, columns, self.nhid, dtype=w.dtype, device=w.device)
        c = torch.zeros(self.nlayers, columns, self.nhid, dtype=w.dtype, device=w.device)
        return h, c


def repackage_hidden(h):
    if isinstance(h, torch.Tensor):
        return h.detach()
    新的 = []
    for 每个 in h:
        新的.append(repackage_hidden(每个))
    return tuple(新的)


def clip_gradients(params, max_norm):
    平方和 = 0.0
    for p in params:
        if p.grad is None:
            continue
        平方和 += torch.sum(p.grad ** 2).item()
    范数 = math.sqrt(平方和)
    if 范数 > max_norm:
        系数 = max_norm / (范数 + 1e-6)
        for p in params:
            if p.grad is not None:
                p.grad *= 系数
    return 范数


def train_epoch(model, source, bptt, clip, lr):
    model.train()
    损失函数 = nn.CrossEntropyLoss(reduction="sum")
    总损失, 总词数 = 0.0, 0
    hidden = model.init_hidden(source.shape[1])
    for i in range(0, source.shape[0] - 1, bptt):
        x, y = get_batch(source, i, bptt)
        hidden = repackage_hidden(hidden)
        for p in model.parameters():
            p.grad = None
        得分, hidden = model(x, hidden)
        损失 = 损失函数(得分, y)
        (损失 / len(y)).backward()
        clip_gradients(list(model.parameters()), clip)
        with torch.no_grad():
            for p in model.parameters():
                p -= lr * p.grad
        总损失 += 损失.item()
        总词数 += len(y)
    return 总损失 / 总词数


def perplexity(model, source, bptt):
    原来的模式 = model.training
    model.eval()
    总损失 = 0.0
    hidden = model.init_hidden(source.shape[1])
    with torch.no_grad():
        for i in range(0, source.shape[0] - 1, bptt):
            x, y = get_batch(source, i, bptt)
            得分, hidden = model(x, hidden)
            总损失 += nn.functional.cross_entropy(得分, y, reduction="sum").item()
    if 原来的模式:
        model.train()
    return math.exp(总损失 / ((source.shape[0] - 1) * source.shape[1]))


def generate(model, start, length, temperature, generator):
    原来的模式 = model.training
    model.eval()
    结果 = []
    hidden = model.init_hidden(1)
    词 = start
    with torch.no_grad():
        for _ in range(length):
            得分, hidden = model(torch.LongTensor([[词]]), hidden)
            得分 = 得分.view(-1)
            if temperature == 0:
                词 = torch.argmax(得分).item()
            else:
                概率 = torch.softmax(得分 / temperature, dim=0)
                词 = torch.multinomial(概率, num_samples=1, generator=generator).item()
            结果.append(词)
    model.train(原来的模式)
    return 结果
